-- Grain: one metric of a mart.
with

metrics as (

    select * from {{ ref('metric_definitions') }}

)

select
    system,
    mart,
    metric,
    nullif(vendor_label, '-') as vendor_label,
    definition,
    kind,
    rollup,
    unit,
    nullif(formula, '-') as formula,
    nullif(numerator, '-') as numerator,
    nullif(denominator, '-') as denominator,
    source,
    nullif(vendor_page, '-') as vendor_page,
    nullif(vendor_section, '-') as vendor_section,
    nullif(erratum, '-') as erratum,
    decision,
    origin,
    nullif(caveat, '-') as caveat
from metrics
