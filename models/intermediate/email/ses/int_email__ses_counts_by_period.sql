-- Grain: one grain (hour, day, month), period, account and sender of SES; rule, provider and domain, or dimension.
{{ email_counts('ses', ref('int_email__ses_events'), ref('int_email__ses_facts')) }}
