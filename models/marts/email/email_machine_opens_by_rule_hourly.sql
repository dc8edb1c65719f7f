-- Grain: one hour, vendor, account, sender and rule by which at least one open or click was told apart.
{{ by_grain(ref('int_email__metrics_by_period'), 'hour', "machine_rule <> 'all'") }}
