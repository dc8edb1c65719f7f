-- Grain: one grain (hour, day, month), period, account and sender of Pinpoint; rule, provider and domain, or dimension.
{{ email_counts('pinpoint', ref('int_email__pinpoint_events'), ref('int_email__pinpoint_facts')) }}
