-- Grain: one hour and outbound campaign with at least one contact.
with

metrics as (

    select * from {{ ref('int_pinpoint__contact_center_metrics') }}

)

select * exclude (grain, load_id)
from metrics
where grain = 'hour'
