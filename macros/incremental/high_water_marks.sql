{# High-water marks: the number of a model's last build, under its own name, and through which number it has read each
   parent. With one mark for each parent, any models can be built in any order, and nothing is counted twice or never.
   `full refresh` is the number of the last build from all records.
   A model's rows and marks change in one transaction, so that they are in the same database. #}
{% macro create_high_water_marks() -%}
    {%- do graph.pop('high_water_marks', none) -%}
    {%- if execute and run_query("select current_setting('TimeZone')").columns[0].values()[0] != 'UTC' -%}
        {{ exceptions.raise_compiler_error("Touchstone reads times in UTC: write `settings: {TimeZone: UTC}` into your profile") }}
    {%- endif -%}
    {%- for schema in schemas_of_marks() %}
        create schema if not exists {{ schema }};
        create table if not exists {{ schema }}.high_water_marks (model varchar, parent varchar, load_id bigint);
    {%- endfor %}
{%- endmacro %}


{# The schemas of all incremental models, each with its database. #}
{% macro schemas_of_marks() -%}
    {%- set schemas = [] -%}
    {%- for node in (graph.nodes.values() if execute else []) if node.package_name == 'touchstone' -%}
        {%- if node.config.materialized == 'incremental' -%}
            {%- do schemas.append('"' ~ node.database ~ '"."' ~ node.schema ~ '"') -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(schemas | unique | list) }}
{%- endmacro %}


{# The marks of all models as they are now, by model and parent; none in a command that builds nothing,
   and in a unit test, which has no graph. They are read once for each run of dbt and kept in its graph, where the hooks
   update them: models need them ten times each, and reading them from the tables was half of all queries of a night. #}
{% macro high_water_marks() -%}
    {%- if not execute or flags.WHICH not in ('build', 'run') or 'nodes' not in graph -%}
        {{ return(none) }}
    {%- endif -%}
    {%- if 'high_water_marks' not in graph -%}
        {%- set marks = {} -%}
        {%- for row in run_query('from ' ~ schemas_of_marks() | join('.high_water_marks union all from ') ~ '.high_water_marks').rows -%}
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
        {%- set table = '"' ~ this.database ~ '"."' ~ this.schema ~ '".high_water_marks' %}
        delete from {{ table }} where model = '{{ this.name }}';
        insert into {{ table }} values
        {%- for parent, number in marks.items() %}
            ('{{ this.name }}', '{{ parent }}', {{ number }}){{ ',' if not loop.last }}
        {%- endfor %}
    {%- endif -%}
{%- endmacro %}


{# Through which load a staging model has been read: all that this build takes in. Of a table that somebody else loads it
   falls short of the newest row by what may still come late, which is read again. #}
{% macro landed_through(staged) -%}
    {%- if env_var('TOUCHSTONE_LOAD_ID', '') -%}
        {{ return([env_var('TOUCHSTONE_LOAD_ID') | int, load_limit() | int] | min) }}
    {%- endif -%}
    {%- set newest -%}
        select coalesce(max(load_id), 0) from {{ staged.relation_name }} where load_id <= {{ load_limit() }}
    {%- endset -%}
    {%- set is_of_landing = staged.depends_on.nodes and staged.depends_on.nodes[0].startswith('source.touchstone.') -%}
    {%- set late = 0 if is_of_landing else var('loaded_late_minutes') * 60000000 -%}
    {{ return(run_query(newest).columns[0].values()[0] | int - late if execute else 0) }}
{%- endmacro %}
