-- Grain: one day, and sending day and hour of messages of SES, account and set: what became of them that day.
{{ email_cohorts('ses', ref('int_email__ses_events'), ref('int_email__ses_facts')) }}
