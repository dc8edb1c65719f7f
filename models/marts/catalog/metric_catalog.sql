-- Grain: one metric of a mart, and one label of the vendor's where rows of it have several.
with

metrics as (

    select * from {{ ref('metric_definitions') }}

),

labels as (

    select * from {{ ref('metric_labels') }}

)

select
    metrics.system,
    mart,
    metric,
    coalesce(nullif(labels.vendor_label, '-'), nullif(metrics.vendor_label, '-')) as vendor_label,
    metrics.definition,
    metrics.kind,
    metrics.rollup,
    metrics.unit,
    nullif(metrics.formula, '-') as formula,
    nullif(metrics.numerator, '-') as numerator,
    nullif(metrics.denominator, '-') as denominator,
    metrics.source,
    nullif(metrics.vendor_page, '-') as vendor_page,
    nullif(metrics.vendor_section, '-') as vendor_section,
    nullif(metrics.erratum, '-') as erratum,
    metrics.decision,
    metrics.origin,
    nullif(metrics.caveat, '-') as caveat,
    nullif(labels.applies_to, '-') as applies_to,
    nullif(labels.row_condition, '-') as row_condition
from metrics
left join labels using (mart, metric)
where {{ is_on('mart') }}
