-- Proves that every landed record is counted once, from staging to each grain: a request, a directive, an event of a
-- skill, a step of a linking and a request for a token; and that every fact made of several records is counted once in
-- each grain.
-- Of what landing wrote, which says of a version whether it is the first of its record.
{{ config(enabled=project_name == 'touchstone') }}

with

landed as (

    select 'requests' as subject, count(*) as records from {{ ref('stg_alexa__requests') }} where not is_revision
    union all
    select 'skill_events', count(*) from {{ ref('stg_alexa__skill_events') }} where not is_revision
    union all
    select 'directives', count(*) from {{ ref('stg_alexa__smart_home_messages') }}
    where not is_revision and kind = 'directive' and direction = 'in'
    union all
    select 'account_links', count(*) from {{ ref('stg_alexa__account_links') }} where not is_revision
    union all
    select 'token_requests', count(*) from {{ ref('stg_alexa__token_requests') }} where not is_revision

),

current_records as (

    -- only test calls are left out
    select 'requests' as subject, count(*) as records
    from (
        select version_id from {{ ref('int_alexa__requests') }} where is_current and is_test
        union all
        select version_id from {{ ref('int_alexa__sessionized_requests') }} where is_current
    )
    union all
    select 'skill_events', count(*) from {{ ref('int_alexa__skill_events') }} where is_current
    union all
    select 'directives', count(*) from {{ ref('int_alexa__operations') }} where is_current
    union all
    select 'account_links', count(*) from {{ ref('int_alexa__account_links') }} where is_current
    union all
    select 'token_requests', count(*) from {{ ref('int_alexa__token_requests') }} where is_current

),

facts as (

    select
        'skills' as subject,
        (select count(*) from {{ ref('int_alexa__sessionized_requests') }} where is_current)
        + (select count(*) from {{ ref('int_alexa__operations') }} where is_current)
        + (select count(*) from {{ ref('int_alexa__skill_events') }} where is_current) as records
    union all
    select 'operations', count(*) from {{ ref('int_alexa__operations') }}
    where is_current and operation <> 'authorization'
    union all
    select 'account_links', count(*) from {{ ref('int_alexa__account_links') }} where is_current
    union all
    select 'token_requests', count(*) from {{ ref('int_alexa__token_requests') }} where is_current
    union all
    select 'state_reports', count(*) from {{ ref('int_alexa__state_reports') }} where is_current
    union all
    select
        'purchases',
        (select count(*) from {{ ref('int_alexa__subscription_states') }} where is_current)
        + (select count(*) from {{ ref('int_alexa__purchase_log') }} where is_current and not is_of_subscription)

),

counted as (

    select 'skills' as subject, grain, record_count as records
    from {{ ref('int_alexa__skill_metrics_by_period') }}
    where locale = 'all'
    union all
    select 'operations', grain, request_volume from {{ ref('int_alexa__operations_by_period') }}
    where locale = 'all' and capability = 'all'
    union all
    select 'account_links', grain, record_count from {{ ref('int_alexa__account_linking_by_period') }}
    where locale = 'all' and flow = 'all'
    union all
    select 'token_requests', grain, requests from {{ ref('int_alexa__token_requests_by_period') }}
    where locale = 'all' and not is_by_code
    union all
    select 'state_reports', grain, record_count from {{ ref('int_alexa__change_reports_by_period') }}
    where locale = 'all'
    union all
    select 'purchases', grain, record_count from {{ ref('int_alexa__purchases_by_period') }}
    where locale = 'all' and product_type = 'all'

),

in_grains as (

    select
        subject,
        coalesce(sum(records) filter (where grain = 'hour'), 0) as of_hours,
        coalesce(sum(records) filter (where grain = 'day'), 0) as of_days,
        coalesce(sum(records) filter (where grain = 'month'), 0) as of_months
    from counted
    group by subject

)

select
    subject,
    landed.records as before,
    current_records.records as after
from landed
inner join current_records using (subject)
where landed.records <> current_records.records

union all

select
    subject,
    facts.records,
    case
        when facts.records <> coalesce(of_hours, 0) then of_hours
        when facts.records <> coalesce(of_days, 0) then of_days
        else of_months
    end
from facts
left join in_grains using (subject)
where
    facts.records <> coalesce(of_hours, 0)
    or facts.records <> coalesce(of_days, 0)
    or facts.records <> coalesce(of_months, 0)
