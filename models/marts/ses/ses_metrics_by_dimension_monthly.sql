-- Grain: one month, account, configuration set, dimension and dimension value with at least one event.
{{ by_grain(ref('int_ses__metrics_by_period'), 'month', where="dimension <> 'all'") }}
