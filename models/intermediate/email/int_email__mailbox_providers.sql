-- Grain: one domain of mailboxes, or one word of a vendor's, and the mailbox provider that it stands for.
-- A company's own comes before ours.
{{ config(materialized='view') }}

with

providers as (

    select
        1 as preference,
        *
    from {{ ref('email_mailbox_providers') }}
    union all by name
    select
        0 as preference,
        *
    from {{ own_seed('email_own_mailbox_providers') }}

)

select
    kind,
    lower(pattern) as pattern,
    arg_min(provider, preference) as provider
from providers
group by kind, lower(pattern)
