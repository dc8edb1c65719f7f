{# Where SES's events are. Athena writes all names in lower case; the load time is that of the file's partition. #}
{% macro landed_ses_events() -%}
    {{ return(touchstone.landed_table(
        'ses', 'events', source('athena', 'ses_events'), loaded_at='ingest_timestamp',
        record='to_json(ses_events)', lower_case=true
    )) }}
{%- endmacro %}
