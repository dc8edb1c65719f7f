-- Grain: one landed version of a message of a smart home or video skill: a directive of Alexa's, or an event that
-- answers one or reports a state.
with

source as (

    select
        *,
        coalesce(message.directive.header, message.event.header) as header
    from {{ landed('alexa', 'smart_home_messages') }}

),

renamed as (

    select
        {{ landed_columns(at='logged_at') }},
        _kind as kind,
        direction,
        nullif(invocation_id, '') as invocation_id,
        skill_id,
        coalesce(nullif(stage, ''), 'none') as stage,
        coalesce(nullif(locale, ''), 'none') as locale,
        coalesce(nullif(user_ref, ''), 'none') as user_id,
        coalesce(nullif(header.namespace, ''), 'none') as namespace,
        header."name" as name,
        header."messageId" as message_id,
        nullif(header."correlationToken", '') as correlation_token,
        coalesce(
            nullif(message.directive.endpoint."endpointId", ''), nullif(message.event.endpoint."endpointId", ''), 'none'
        ) as endpoint_id,
        -- the properties that changed, and all others of the endpoint
        message.event.payload."change".properties as changed_properties,
        message.context.properties as context_properties
    from source

)

select * from renamed
