{# What stays of what a server answered: the vendor's own words for its status and enhanced status before those that stand in the
   text, the text's words, and the vendor's word for the reason. #}
{% macro server_answer(text, enhanced_status, smtp_status="cast(null as varchar)", reason="cast(null as varchar)") -%}
{%- set first_of_text = enhanced_status_of(without_addresses(text)) -%}
{%- set said = "concat_ws('; ', " ~ smtp_status ~ ", nullif(" ~ enhanced_status ~ ", " ~ first_of_text ~ "), " ~ text ~ ")" -%}
nullif(concat_ws(' ', nullif({{ answer_words(said) }}, ''), {{ reason }}), '')
{%- endmacro %}


{# The first enhanced status in an answer (RFC 3463); an empty text where there is none. #}
{% macro enhanced_status_of(answer) -%}
regexp_extract({{ answer }}, '\b[45][.][0-9]{1,3}[.][0-9]{1,3}\b')
{%- endmacro %}
