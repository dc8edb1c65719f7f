{# The build of which readers see the test's system; 0 where they see nothing that these definitions made. What a test finds
   fault with is found again every night until it is mended, as nothing of it is published before. The nightly run sets it,
   for each system. #}
{% macro published_load() -%}
    {%- set tested = graph.nodes[model.attached_node] if execute and model.attached_node else {} -%}
    {{ return(fromjson(env_var('TOUCHSTONE_PUBLISHED', '{}') if execute else '{}').get(tested.group, 0)) }}
{%- endmacro %}
