{# The metrics that marts show of the model which a test is of, out of dbt's graph: what their entries say of them, by name. #}
{% macro metrics_of_tested() -%}
{%- set shown = [model.attached_node] -%}
{%- for step in range(3 if execute else 0) -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.unique_id not in shown
        and node.depends_on.nodes | select('in', shown) | list -%}
        {%- do shown.append(node.unique_id) -%}
    {%- endfor -%}
{%- endfor -%}
{%- set metrics = {} -%}
{%- for unique_id in (shown if execute else []) if graph.nodes[unique_id].fqn[1] == 'marts' -%}
    {%- for column in graph.nodes[unique_id].columns.values() if column.meta.kind -%}
        {%- do metrics.update({column.name: column.meta}) -%}
    {%- endfor -%}
{%- endfor -%}
{{ return(metrics) }}
{%- endmacro %}


{# The names of those that add up over periods and keys, and the number of records where the model has it. #}
{% macro additive_metrics_of_tested() -%}
{%- set counts = ['record_count'] if execute and 'record_count' in graph.nodes[model.attached_node].columns else [] -%}
{%- for name, meta in metrics_of_tested().items() if meta.rollup == 'sum' -%}
    {%- do counts.append(name) -%}
{%- endfor -%}
{{ return(counts) }}
{%- endmacro %}
