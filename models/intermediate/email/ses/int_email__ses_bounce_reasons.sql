-- Grain: one grain (hour, day, month), period, account and sender of SES, provider and reason why messages failed.
{{ email_bounce_reason_counts('ses', ref('int_email__ses_facts')) }}
