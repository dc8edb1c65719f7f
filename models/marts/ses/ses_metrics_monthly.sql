-- Grain: one month, account and configuration set with at least one event or reputation datapoint.
{{ by_grain(ref('int_ses__metrics_by_period'), 'month', where="dimension = 'all'") }}
