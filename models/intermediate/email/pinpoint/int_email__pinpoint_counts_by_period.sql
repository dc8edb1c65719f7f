-- Grain: one grain (hour, day, month), period, account and sender of Pinpoint, and rule, or provider and domain, or `all`.
{{ email_counts('pinpoint', ref('int_email__pinpoint_events'), ref('int_email__pinpoint_facts')) }}
