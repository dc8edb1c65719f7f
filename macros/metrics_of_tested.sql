{# The marts with metrics that show the model which a test is of, out of dbt's graph. #}
{% macro marts_of_tested() -%}
{%- set shown = [model.attached_node] -%}
{%- set models = graph.nodes.values() | selectattr('resource_type', 'eq', 'model') | list if execute else [] -%}
{%- for step in range(3) -%}
    {%- for node in models if node.unique_id not in shown and node.depends_on.nodes | select('in', shown) | list -%}
        {%- do shown.append(node.unique_id) -%}
    {%- endfor -%}
{%- endfor -%}
{%- set marts = [] -%}
{%- for unique_id in (shown if execute else []) if graph.nodes[unique_id].fqn[1] == 'marts'
    and graph.nodes[unique_id].columns.values() | selectattr('meta.kind') | list -%}
    {%- do marts.append(graph.nodes[unique_id]) -%}
{%- endfor -%}
{{ return(marts) }}
{%- endmacro %}


{# The columns by which a mart's rows are told apart, beside their period: those that are neither metric nor label. #}
{% macro keys_of(columns) -%}
{{ return(
    columns | rejectattr('meta.unit') | rejectattr('meta.names') | map(attribute='name')
    | reject('eq', 'period_start') | list
) }}
{%- endmacro %}


{# The keys of the model which a test is of: those of all of its marts. #}
{% macro keys_of_tested() -%}
{%- set keys = [] -%}
{%- for mart in marts_of_tested() -%}
    {%- do keys.extend(keys_of(mart.columns.values())) -%}
{%- endfor -%}
{{ return(keys | unique | list) }}
{%- endmacro %}


{# The metrics that marts show of the model which a test is of: what their entries say of them, by name. #}
{% macro metrics_of_tested() -%}
{%- set metrics = {} -%}
{%- for mart in marts_of_tested() -%}
    {%- for column in mart.columns.values() if column.meta.kind -%}
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
