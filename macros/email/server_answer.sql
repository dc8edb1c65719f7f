{# What stays of what a server answered: the vendor's own words for its status and enhanced status before those that stand in the
   text, the text's words, and the vendor's word for the reason. `answer` has these four. #}
{% macro server_answer(answer) -%}
{%- set first_of_text = enhanced_status_of(without_addresses(answer ~ '.text')) -%}
{%- set said = (
    "concat_ws('; ', " ~ answer ~ ".smtp_status, nullif(" ~ answer ~ ".enhanced_status, " ~ first_of_text ~ "), " ~ answer ~ ".text)"
) -%}
nullif(concat_ws(' ', nullif({{ answer_words(said) }}, ''), {{ answer }}.reason), '')
{%- endmacro %}


{# The first enhanced status in an answer (RFC 3463); an empty text where there is none. #}
{% macro enhanced_status_of(answer) -%}
regexp_extract({{ answer }}, '\b[45][.][0-9]{1,3}[.][0-9]{1,3}\b')
{%- endmacro %}
