-- Grain: one day on which something became of messages of Mailgun, subaccount and sending domain, and hour and day in which they were sent.
{{ email_cohorts(ref('int_email__mailgun_events'), ref('int_email__mailgun_facts')) }}
