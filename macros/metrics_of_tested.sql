{# The marts with metrics that show the model which a test is of, out of dbt's graph. They are looked up once for each model
   and kept in the graph, as dbt makes a dictionary of a node each time it is asked for. #}
{% macro marts_of_tested() -%}
{%- if not execute -%}
    {{ return([]) }}
{%- endif -%}
{%- if 'marts_of_tested' not in graph -%}
    {%- set readers = {} -%}
    {%- for id in graph.nodes if id.startswith('model.') -%}
        {%- for parent in graph.nodes[id].depends_on.nodes -%}
            {%- do readers.setdefault(parent, []).append(id) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- do graph.update({'marts_of_tested': {}, 'readers': readers}) -%}
{%- endif -%}
{%- set tested = model.attached_node -%}
{%- if tested not in graph['marts_of_tested'] -%}
    {%- set shown = [tested] -%}
    {%- for step in range(3) -%}
        {%- for id in shown | list -%}
            {%- do shown.extend(graph['readers'].get(id, []) | reject('in', shown) | list) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set marts = [] -%}
    {%- for id in shown -%}
        {%- set node = graph.nodes[id] -%}
        {%- if node.fqn[:2] == ['touchstone', 'marts'] and node.columns.values() | selectattr('meta.kind') | list -%}
            {%- do marts.append(node) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do graph['marts_of_tested'].update({tested: marts}) -%}
{%- endif -%}
{{ return(graph['marts_of_tested'][tested]) }}
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
