-- Grain: one number that Amazon reports, as a measure or as one side of a rate, with the span that it is of: an hour, a
-- day or a month as the marts have them, or less than an hour. Numbers of other spans, such as weeks, are not here.
{{ config(materialized='view') }}

with

points as not materialized (

    select * from {{ ref('int_alexa__reported_points') }}

),

-- A rate is of the spans of which Amazon reports both sides.
sides (rate, numerator, denominator) as (

    values
        ('estimated_error', 'predicted_errors', 'evaluated_for_errors'),
        ('friction', 'defective_utterances', 'evaluated_utterances'),
        ('barge_in', 'barge_ins', 'evaluated_utterances')

),

sides_of_rates as not materialized (

    select
        points.* replace (
            rate || case measure when numerator then '/numerator' else '/denominator' end as measure
        )
    from points
    inner join sides on points.measure in (sides.numerator, sides.denominator)
    qualify count(*) over (partition by skill_id, stage, locale, rate, starts_at, ends_at) > 1

),

measures as not materialized (

    select * from points
    union all by name
    select * from sides_of_rates

),

dated as not materialized (

    select
        *,
        {{ reporting_date('starts_at') }} as first_day,
        {{ reporting_date('(ends_at - interval 1 microsecond)') }} as last_day,
        cast(date_trunc('month', {{ reporting_date('starts_at') }}) as date) as first_month
    from measures

),

with_spans as not materialized (

    select
        * exclude (point_key, last_day, first_month),
        case
            when
                starts_at = {{ reporting_instant('first_month') }}
                and ends_at = {{ reporting_instant('first_month + interval 1 month') }}
                then 'month'
            when
                starts_at = {{ reporting_instant('first_day') }}
                and ends_at = {{ reporting_instant('first_day + interval 1 day') }}
                then 'day'
            when starts_at = date_trunc('hour', starts_at) and ends_at = starts_at + interval 1 hour then 'hour'
            when ends_at <= date_trunc('hour', starts_at) + interval 1 hour then 'less'
        end as span,
        -- Where a zone's midnight is in the middle of an hour, the hour's number is of no day.
        span in ('hour', 'less') and first_day <> last_day as is_cut,
        bool_or(locale = 'all') over (
            partition by skill_id, stage, measure, group_value, starts_at, ends_at
        ) as is_known_of_all
    from dated

)

select * from with_spans where span is not null
