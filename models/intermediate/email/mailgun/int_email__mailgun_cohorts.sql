-- Grain: one day, and sending day and hour of messages of Mailgun, subaccount and domain: what became of them that day.
{{ email_cohorts('mailgun', ref('int_email__mailgun_events'), ref('int_email__mailgun_facts')) }}
