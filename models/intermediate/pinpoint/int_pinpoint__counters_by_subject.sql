-- Grain: one grain (hour, day, month), period, journey or activity of one, and counter: its own where it was ever
-- reported, else that of its runs added up. Tests of journeys are left out.
{{ config(materialized='view', tags='published') }}

with

counters as not materialized (

    select
        *,
        -- the path that a split's counter is of; only a multivariate split has endpoints that no branch takes, and the
        -- name of their counter isn't documented
        case
            when activity_type = 'CONDITIONAL_SPLIT'
                then case counter when 'Branch_TRUE' then 'Yes' when 'Branch_FALSE' then 'No' end
            when
                activity_type in ('MULTI_CONDITIONAL_SPLIT', 'RANDOM_SPLIT')
                and regexp_full_match(counter, 'Branch_\d+')
                then counter
            when activity_type = 'MULTI_CONDITIONAL_SPLIT' then 'Else'
        end as path
    from {{ ref('int_pinpoint__counters_by_period') }}
    anti join {{ ref('int_pinpoint__test_journeys') }} using (application_id, journey_id)

),

own as (

    select distinct application_id, journey_id, activity_id, counter from counters where not of_runs

)

select * exclude (of_runs)
from counters
where not of_runs

union all

-- an activity's counters are of one source, as a path that only runs report would be added to those of all runs
select counters.* exclude (of_runs)
from counters
anti join own
    on
        counters.application_id = own.application_id
        and counters.journey_id = own.journey_id
        and counters.activity_id = own.activity_id
        and (counters.counter = own.counter or counters.activity_id <> 'all')
where counters.of_runs
