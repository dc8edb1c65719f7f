-- Grain: one day on which something became of messages of SES, account and configuration set, and hour and day in which they were sent.
{{ email_cohorts(ref('int_email__ses_events'), ref('int_email__ses_facts')) }}
