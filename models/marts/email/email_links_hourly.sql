-- Grain: one hour, vendor, account, sender, and link and campaign that was clicked.
{{ by_grain(ref('int_email__links_by_period'), 'hour') }}
