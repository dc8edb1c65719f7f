-- Grain: one day, subaccount, domain with at least one event.
{{ by_grain(ref('int_mailgun__metrics_by_period'), 'day', where="dimension = 'all'") }}
