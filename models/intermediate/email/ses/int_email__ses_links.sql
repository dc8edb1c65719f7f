-- Grain: one grain (hour, day, month), period, account and sender of SES, and link and campaign that was clicked.
{{ email_link_counts('ses', ref('int_email__ses_facts')) }}
