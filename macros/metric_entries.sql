{# What the marts' YAML says of each metric, out of dbt's graph, as rows with the columns of metric_catalog. What a column's
   entry leaves out is as the `meta` of its mart has it; entries of metrics that are rows stand there, under `metrics`.
   A metric whose rows have several labels of the vendor's has a row for each. Where metrics of a mart share the vendor's
   label, ours says which one is the rate, or the state that the vendor reports. A column of a wide CloudWatch mart is a row of
   cloudwatch_metrics too, and in two marts the same one. #}
{% macro metric_entries() -%}
{%- set texts = [
    'system', 'mart', 'metric', 'label', 'vendor_label', 'definition', 'kind', 'rollup', 'unit', 'formula', 'numerator',
    'denominator', 'source', 'vendor_page', 'vendor_section', 'erratum', 'decision', 'origin', 'caveat',
    'applies_to', 'row_condition',
] -%}
{%- set rows = [] -%}
{%- set datapoints = {} -%}
{%- for node in (graph.nodes.values() | sort(attribute='name') if execute else []) if node.resource_type == 'model' and node.fqn[:2] == ['touchstone', 'marts']
    and not modules.re.search('_by_dimension_|_hourly$|_monthly$', node.name) -%}
    {%- set entries = [] -%}
    {%- for column in node.columns.values() if column.meta.kind -%}
        {%- do entries.append((column.name, column.description, column.meta)) -%}
    {%- endfor -%}
    {%- for metric, entry in node.config.meta.get('metrics', {}).items() -%}
        {%- do entries.append((metric, entry.description, entry.meta)) -%}
    {%- endfor -%}
    {%- for metric, description, meta in entries -%}
        {%- set of = {'system': node.group, 'mart': node.name.removesuffix('_daily'), 'metric': metric} -%}
        {%- do of.update(node.config.meta) -%}
        {%- do of.update(meta) -%}
        {%- set formula = of.numerator ~ ' / ' ~ of.denominator if of.numerator else of.formula -%}
        {%- do of.update(
            formula=formula,
            definition=(formula ~ '. ' if formula else '') ~ description.split() | join(' '),
            decision=of.decisions ~ '#' ~ of.decision,
            caveat=of.caveat if of.caveat is string else of.caveat | join(' '),
        ) -%}
        {%- set shared = entries | map(attribute=2) | selectattr('vendor_label', 'defined')
            | selectattr('vendor_label', 'eq', of.vendor_label) | rejectattr('label', 'defined') | list | length > 1 -%}
        {%- set marks = {'rate': ' rate', 'state': ' (reported)'} if shared else {} -%}
        {%- set label = (of.vendor_label or metric | replace('_', ' ') | capitalize) ~ marks.get(of.kind, '') -%}
        {%- for labels in of.get('labels', [{}]) -%}
            {%- do rows.append(dict(of, label=labels.vendor_label or of.label or label, **labels)) -%}
        {%- endfor -%}
        {%- if of.namespace -%}
            {%- set metric = of.namespace ~ '/' ~ of.vendor_label -%}
            {%- set decision = of.decision | replace('#wide-marts', '#readings') -%}
            {%- do datapoints.setdefault(metric, dict(of, mart='cloudwatch_metrics', metric=metric, label=of.vendor_label, decision=decision)) -%}
        {%- endif -%}
    {%- endfor -%}
{%- endfor -%}
select *
from (
    values
    {%- for row in rows + datapoints.values() | list %}
    (
        {%- for text in texts -%}
        {{ "'" ~ row[text] | replace("'", "''") ~ "'" if row.get(text) else 'null::varchar' }}{{ ', ' if not loop.last }}
        {%- endfor -%}
    ){{ ',' if not loop.last }}
    {%- endfor %}
) as entries ({{ texts | join(', ') }})
{%- endmacro %}
