{# The domain of a mail address, in lower case; NULL for what is no address, of which nothing may be shown. #}
{% macro mail_domain(address) -%}
lower(nullif(trim(nullif(split_part({{ address }}, '@', -1), {{ address }}), ' >'), ''))
{%- endmacro %}
