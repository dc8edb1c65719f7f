{# What has changed of the CTE `facts`: those that are not in the table as they are. What has not changed keeps its load_id,
   and with it the periods it counts in. `key` identifies a fact and where it counts.
   Where facts may cease to be, `group` are the columns of the CTE `changed`, whose groups `facts` has in full: what the table
   has of them beside stays with is_current false, so that its periods are counted again. #}
{% macro changed_facts(key, group=none) -%}
{%- set key = key | join(', ') -%}
select
    *,
    {{ load_id() }} as load_id
from (
    select * {{ ', true as is_current' if group }} from facts
    {% if is_incremental() %}
    except
    select * exclude (load_id) from {{ this }} semi join facts using ({{ key }})
    {% if group %}

    union all by name

    select * exclude (load_id) replace (false as is_current)
    from {{ this }}
    semi join changed using ({{ group | join(', ') }})
    anti join facts using ({{ key }})
    where is_current
    {% endif %}
    {% endif %}
)
{%- endmacro %}
