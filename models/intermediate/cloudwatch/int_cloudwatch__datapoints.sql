-- Grain: one landed version of a CloudWatch datapoint; `is_current` marks the version that counts.
-- A version that no longer counts stays, so that the periods it once counted in are found and counted again.
{{ config(unique_key='version_id') }}

with

-- Not materialized, as a year would be written out for the sake of the day that is read.
datapoints as not materialized (

    select * from {{ ref('stg_cloudwatch__datapoints') }} where landing <= {{ last_landing() }}

),

arrived as not materialized (

    select * from datapoints where landing > {{ processed_landing() }}

),

contested as (

    select distinct
        period_date,
        datapoint_key
    from arrived
    where is_repeat

),

settled as (

    select
        arrived.*,
        true as is_current
    from arrived
    anti join contested using (period_date, datapoint_key)

),

contenders as materialized (

    select * from datapoints semi join contested using (period_date, datapoint_key)

),

resolved as (

    -- The most samples tell most. Among as many the content decides, never when it arrived.
    select
        * replace ((select max(landing) from contenders) as landing),
        row_number() over (
            partition by datapoint_key
            order by
                sample_count desc, sum desc, maximum desc, minimum desc, unit, cast(extra_statistics as varchar)
        ) = 1 as is_current
    from contenders

),

versioned as (

    select * from settled
    union all by name
    select * from resolved

)

select * exclude (period_date, file, is_repeat) from versioned
