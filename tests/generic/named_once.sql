{# Proves that what is known by `key` came either with a `column` or without one: of both kinds, it would count twice, once
   under `none`. `model` may be the newest rows, which are compared with all of `among`. #}
{% test named_once(model, column, key, among) %}

with

newest as (

    select * from {{ model }}

)

-- The newest on the right, so that DuckDB holds these, and reads files by their keys.
select distinct newest.{{ key | join(', newest.') }}
from {{ among }} as landed
inner join newest using ({{ key | join(', ') }})
where (newest.{{ column }} = 'none') <> (landed.{{ column }} = 'none')

{% endtest %}
