-- Grain: one property of one landed version of a report of an endpoint's state: of a ChangeReport, which the skill
-- sent by itself, or of a StateReport, which Alexa asked for.
{{ config(unique_key='version_id') }}

with

reports as not materialized (

    select *
    from {{ read(ref('int_alexa__smart_home_messages')) }}
    where name in ('ChangeReport', 'StateReport') and kind = 'event' and is_changed

),

listed as (

    -- a ChangeReport has all of an endpoint's properties: those that changed, and in its context the others
    select *, true as has_changed, unnest(json_extract(changed_properties, '$[*]')) as property
    from reports
    where name = 'ChangeReport'

    union all by name

    select *, false as has_changed, unnest(json_extract(context_properties, '$[*]')) as property
    from reports

),

named as (

    select
        *,
        concat_ws('/', property ->> '$.namespace', property ->> '$.name', property ->> '$.instance') as property_id
    from listed

),

-- Equal values have one spelling: fields in one order, 25 as 25.0 is.
canonical as (

    select
        named.version_id,
        named.property_id,
        named.has_changed,
        string_agg(
            leaves.fullkey || '=' || coalesce(
                -- but where digits would be lost
                case
                    when leaves.type in ('BIGINT', 'UBIGINT', 'DOUBLE')
                        and try_cast(leaves.atom as decimal(28, 6)) = cast(leaves.atom as double)
                        then cast(try_cast(leaves.atom as decimal(28, 6)) as varchar)
                end,
                cast(leaves.atom as varchar),
                leaves.type
            ),
            ',' order by leaves.fullkey
        ) as reported_value
    from named, json_tree(named.property, '$.value') as leaves
    group by named.version_id, named.property_id, named.has_changed, named.property

),

chosen as (

    select *
    from canonical
    qualify row_number() over (partition by version_id, property_id order by has_changed desc, reported_value) = 1

)

select
    reports.version_id,
    reports.skill_id,
    reports.stage,
    reports.locale,
    reports.user_id,
    reports.endpoint_id,
    reports.name as report,
    reports.logged_at as reported_at,
    chosen.property_id,
    chosen.reported_value,
    reports.is_current,
    {{ load_id() }} as load_id
from reports
inner join chosen using (version_id)
