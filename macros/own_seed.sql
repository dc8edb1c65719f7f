{# A seed that is a company's own: the file of its name in the home, else the seed. #}
{% macro own_seed(name) -%}
    {%- set seed = ref(name) -%}
    {%- set file = fromjson(env_var('TOUCHSTONE_SEEDS', '{}')).get(name) -%}
    {{ return("read_csv('" ~ file | replace("'", "''") ~ "', header = true, all_varchar = true)" if file else seed) }}
{%- endmacro %}
