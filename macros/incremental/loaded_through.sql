{# Through which number this model has read a parent; of its own name, the number of its last build. 0 where it has none.
   A view has been read as far as each model that it is made of.
   Asked before the model runs, as DuckDB skips files and row groups by a constant, and reads a year for a subquery. #}
{% macro loaded_through(parent) -%}
    {%- set marks = (high_water_marks() or {}).get(this.name) -%}
    {%- if not marks -%}
        {{ return(0) }}
    {%- endif -%}
    {%- set numbers = [] -%}
    {%- for source in read_through_views(graph.nodes['model.touchstone.' ~ parent]) -%}
        {%- do numbers.append(marks.get(source.name, 0)) -%}
    {%- endfor -%}
    {{ return(numbers | min) }}
{%- endmacro %}


{# The models whose high-water marks a reader of `node` keeps: itself, or those that a view is made of. #}
{% macro read_through_views(node) -%}
    {%- if node.name.startswith('stg_') or node.config.materialized == 'incremental' -%}
        {{ return([node]) }}
    {%- endif -%}
    {%- set sources = [] -%}
    {%- for id in node.depends_on.nodes if id in graph.nodes and node.config.materialized == 'view' -%}
        {%- do sources.extend(read_through_views(graph.nodes[id])) -%}
    {%- endfor -%}
    {{ return(sources) }}
{%- endmacro %}
