-- Grain: one grain (hour, day, month), period, account and sender of Mailgun; rule, provider and domain, or dimension.
{{ email_counts('mailgun', ref('int_email__mailgun_events'), ref('int_email__mailgun_facts')) }}
