{# CTEs up to `bucketed`: the current rows of the CTE `records`, each with the hour, day and month of its `event_at`, of those
   periods in which something has changed; a NULL period is one in which nothing has. A changed period whose last record
   has moved elsewhere is there by its `keys` alone, so that it is recounted as zero. A CTE `changed` of the keys and
   `event_at` of what has changed may be named; it is those records that have, otherwise.
   A build of all records counts each in its periods, and needn't look these up. #}
{% macro changed_periods(keys, changed=none) -%}
{%- set keys = keys | join(', ') -%}
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

    select distinct {{ keys }}, {{ reporting_date('event_at') }} as day_start from {{ changed }}

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

),

bucketed as not materialized (

    {% if not is_incremental() -%}
    select * exclude (is_current) from timed where is_current
    {%- else -%}
    select
        timed.* exclude (is_current)
        replace (
            case when changed_hours.hour_start is not null then timed.hour_start end as hour_start,
            case when changed_days.day_start is not null then timed.day_start end as day_start
        )
    from timed
    semi join changed_months using ({{ keys }}, month_start)
    left join changed_days using ({{ keys }}, day_start)
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
