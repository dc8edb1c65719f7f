-- Grain: one grain (hour, day, month), period, account and sender of Pinpoint, and link and campaign that was clicked.
{{ email_link_counts('pinpoint', ref('int_email__pinpoint_facts')) }}
