{# High-water marks: the number of a model's last build, under its own name, and through which number it has read each
   parent. With one mark for each parent, any models can be built in any order, and nothing is counted twice or never.
   `full refresh` is the number of the last build from all records.
   A model's rows and marks change in one transaction, so that they are in the same database. #}
{% macro create_high_water_marks() -%}
    {%- do graph.pop('high_water_marks', none) -%}
    {%- for database in ('internal', 'touchstone') %}
        create schema if not exists {{ database }}.intermediate;
        create table if not exists {{ database }}.intermediate.high_water_marks (
            model varchar, parent varchar, load_id bigint
        );
    {%- endfor %}
{%- endmacro %}


{# The marks of all models as they are now, by model and parent; none in a command that builds nothing. They are read once
   for each run of dbt and kept in its graph, where the hooks update them: models need them ten times each, and reading them
   from the tables was half of all queries of a night. #}
{% macro high_water_marks() -%}
    {%- if not execute or flags.WHICH not in ('build', 'run') -%}
        {{ return(none) }}
    {%- endif -%}
    {%- if 'high_water_marks' not in graph -%}
        {%- set marks = {} -%}
        {%- for row in run_query(
            'from internal.intermediate.high_water_marks union all from touchstone.intermediate.high_water_marks'
        ).rows -%}
            {%- do marks.setdefault(row[0], {}).update({row[1]: row[2] | int}) -%}
        {%- endfor -%}
        {%- do graph.update({'high_water_marks': marks}) -%}
    {%- endif -%}
    {{ return(graph['high_water_marks']) }}
{%- endmacro %}


{# Pre-hook: a model that is built from all records has read nothing yet. Its number stays, for the next build. #}
{% macro clear_high_water_marks() -%}
    {%- if execute and model.config.materialized == 'incremental' and not is_incremental() -%}
        {%- do high_water_marks().update({this.name: {this.name: loaded_through(this.name)}}) -%}
    {%- endif -%}
{%- endmacro %}


{# Post-hook: all parents have been read as they are. #}
{% macro set_high_water_marks() -%}
    {%- if execute and model.config.materialized == 'incremental' -%}
        {%- set number = load_id() | int -%}
        {%- set marks = high_water_marks().setdefault(this.name, {}) -%}
        {%- do marks.update({this.name: number, 'full refresh': marks.get('full refresh', number)}) -%}
        {%- for id in model.depends_on.nodes if id in graph.nodes -%}
            {%- for parent in read_through_views(graph.nodes[id]) -%}
                {%- if parent.name.startswith('stg_') -%}
                    {%- do marks.update({parent.name: landed_through(parent)}) -%}
                {%- else -%}
                    {%- do marks.update({parent.name: high_water_marks()[parent.name][parent.name]}) -%}
                {%- endif -%}
            {%- endfor -%}
        {%- endfor -%}
        delete from {{ this.database }}.intermediate.high_water_marks where model = '{{ this.name }}';
        insert into {{ this.database }}.intermediate.high_water_marks values
        {%- for parent, number in marks.items() %}
            ('{{ this.name }}', '{{ parent }}', {{ number }}){{ ',' if not loop.last }}
        {%- endfor %}
    {%- endif -%}
{%- endmacro %}


{# Through which load a staging model has been read: all that this build takes in. #}
{% macro landed_through(staged) -%}
    {%- if env_var('TOUCHSTONE_LOAD_ID', '') -%}
        {{ return([env_var('TOUCHSTONE_LOAD_ID') | int, load_limit() | int] | min) }}
    {%- endif -%}
    {%- set newest -%}
        select coalesce(max(load_id), 0) from {{ staged.relation_name }} where load_id <= {{ load_limit() }}
    {%- endset -%}
    {{ return(run_query(newest).columns[0].values()[0] | int if execute else 0) }}
{%- endmacro %}
