-- Grain: one day, vendor, account, sender, provider and domain with at least one event; rare domains are `other`.
{{ by_grain(ref('int_email__metrics_by_period'), 'day', "provider <> 'all'") }}
