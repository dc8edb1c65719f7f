-- Grain: one hour, subaccount, domain with at least one event.
{{ by_grain(ref('int_mailgun__metrics_by_period'), 'hour', where="dimension = 'all'") }}
