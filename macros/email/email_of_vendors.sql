{# The rows of a model of each vendor of e-mail that there is, by what follows the vendor in its name, but for tests of
   Pinpoint's journeys. #}
{% macro email_of_vendors(model) -%}
{%- for vendor in ['mailgun', 'pinpoint', 'ses'] if vendor in var('systems') %}
    select * from {{ ref('int_email__' ~ vendor ~ '_' ~ model) }}
    {%- if vendor == 'pinpoint' %}
    anti join (
        select
            application_id as account,
            journey_id as sender
        from {{ ref('int_pinpoint__test_journeys') }}
    ) using (account, sender)
    {%- endif %}
    {%- if not loop.last %}
    union all by name
    {%- endif %}
{%- endfor %}
{%- endmacro %}
