-- Grain: one metric with a column in a wide mart, set of dimensions and metric group that its datapoints come with, and
-- wide mart. `reading` says what they are to the column:
--   declared     its number
--   other_mart   the number of another mart's column
--   other_group  a number of another metric group
--   undeclared   perhaps its number: the set has a dimension too many or too few, or names no metric group
{{ config(unique_key=['namespace', 'metric_name', 'dimension_set', 'metric_group', 'mart']) }}

with

datapoints as (

    select * from {{ read(ref('int_cloudwatch__datapoints')) }} where is_changed

),

wide_metrics as (

    select
        * rename (metric_group as own_group),
        string_split(key_dimensions, ',') as keys,
        string_split(concat_ws(',', key_dimensions, total_over, 'MetricGroup'), ',') as known
    from {{ ref('cloudwatch_wide_metrics') }}

),

dimension_sets as (

    select distinct
        namespace,
        metric_name,
        dimension_set,
        coalesce(dimensions ->> '$.MetricGroup', '-') as metric_group,
        -- packet loss names the instance in either of two spellings
        list_filter(string_split(replace(dimension_set, 'Instance ID', 'InstanceId'), ','), lambda n: n <> '') as names
    from datapoints

),

matched as (

    select
        *,
        metric_group = own_group as is_of_group,
        is_of_group
        and list_has_all(known, names)
        -- which dimensions of AppIntegrations come together is not said
        and (list_has_all(names, keys) or namespace = 'AWS/AppIntegrations') as is_declared
    from dimension_sets
    inner join wide_metrics using (namespace, metric_name)

),

facts as (

    select
        namespace,
        metric_name,
        dimension_set,
        metric_group,
        len(names) as dimension_count,
        mart,
        keys,
        case
            when is_declared then 'declared'
            when bool_or(is_declared) over (partition by namespace, metric_name, dimension_set, metric_group)
                then 'other_mart'
            when not is_of_group and metric_group <> '-' then 'other_group'
            else 'undeclared'
        end as reading
    from matched

)

{{ changed_facts(['namespace', 'metric_name', 'dimension_set', 'metric_group', 'mart']) }}
