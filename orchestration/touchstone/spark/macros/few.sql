{# A hint that these CTEs are small, as they have no other rows than new ones, unless many are new. Spark takes what it
   filters for as large as all that it reads, and would shuffle the other side of the join, which may be the whole lake. #}
{% macro broadcast(names) -%}
    {{ return('/*+ broadcast(' ~ names ~ ') */' if is_run() and count_of_new() <= 1000000 else '') }}
{%- endmacro %}


{# How many rows its parents have that this model hasn't read. A run counts them once. #}
{% macro count_of_new() -%}
    {%- set known, counts = graph.setdefault('counts_of_new', {}), [] -%}
    {%- if model.name not in known -%}
        {%- for parent in parents_of(model) -%}
            {%- do counts.append(
                'select count(*) as new from ' ~ parent.relation_name ~ ' where load_id > '
                ~ marks_of(model).get(local_md5(parent.name), 0) ~ ' and load_id <= ' ~ newest_of(parent)
            ) -%}
        {%- endfor -%}
        {%- set total = run_query('select sum(new) from (' ~ counts | join(' union all ') ~ ')') -%}
        {%- do known.update({model.name: total.columns[0].values()[0] | int}) -%}
    {%- endif -%}
    {{ return(known[model.name]) }}
{%- endmacro %}


{# The dates of all versions of the records that are revised by a version which this model hasn't read, as `key` tells them
   apart: Spark skips files and row groups by literals alone. Without a build, `record_date in (record_date)` is true. #}
{% macro revised_dates(name, key) -%}
    {%- if not is_run() -%}
        {{ return('record_date') }}
    {%- endif -%}
    {%- set known, known_as = graph.setdefault('revised_dates', {}), (model.name, name, key | join) -%}
    {%- if known_as not in known -%}
        {%- set staged, dates = graph.nodes['model.' ~ project_name ~ '.' ~ name].relation_name, [] -%}
        {%- set new = 'is_revision and load_id > ' ~ loaded_through(name) ~ ' and load_id <= ' ~ landed_through(name) -%}
        {%- set columns = '`' ~ key | join('`, `') ~ '`' -%}
        {%- for row in run_query(
            'select distinct record_date from ' ~ staged ~ ' where ' ~ new if 'record_date' in key else
            'select ' ~ broadcast('revised') ~ ' distinct record_date from ' ~ staged ~ ' left semi join (select ' ~ columns
            ~ ' from ' ~ staged ~ ' where ' ~ new ~ ') as revised using (' ~ columns ~ ')'
        ).rows if row[0] -%}
            {%- do dates.append("date '" ~ row[0] ~ "'") -%}
        {%- endfor -%}
        {%- do known.update({known_as: dates | sort | join(', ') or 'null'}) -%}
    {%- endif -%}
    {{ return(known[known_as]) }}
{%- endmacro %}
