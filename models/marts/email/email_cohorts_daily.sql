-- Grain: one day of sending, days after the day of it, vendor, account and sender; `all` for the vendors together.
{{ by_grain(ref('int_email__cohorts_by_period'), 'day') }}
