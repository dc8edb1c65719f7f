{# SQL of whether a mart is of a system that is on, or of several of which one is. Set by the orchestration; without it, all
   are. #}
{% macro is_on(mart) -%}
    {%- set systems = env_var('TOUCHSTONE_SYSTEMS', '') -%}
    {%- set off = [] -%}
    {%- for node in (graph.nodes.values() if execute and systems else []) if node.fqn[:2] == ['touchstone', 'marts'] -%}
        {%- set of = [node.config.group] -%}
        {%- if node.config.group == 'catalog' and node.config.meta.source -%}
            {%- set of = modules.re.findall('(\w+)/', node.config.meta.source) -%}
        {%- endif -%}
        {%- if not of | select('in', fromjson(systems) + ['catalog']) | list -%}
            {%- do off.append(modules.re.sub('_(hourly|daily|monthly)$', '', node.name)) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ 'not list_contains(' ~ off | unique | list ~ ', ' ~ mart ~ ')' if off else 'true' }}
{%- endmacro %}
