-- Grain: one event of a message of Mailgun and recipient, but acceptances and deliveries, and what it counts as.
{{ email_facts(ref('int_email__mailgun_events')) }}
