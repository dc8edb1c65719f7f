-- Grain: one event of a message of SES and recipient, but acceptances and deliveries, and what it counts as.
{{ email_facts(ref('int_email__ses_events')) }}
