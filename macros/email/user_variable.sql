{# The text of a variable of Mailgun's user; NULL where it is empty, not there, or an object or list. `variables` are an object, or a
   text that may hold one. Landing keeps what this gives of the variables that are dimensions, and reads this file for it: the macro
   may ask for nothing of dbt. #}
{% macro user_variable(variables, name) -%}
list_transform(
    [trim(case json_type({{ variables }})
        when 'VARCHAR' then try_cast({{ variables }} ->> '$' as json) else {{ variables }}
    end ->> '$."{{ name }}"')],
    lambda text: case when regexp_matches(text, '^[^{\[]') then text end
)[1]
{%- endmacro %}
