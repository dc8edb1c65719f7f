{# The network of an IPv4 address, its first three numbers, as one number; NULL for what is no such address. Of an address
   of a person who was erased, or of an old one, the network is all that is left. #}
{% macro network_number(address) -%}
    (
        try_cast(split_part({{ address }}, '.', 1) as integer) * 65536
        + try_cast(split_part({{ address }}, '.', 2) as integer) * 256
        + try_cast(split_part({{ address }}, '.', 3) as integer)
    )
{%- endmacro %}
