{# A number in place of a user's id, for counts of distinct users: Amazon's ids are 200 characters long, and those of millions
   of requests don't fit into memory under each grouping set. NULL for no user. #}
{% macro user_number(user_id) -%}
    md5_number(nullif({{ user_id }}, 'none'))
{%- endmacro %}
