-- Grain: one event of a message of Mailgun and recipient that is neither an acceptance nor a delivery, and what it counts as.
{{ email_facts(ref('int_email__mailgun_events')) }}
