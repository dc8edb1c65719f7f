-- Grain: one grain (hour, day, month), period, skill, stage, locale, grant type, and error code where `is_by_code`.
-- Defines every metric of token requests.
{{ config(tags='published', unique_key=['skill_id', 'stage', 'grain', 'period_start']) }}

with

records as not materialized (

    select
        *,
        -- the log has no locales
        'none' as locale,
        received_at as event_at
    from {{ read(ref('int_alexa__token_requests')) }}

),

{{ changed_periods(['skill_id', 'stage']) }},

-- Alexa waits 4.5 seconds.
exchanged as (

    select
        *,
        http_status is not null
        and coalesce(date_diff('microsecond', received_at, responded_at) <= 4500000, true) as is_exchanged
    from bucketed

),

with_outcomes as (

    select
        *,
        is_exchanged and http_status = 200 and has_access_token as is_successful,
        case
            when not is_exchanged or (http_status >= 500 and not has_body) then 'TRANSIENT_ERROR'
            when error in (
                'invalid_request', 'invalid_client', 'invalid_grant', 'unauthorized_client', 'unsupported_grant_type',
                'invalid_scope'
            )
                then error
            when error is not null then 'UNKNOWN_ERROR_CODE'
        end as code
    from exchanged

),

counted as (

    select
        skill_id,
        stage,
        case when grouping(locale) = 0 then locale else 'all' end as locale,
        grant_type,
        grouping(error_code) = 0 as is_by_code,
        error_code,
        {{ grain_columns() }},
        count(event_at) as requests,
        count(success) as successful_requests
    from (
        -- a success has no code, which is not the code NULL
        select
            *,
            case when event_at is not null and not is_successful then row(code) end as error_code,
            case when is_successful then 1 end as success
        from with_outcomes
    )
    group by
        skill_id, stage, grant_type,
        grouping sets ((hour_start), (day_start), (month_start)),
        grouping sets ((), (locale)),
        grouping sets ((), (error_code))

),

with_rates as (

    select
        * replace (error_code[1] as error_code),
        requests - successful_requests as error_responses,
        successful_requests / nullif(requests, 0) as success_rate,
        requests = 0 as is_empty,
        {{ load_id() }} as load_id
    from counted
    where
        period_start is not null
        and locale is not null
        and (not is_by_code or error_code is not null)

)

select * from with_rates
