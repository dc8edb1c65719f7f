-- Grain: one day on which something became of messages of Pinpoint, project and journey, and hour and day in which they were sent.
{{ email_cohorts(ref('int_email__pinpoint_events'), ref('int_email__pinpoint_facts')) }}
