-- Grain: one grain (hour, day, month), period, account and sender of Mailgun, and link and campaign that was clicked.
{{ email_link_counts('mailgun', ref('int_email__mailgun_facts')) }}
