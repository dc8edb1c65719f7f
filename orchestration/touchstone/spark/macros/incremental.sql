{# An incremental model's rows of a build take the place of those that have their unique key, wherever these stand. Parquet
   has no other way than to write partitions anew: those of the new rows, and those that lose one. What they have beside
   stays. The new rows are written out first, as they are read several times, and as they read the table. #}
{% macro get_insert_overwrite_sql(source_relation, target_relation, existing_relation) -%}
    {%- if not has_new() -%}
        {{ return(nothing_to_write()) }}
    {%- endif -%}
    {%- set new = new_rows() -%}
    {%- do run_query('create table ' ~ new ~ ' using parquet as select * from ' ~ source_relation) -%}
    {%- set months, emptied = [], graph.setdefault('emptied', {}).setdefault(model.name, []) -%}
    {%- for month, is_emptied in run_query(
        'select partition_month, every(is_replaced) from ('
        ~ 'select partition_month, true as is_new, false as is_replaced from ' ~ new
        ~ ' union all select kept.partition_month, false, new.partition_month is not null from ' ~ this
        ~ ' as kept left join ' ~ new ~ ' as new on ' ~ same_key()
        ~ ') group by partition_month having some(is_new or is_replaced)'
    ).rows -%}
        {%- do (emptied if is_emptied else months).append(month) -%}
    {%- endfor -%}
    {%- if not months and not emptied -%}
        {{ return(nothing_to_write()) }}
    {%- endif -%}
    {%- set columns = adapter.get_columns_in_relation(this) | map(attribute='quoted') | join(', ') -%}
    insert overwrite table {{ this }} partition (partition_month)
    select {{ columns }} from {{ new }}
    union all
    select {{ columns }}
    from {{ this }} as kept
    where
        partition_month in ('{{ months | join("', '") }}')
        and not exists (select 1 from {{ new }} as new where {{ same_key() }})
{%- endmacro %}


{# A statement in the place of one that would write, and a note that the model's number stays. #}
{% macro nothing_to_write() -%}
    {%- do graph.setdefault('unchanged', []).append(model.name) -%}
    {{ return('select 1') }}
{%- endmacro %}


{# Post-hook: remove partitions that have lost their last row, as Spark overwrites none by nothing, and write the marks. #}
{% macro finish_build() -%}
    {%- if execute and model.config.materialized == 'incremental' -%}
        {%- for month in graph.get('emptied', {}).get(model.name, []) -%}
            {%- do run_query('alter table ' ~ this ~ " drop partition (partition_month = '" ~ month ~ "')") -%}
        {%- endfor -%}
        {%- do set_high_water_marks() -%}
        {%- do run_query('drop table if exists ' ~ new_rows()) -%}
    {%- endif -%}
{%- endmacro %}


{# The table of a build's new rows. One that is there when a build begins is of a build that was killed. #}
{% macro new_rows() -%}
    {{ return(this.incorporate(path={'identifier': this.identifier ~ '__new'})) }}
{%- endmacro %}


{% macro same_key() -%}
    {%- set key = config.get('unique_key') -%}
    {%- for column in ([key] if key is string else key) -%}
        kept.`{{ column }}` <=> new.`{{ column }}`{{ ' and ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
