-- Grain: one grain (hour, day, month), period, account and sender of Pinpoint, provider and reason why messages failed.
{{ email_bounce_reason_counts('pinpoint', ref('int_email__pinpoint_facts')) }}
