-- Grain: one event of a message of Pinpoint and recipient that is neither an acceptance nor a delivery, and what it counts as.
{{ email_facts(ref('int_email__pinpoint_events')) }}
