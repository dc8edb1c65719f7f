-- Grain: one event of a message of SES and recipient that is neither an acceptance nor a delivery, and what it counts as.
{{ email_facts(ref('int_email__ses_events')) }}
