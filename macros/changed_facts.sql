{# What has changed of facts that are made of several records: of the CTE `facts`, which has all of the groups in the
   CTE `touched`, those that are not in the table as they are; and those of the table that are no longer told, with
   is_current false, so that the periods they counted in are counted again. `key` tells facts apart and says where
   they count; `group` are the columns of `touched`. `landing` is that of the latest record. #}
{% macro changed_facts(facts, key, group, landing) -%}
select
    changed.*,
    ({{ landing }}) as landing
from (
    select
        *,
        true as is_current
    from {{ facts }}
    {% if is_incremental() %}
    except
    select * exclude (landing) from {{ this }} semi join touched using ({{ group | join(', ') }})

    union all by name

    select * exclude (landing) replace (false as is_current)
    from {{ this }}
    semi join touched using ({{ group | join(', ') }})
    anti join {{ facts }} using ({{ key | join(', ') }})
    where is_current
    {% endif %}
) as changed
{%- endmacro %}
