{# Every metric of a system's marts at every grain, a row each. What a metric is, and what a rate divides, is the catalog's
   to say; a mart's keys are the columns to which its contract gives no unit. `marts` are without their grain; `dated` are
   those of no grain, with the date that each row stands at. dbt wants to know what a model reads before there is a graph:
   so they are listed, and one that is left out stops the build. `others` has such rows already. The model is a view of the
   published file. #}
{% macro metric_values(marts, dated={}, others=none) -%}
{{- config(materialized='view', tags='published') -}}
{%- set tables = [] -%}
{%- for mart in marts -%}
    {%- for suffix, grain in {'hourly': 'hour', 'daily': 'day', 'monthly': 'month'}.items() -%}
        {%- do tables.append((mart ~ '_' ~ suffix, mart, grain, 'period_start')) -%}
    {%- endfor -%}
{%- endfor -%}
{%- for mart, date in dated.items() -%}
    {%- do tables.append((mart, mart, 'day', date)) -%}
{%- endfor -%}
{%- for node in (graph.nodes.values() if execute else []) if node.resource_type == 'model' and node.fqn[:2] == ['touchstone', 'marts']
    and node.group == config.get('group') and node.unique_id not in model.depends_on.nodes
    and node.columns.values() | selectattr('meta.kind') | list -%}
    {{ exceptions.raise_compiler_error(node.name ~ ' has metrics and is not in ' ~ model.name ~ ': add its mart to the list there.') }}
{%- endfor -%}
with

catalog as (

    -- a metric has an entry for each of its labels
    select distinct system, mart, metric, numerator, denominator from {{ ref('metric_catalog') }} where unit <> 'text'

),

mart_rows as (

    {% for table, mart, grain, start in tables -%}
    {%- set relation = ref(table) -%}
    {%- set columns = graph.nodes['model.touchstone.' ~ table].columns.values() if execute else [] -%}
    {%- set keys = keys_of(columns) | sort -%}
    {%- set metrics = columns | selectattr('meta.unit') | rejectattr('data_type', 'eq', 'varchar')
        | map(attribute='name') | list -%}
    select
        '{{ grain }}' as grain,
        '{{ mart }}' as mart,
        cast({{ start }} as timestamp) as period_start,
        cast(to_json(struct_pack({% for key in keys %}{{ key }} := {{ key }}{{ ', ' if not loop.last }}{% endfor %})) as varchar) as keys,
        map(
            {{ metrics | list }},
            [{% for metric in metrics %}cast({{ metric }} as double){{ ', ' if not loop.last }}{% endfor %}]
        ) as metrics
    from {{ relation }}
    {% if not loop.last %}
    union all
    {% endif %}
    {%- endfor %}

)

select
    mart_rows.grain,
    catalog.system,
    mart_rows.mart,
    catalog.metric,
    mart_rows.period_start,
    mart_rows.keys,
    mart_rows.metrics[catalog.metric] as value,
    mart_rows.metrics[catalog.numerator] as numerator,
    mart_rows.metrics[catalog.denominator] as denominator
from mart_rows
inner join catalog on replace(mart_rows.mart, '_by_dimension', '') = catalog.mart
{% if others -%}
union all by name
select * from {{ others }}
{%- endif %}
{%- endmacro %}


{# The rows of one grain of every system's metric values, and of those of systems together: a system that is held back keeps
   its own, whatever becomes of the others. #}
{% macro metric_values_of_systems(grain) -%}
{%- set systems = var('systems') | list | sort -%}
{%- for node in (graph.nodes.values() if execute else []) if node.resource_type == 'model' -%}
    {%- if node.fqn[:2] == ['touchstone', 'marts'] and node.group not in systems + ['catalog'] -%}
        {{ exceptions.raise_compiler_error(
            node.name ~ ' is of the group ' ~ node.group ~ ', which the variable `systems` has not: add it there, or disable its folders.'
        ) }}
    {%- elif node.name.endswith('__metric_values') and not node.columns -%}
        {{ exceptions.raise_compiler_error(node.name ~ ' has no columns: add it to _int__metric_values.yml.') }}
    {%- endif -%}
{%- endfor -%}
{%- set together = ['email'] if systems | select('in', ['mailgun', 'pinpoint', 'ses']) | list else [] -%}
{%- for system in systems + together %}
    select * exclude (grain) from {{ ref('int_' ~ system ~ '__metric_values') }} where grain = '{{ grain }}'
    {%- if not loop.last %}
    union all by name
    {%- endif %}
{%- endfor %}
{%- endmacro %}
