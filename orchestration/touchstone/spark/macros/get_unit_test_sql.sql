{# dbt's own comparison, but for numbers with a fraction, whose last digits depend on the order of a sum or on how an engine
   interpolates, and for times, of which Python can't read those after the year 9999. dbt reads the first CTE by this name
   where it expects no rows. #}
{% macro spark__get_unit_test_sql(main_sql, expected_fixture_sql, expected_column_names) -%}
{%- set types = column_types()[model.tested_node_unique_id.split('.')[-1]] -%}
with
{%- for kind, query in [('actual', main_sql), ('expected', expected_fixture_sql)] %}
dbt_internal_unit_test_{{ kind }} as (
    select
        {%- for name in expected_column_names %}
        {%- set of_type = {'DOUBLE': 'round(' ~ name ~ ', 9)', 'TIMESTAMP': 'cast(' ~ name ~ ' as string)'} %}
        {{ of_type.get(types.get(name | replace('`', '')), name) }} as {{ name }},
        {%- endfor %}
        '{{ kind }}' as `actual_or_expected`
    from (
        {{ query }}
    ) as _{{ kind }}
){{ ',' if not loop.last }}
{%- endfor %}
select * from dbt_internal_unit_test_actual
union all
select * from dbt_internal_unit_test_expected
{%- endmacro %}
