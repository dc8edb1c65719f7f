-- Grain: one landed version of a step of an account linking.
with

source as (

    select * from {{ source('alexa', 'account_links') }}

),

renamed as (

    select
        _key as record_key,
        _record_id as version_id,
        _date as record_date,
        _at as happened_at,
        skill_id,
        coalesce(nullif(stage, ''), 'none') as stage,
        coalesce(nullif(locale, ''), 'none') as locale,
        -- Amazon knows two flows, by where the user began
        case when flow in ('alexa_app', 'app_to_app_from_alexa') then 'alexa_app' else 'your_app' end as flow,
        step,
        _file as file,
        _is_repeat as is_revision,
        _landing as load_id
    from source

)

select * from renamed
