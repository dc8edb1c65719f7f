-- Grain: one month, vendor, account and sender with at least one event of e-mail; `all` for the vendors together.
{{ by_grain(
    ref('int_email__metrics_by_period'), 'month', "machine_rule = 'all' and provider = 'all' and dimension = 'all'"
) }}
