-- Grain: one grain (hour, day, month), period, account and sender of Mailgun, and rule, or provider and domain, or `all`.
{{ email_counts('mailgun', ref('int_email__mailgun_events'), ref('int_email__mailgun_facts')) }}
