-- Grain: one month, vendor, account, sender, dimension and its value with at least one event.
{{ by_grain(ref('int_email__metrics_by_period'), 'month', "dimension <> 'all'") }}
