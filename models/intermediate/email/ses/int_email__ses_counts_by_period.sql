-- Grain: one grain (hour, day, month), period, account and sender of SES, and rule, or provider and domain, or `all`.
{{ email_counts('ses', ref('int_email__ses_events'), ref('int_email__ses_facts')) }}
