{# High-water marks, as properties of a model's table: the number of the last build that changed a row, that of the last one from all records,
   its definition then, and through which number it has read each parent. With one mark for each parent, any models can be
   built in any order. Marks are written last: a build that was killed is done again. A parent's is named by a digest: Spark
   hides the values of properties in whose names it sees a token or a password. #}
{% macro set_high_water_marks() -%}
    {%- set marks = {'definition': definition()} -%}
    {%- if model.name not in graph.get('unchanged', []) -%}
        {%- do marks.update({'load_id': load_id()}) -%}
    {%- endif -%}
    {%- if not is_incremental() -%}
        {%- do marks.update({'full_refresh': load_id()}) -%}
    {%- endif -%}
    {%- for parent in parents_of(model) -%}
        {%- do marks.update({local_md5(parent.name): newest_of(parent)}) -%}
    {%- endfor -%}
    {%- set properties = [] -%}
    {%- for name, value in marks.items() -%}
        {%- do properties.append("'touchstone." ~ name ~ "' = '" ~ value ~ "'") -%}
    {%- endfor -%}
    {%- do run_query('alter table ' ~ this ~ ' set tblproperties (' ~ properties | join(', ') ~ ')') -%}
    {%- do graph.setdefault('marks', {}).update({model.name: dict(marks_of(model) if is_incremental() else {}, **marks)}) -%}
{%- endmacro %}


{# The marks of a model; none of one that has no table. A run asks for them once. #}
{% macro marks_of(node) -%}
    {%- set known = graph.setdefault('marks', {}) -%}
    {%- if node.name not in known -%}
        {%- set marks = {} -%}
        {%- set relation = adapter.get_relation(node.database, node.schema, node.alias) -%}
        {%- for name, value in (run_query('show tblproperties ' ~ relation).rows if relation else []) if name.startswith('touchstone.') -%}
            {%- do marks.update({name[11:]: value if name == 'touchstone.definition' else value | int}) -%}
        {%- endfor -%}
        {%- do known.update({node.name: marks}) -%}
    {%- endif -%}
    {{ return(known[node.name]) }}
{%- endmacro %}


{# What identifies a model's definition, with those of the views, staging models and seeds that it reads. #}
{% macro definition() -%}
    {%- set texts, nodes = [var('reporting_timezone')], [model] -%}
    {%- for node in nodes -%}
        {%- do texts.append(node.raw_code) -%}
        {%- for id in node.depends_on.nodes if id in graph.nodes and graph.nodes[id].config.materialized != 'incremental' -%}
            {%- do nodes.append(graph.nodes[id]) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(local_md5(texts | join)) }}
{%- endmacro %}


{# The models whose marks a reader of `node` keeps: staging and incremental ones, also those that a view is made of. #}
{% macro parents_of(node) -%}
    {%- set found = [] -%}
    {%- for id in node.depends_on.nodes if id in graph.nodes -%}
        {%- set parent = graph.nodes[id] -%}
        {%- if parent.name.startswith('stg_') or parent.config.materialized == 'incremental' -%}
            {%- do found.append(parent) -%}
        {%- else -%}
            {%- do found.extend(parents_of(parent)) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}


{# Through which number this model has read a parent: of a view, all that it is made of. #}
{% macro loaded_through(name) -%}
    {%- if not is_run() -%}
        {{ return(0) }}
    {%- endif -%}
    {%- set node = graph.nodes['model.' ~ project_name ~ '.' ~ name] -%}
    {%- set is_kept = name.startswith('stg_') or node.config.materialized == 'incremental' -%}
    {%- set marks = marks_of(model) -%}
    {%- set numbers = [] -%}
    {%- for parent in ([node] if is_kept else parents_of(node)) -%}
        {%- do numbers.append(marks.get(local_md5(parent.name), 0)) -%}
    {%- endfor -%}
    {{ return(numbers | min) }}
{%- endmacro %}


{# Through which load a run reads a staging model: what lands meanwhile is the next one's, for all models. #}
{% macro landed_through(name) -%}
    {%- if not is_run() -%}
        {{ return(9223372036854775807) }}
    {%- endif -%}
    {%- set landed = graph.setdefault('landed_through', {}) -%}
    {%- if name not in landed -%}
        {%- set node = graph.nodes['model.' ~ project_name ~ '.' ~ name] -%}
        {%- do landed.update({name: run_query('select coalesce(max(load_id), 0) from ' ~ node.relation_name).columns[0].values()[0] | int}) -%}
    {%- endif -%}
    {{ return(landed[name]) }}
{%- endmacro %}


{# The newest number of a parent's rows. #}
{% macro newest_of(parent) -%}
    {{ return(landed_through(parent.name) if parent.name.startswith('stg_') else marks_of(parent)['load_id']) }}
{%- endmacro %}


{# Whether a parent has rows that this model hasn't read; else there is nothing to plan. #}
{% macro has_new() -%}
    {%- for parent in (parents_of(model) if is_run() else []) -%}
        {%- if newest_of(parent) > marks_of(model).get(local_md5(parent.name), 0) -%}
            {{ return(true) }}
        {%- endif -%}
    {%- endfor -%}
    {{ return(not is_run()) }}
{%- endmacro %}


{# The number of this build, for the rows that it changes: a later one has a higher number. Unit tests expect 1. #}
{% macro load_id() -%}
    {{ return(run_started_at.timestamp() | int if is_run() else 1) }}
{%- endmacro %}


{# Whether models are built, and not compiled, listed or given to unit tests, which have no graph. #}
{% macro is_run() -%}
    {{ return(execute and flags.WHICH in ('build', 'run') and 'nodes' in graph) }}
{%- endmacro %}


{# dbt's own hook: whether a model is built from all records. It is where its definition has changed, after a build that
   was killed, where a night says so, and after a parent that has been built so since, as nothing shows which of its rows are gone. #}
{% macro should_full_refresh() -%}
    {%- if is_run() and model.name in env_var('TOUCHSTONE_FULL_REFRESH', '').split(',') -%}
        {{ return(true) }}
    {%- endif -%}
    {%- if flags.FULL_REFRESH or model.config.materialized != 'incremental' or not is_run() -%}
        {{ return(flags.FULL_REFRESH) }}
    {%- endif -%}
    {%- set marks, new = marks_of(model), new_rows() -%}
    {%- if marks.get('definition') != definition() or adapter.get_relation(new.database, new.schema, new.identifier) -%}
        {{ return(true) }}
    {%- endif -%}
    {%- for parent in parents_of(model) -%}
        {%- if marks.get(local_md5(parent.name), -1) < (0 if parent.name.startswith('stg_') else marks_of(parent)['full_refresh']) -%}
            {{ return(true) }}
        {%- endif -%}
    {%- endfor -%}
    {{ return(false) }}
{%- endmacro %}


{# dbt's own, for whether a model adds to what it has. A unit test builds from all records, unless it overrides this. #}
{% macro is_incremental() -%}
    {{ return(model.resource_type != 'unit_test' and dbt.is_incremental()) }}
{%- endmacro %}
