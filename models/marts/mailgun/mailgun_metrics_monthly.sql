-- Grain: one month, subaccount, domain with at least one event.
{{ by_grain(ref('int_mailgun__metrics_by_period'), 'month', where="dimension = 'all'") }}
