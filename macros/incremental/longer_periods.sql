{# CTE: hours of a series in which something has arrived and there are longer periods than a minute. All that they have is
   chosen among once more. #}
{% macro longer_periods(series) -%}
{%- set hour = 'record_date, ' ~ series | join(', ') ~ ', hour' -%}
longer as (

    select distinct {{ hour }}
    from versions
    where
        period_minutes > 1
        {%- if is_incremental() %} and record_date in (select record_date from arrived){% endif %}

),

contested as (

    select distinct {{ hour }} from arrived semi join longer using ({{ hour }})

)
{%- endmacro %}


{# CTEs: of each hour of a series either the hour counts, or each of its 5 minutes, for which either they count or their
   minutes. A longer period has the samples of those within it: it counts where it has more of them, as some of these are
   missing or were too early. #}
{% macro counting_periods(series) -%}
{%- set hour = series | join(', ') ~ ', hour' -%}
parts as (

    select
        {{ hour }},
        minute(period_at) // 5 as part,
        {%- for minutes in (1, 5, 60) %}
        coalesce(sum(cast(sample_count as decimal(38, 12))) filter (where period_minutes = {{ minutes }}), 0) as of_{{ minutes }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from ranked
    where is_current
    group by all

),

counting as (

    select
        {{ hour }},
        part,
        case
            when sum(of_60) over (partition by {{ hour }}) > sum(greatest(of_1, of_5)) over (partition by {{ hour }}) then 60
            when of_5 > of_1 then 5
            else 1
        end as counting_minutes
    from parts

),

of_counting_periods as (

    select ranked.* exclude (part) replace (is_current and period_minutes = counting_minutes as is_current)
    from (select *, minute(period_at) // 5 as part from ranked) as ranked
    left join counting using ({{ hour }}, part)

)
{%- endmacro %}


{# Further rows of a CTE `changed`: the last minute of each hour in which a longer period of `records` has changed, as it may be
   of another day than the first. #}
{% macro changed_ends(keys) -%}
select distinct {{ keys | join(', ') }}, date_trunc('hour', event_at) + interval 59 minutes as event_at
from records
where is_changed and period_minutes > 1
{%- endmacro %}
