{# Proves that the hours of a day add up to the day, and the days of a month to the month, in each of `counts`, which
   must be additive, for each of `keys`, dimension and value among them. By default the counts are the metrics that add up
   by their entries, and record_count; the keys are those of the model's marts.
   Looks at the days and months that were touched since the last release, and at all of their hours and days, most of
   which were counted earlier. Hours are UTC's, so that in another time zone hours and days are compared over all time.
   The first month that was touched is asked for beforehand, as a constant spares reading the years. #}
{% test grains_agree(model, keys=none, counts=none) %}
{{ config(where='true') }}

{%- set keys = keys if keys is not none else keys_of_tested() -%}
{%- set counts = counts if counts is not none else additive_metrics_of_tested() -%}

{%- set spans = {'day': "date_trunc('day', period_start)", 'month': "date_trunc('month', period_start)"} -%}
{%- set published = published_load() -%}
{%- set first = '1970-01-01' -%}
{%- if var('reporting_timezone') != 'UTC' -%}
    {%- do spans.update(day="date '1970-01-01'") -%}
{%- elif execute -%}
    {%- set first = run_query(
        "select coalesce(date_trunc('month', min(period_start)), date '1970-01-01') from "
        ~ model ~ ' where load_id > ' ~ published
    ).rows[0][0] -%}
{%- endif %}

with

parts as (

    {% for finer, coarser in [('hour', 'day'), ('day', 'month')] %}
    select
        {{ keys | join(', ') }},
        '{{ coarser }}' as compared,
        {{ spans[coarser] }} as span,
        load_id,
        case grain when '{{ finer }}' then -1 else 1 end as sign,
        {{ counts | join(', ') }}
    from {{ model }}
    where grain in ('{{ finer }}', '{{ coarser }}') and period_start >= timestamp '{{ first }}'
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

touched as (

    select distinct {{ keys | join(', ') }}, compared, span
    from parts
    where load_id > {{ published }}

)

select {{ keys | join(', ') }}, compared, span
from parts
inner join touched using ({{ keys | join(', ') }}, compared, span)
group by {{ keys | join(', ') }}, compared, span
having
    {% for count in counts %}
    sum(sign * {{ count }}) <> 0 {{ 'or' if not loop.last }}
    {% endfor %}

{% endtest %}
