-- Grain: one landed version of an event of a skill: that a user enabled or disabled it.
with

source as (

    select * from {{ source('alexa', 'skill_events') }}

),

renamed as (

    select
        _key as record_key,
        _record_id as version_id,
        _date as record_date,
        _at as created_at,
        _kind as event,
        coalesce(nullif(context."System".application."applicationId", ''), 'none') as skill_id,
        coalesce(nullif(stage, ''), 'none') as stage,
        coalesce(nullif(context."System"."user"."userId", ''), 'none') as user_id,
        _file as file,
        _is_repeat as is_revision,
        _landing as load_id
    from source

)

select * from renamed
