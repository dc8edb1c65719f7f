{# Where Mailgun's events are: Touchstone asks for a macro of this name. #}
{% macro landed_mailgun_events() -%}
    {{ return(mailgun_events_of_airbyte() if var('mailgun_loader') == 'airbyte' else mailgun_events_of_dlt()) }}
{%- endmacro %}


{# Airbyte's table of the stream: scalar fields are columns of Mailgun's names, the others JSON. #}
{% macro mailgun_events_of_airbyte() -%}
    {%- set table = source('airbyte', 'mailgun_events') -%}
    {{ return(touchstone.landed_table(
        'mailgun', 'events', table, loaded_at='_airbyte_extracted_at', row_id='_airbyte_raw_id',
        record='to_json(mailgun_events)'
    )) }}
{%- endmacro %}


{# dlt's table: objects are flattened into columns, lists are tables of their own. #}
{% macro mailgun_events_of_dlt() -%}
    {%- set tags -%}
        (select list(value order by _dlt_list_idx) from {{ source('dlt', 'events__tags') }} where _dlt_parent_id = events._dlt_id)
    {%- endset -%}
    {%- set flags -%}
        {'is-authenticated': flags__is_authenticated, 'is-delayed-bounce': flags__is_delayed_bounce,
        'is-callback': flags__is_callback, 'is-webhook': flags__is_webhook}
    {%- endset -%}
    {{ return(touchstone.landed_table(
        'mailgun', 'events', source('dlt', 'events'), loaded_at='to_timestamp(cast(_dlt_load_id as double))', row_id='_dlt_id',
        columns={
            'event': 'event',
            'id': 'id',
            'timestamp': 'timestamp',
            'domain': 'domain__name',
            'account': "{'id': account__id, 'parent-id': account__parent_id}",
            'severity': 'severity',
            'reason': 'reason',
            'delivery-status': "{'attempt-no': delivery_status__attempt_no}",
            'flags': flags,
            'i-delivery-optimizer': 'i_delivery_optimizer',
            'envelope': "{'transport': envelope__transport, 'sending-ip': envelope__sending_ip}",
            'recipient': 'recipient',
            'message': "{'headers': {'message-id': message__headers__message_id}}",
            'tags': tags,
            'geolocation': "{'country': geolocation__country}",
            'client-info': "{'device-type': client_info__device_type, 'bot': client_info__bot}",
        }
    )) }}
{%- endmacro %}
