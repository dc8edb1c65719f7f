{# Proves that each of the counts in `columns` is a number of things: never NULL and never below 0. By default those are the
   counts that the marts show, but for some. #}
{% test never_negative(model, columns=none, but=[]) %}

{%- if columns is none -%}
    {%- set columns = ['record_count'] if execute and 'record_count' in graph.nodes[context['model'].attached_node].columns else [] -%}
    {%- for name, meta in metrics_of_tested().items() if meta.kind in ('count', 'sum', 'distinct', 'derived', 'state') -%}
        {%- do columns.append(name) if name not in but -%}
    {%- endfor -%}
{%- endif %}

select {{ columns | join(', ') }}
from {{ model }}
where
    {% for column in columns %}
    coalesce({{ column }}, -1) < 0 {{ 'or' if not loop.last }}
    {% endfor %}

{% endtest %}
