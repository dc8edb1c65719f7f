{# The columns of a staging model that landing gives every record: `key` identifies it, and `at` is its time. #}
{% macro landed_columns(key='record_key', at='event_at') -%}
_key as {{ key }},
    _record_id as version_id,
    _date as record_date,
    _at as {{ at }},
    _file as file,
    _is_repeat as is_revision,
    _landing as load_id
{%- endmacro %}
