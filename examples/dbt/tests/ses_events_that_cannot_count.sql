-- Rows that Touchstone can't read as records, by what is wrong with them; none of them counts.
{{ config(severity='warn') }}

select _reason as reason, count(*) as records, max(_loaded_at) as last_loaded_at
from {{ landed_ses_events() }}
where _reason is not null
group by _reason
