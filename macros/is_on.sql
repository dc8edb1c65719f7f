{# SQL of whether a mart is of a system that is on. Set by the orchestration; without it, all are. #}
{% macro is_on(mart) -%}
    {%- set systems = env_var('TOUCHSTONE_SYSTEMS', '') -%}
    {%- set off = [] -%}
    {%- for node in (graph.nodes.values() if execute and systems else []) if node.fqn[:2] == ['touchstone', 'marts'] -%}
        {%- if node.config.group not in fromjson(systems) + ['catalog'] -%}
            {%- do off.append(modules.re.sub('_(hourly|daily|monthly)$', '', node.name)) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ 'not list_contains(' ~ off | unique | list ~ ', ' ~ mart ~ ')' if off else 'true' }}
{%- endmacro %}
