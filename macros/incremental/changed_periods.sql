{# CTEs up to `bucketed`: the current rows of the CTE `records`, each with the hour, day and month of its `event_at`, of those
   periods in which something has changed; a NULL period is one in which nothing has. A changed period whose last record
   has moved elsewhere is there by its `keys` alone, so that it is recounted as zero. A CTE `changed` of the keys and
   `event_at` of what has changed may be named; it is those records that have, otherwise.
   A build of all records counts each in its periods, and needn't look these up.
   Where a model has sums alone, `month_of_days` leaves out the records of days in which nothing has changed: the days
   themselves are added to the month, by `unchanged_days`. #}
{% macro changed_periods(keys, changed=none, month_of_days=false) -%}
{%- set keys = keys | join(', ') -%}
{%- set first = 'day' if month_of_days else 'month' -%}
{% if not changed -%}
{%- set changed = 'changed' -%}
changed as (

    -- by the minute, at which periods of any zone begin: of few rows
    select distinct {{ keys }}, date_trunc('minute', event_at) as event_at from records where is_changed

),

{% endif -%}
changed_hours as (

    select distinct {{ keys }}, date_trunc('hour', event_at) as hour_start from {{ changed }}

),

changed_days as (

    {% if month_of_days -%}
    -- both days of an hour that midnight divides, as its records are read by day
    select distinct {{ keys }}, {{ reporting_dates('hour_start') }} as day_start from changed_hours
    {%- else -%}
    select distinct {{ keys }}, {{ reporting_date('event_at') }} as day_start from {{ changed }}
    {%- endif %}

),

changed_months as (

    select distinct {{ keys }}, {{ reporting_months('hour_start') }} as month_start from changed_hours

),

timed as not materialized (

    select
        *,
        date_trunc('hour', event_at) as hour_start,
        {{ reporting_date('event_at') }} as day_start,
        cast(date_trunc('month', {{ reporting_date('event_at') }}) as date) as month_start
    from records
    {% if is_incremental() -%}
    -- row groups are skipped by these; the hour is for clocks that are set back at midnight
    where
        event_at >= (
            select {{ reporting_instant('min(' ~ first ~ '_start)') }} - interval 1 hour
            from changed_{{ first }}s
        )
        and event_at < (
            select {{ reporting_instant('max(' ~ first ~ '_start) + interval 1 ' ~ first) }} + interval 1 hour
            from changed_{{ first }}s
        )
    {%- endif %}

),

bucketed as not materialized (

    {% if not is_incremental() -%}
    select * exclude (is_current) from timed where is_current
    {%- else -%}
    select
        timed.* exclude (is_current)
        replace (
            case when changed_hours.hour_start is not null then timed.hour_start end as hour_start
            {%- if not month_of_days %},
            case when changed_days.day_start is not null then timed.day_start end as day_start
            {%- endif %}
        )
    from timed
    {% if month_of_days -%}
    semi join changed_days using ({{ keys }}, day_start)
    {%- else -%}
    semi join changed_months using ({{ keys }}, month_start)
    left join changed_days using ({{ keys }}, day_start)
    {%- endif %}
    left join changed_hours using ({{ keys }}, hour_start)
    where is_current
    {%- endif %}

    union all by name
    select * from changed_hours
    union all by name
    select * from changed_days
    union all by name
    select * from changed_months

)
{%- endmacro %}


{# The model's own rows of days in which nothing has changed, as parts of months in which something has, each with its start as
   `event_at`: a month of them and of what `changed_periods` gives has all of its days. Sums of whole numbers are the same
   so, in any order; distinct counts and percentiles are not. #}
{% macro unchanged_days(keys) -%}
{%- set keys = keys | join(', ') -%}
select * exclude (grain, period_start, day_start, load_id)
from (
    select
        *,
        {{ reporting_instant('period_start') }} as event_at,
        cast(period_start as date) as day_start,
        cast(date_trunc('month', period_start) as date) as month_start
    from {{ this }}
    where grain = 'day'
)
semi join changed_months using ({{ keys }}, month_start)
anti join changed_days using ({{ keys }}, day_start)
{%- endmacro %}
