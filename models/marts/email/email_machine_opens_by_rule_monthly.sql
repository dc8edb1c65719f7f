-- Grain: one month, vendor, account, sender and rule by which at least one open or click was told apart.
{{ by_grain(ref('int_email__metrics_by_period'), 'month', "machine_rule <> 'all'") }}
