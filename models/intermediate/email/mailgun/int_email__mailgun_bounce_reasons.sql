-- Grain: one grain (hour, day, month), period, account and sender of Mailgun, provider and reason why messages failed.
{{ email_bounce_reason_counts('mailgun', ref('int_email__mailgun_facts')) }}
