-- Grain: one day, and sending day and hour of messages of Pinpoint, project and journey: what became of them that day.
{{ email_cohorts('pinpoint', ref('int_email__pinpoint_events'), ref('int_email__pinpoint_facts')) }}
