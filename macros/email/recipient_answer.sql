{# What stays of what a server answered of a recipient, as SES and Pinpoint state it: its status where the text lacks it, the text's
   words, and the type of the bounce if that says something. #}
{% macro recipient_answer(status, text, type) -%}
nullif(concat_ws(
    ' ',
    case when not contains(coalesce({{ answer_words(text) }}, ''), {{ status }}) then {{ answer_words(status) }} end,
    nullif({{ answer_words(text) }}, ''),
    nullif(lower(nullif({{ type }}, '')), 'general')
), '')
{%- endmacro %}
