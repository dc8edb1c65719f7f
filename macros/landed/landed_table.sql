{# The rows of a table that somebody else has loaded, as records of a stream: its declared columns and those that landing
   gives every record, with `_is_counted`, and `_reason`, why a record that should count can't.
   `loaded_at` and `row_id` are the loader's time and id of a row; without an id, equal rows of one time are one. `record` is
   SQL of the record as JSON; `columns` is SQL of declared columns, by name and of any type, where there is no such record or
   they aren't in it. Names in JSON and structs are the vendor's, or with `lower_case` these in lower case.
   What a record has to have is said once, by the stream's source, to landing and to this. #}
{% macro landed_table(system, stream, relation, loaded_at, row_id=none, record=none, columns={}, lower_case=false) -%}
{%- if not execute -%}
    {{ return('(select true as _is_counted from ' ~ relation ~ ')') }}
{%- endif -%}
{%- set declared = graph.sources['source.touchstone.' ~ system ~ '.' ~ stream] -%}
{%- set rules = declared.config.meta.landing -%}
{%- set counted, ignored = rules.get('counted_kinds', []), rules.get('ignored_kinds', []) -%}
{%- set counts, is_ignored = 'list_contains(' ~ counted ~ ', _kind)', 'list_contains(' ~ ignored ~ ', _kind)' -%}
{%- set others_are_ignored = rules.get('other_kinds') == 'ignored' -%}
{%- for name in columns if name not in declared.columns -%}
    {{ exceptions.raise_compiler_error(
        system ~ '/' ~ stream ~ ' has no column ' ~ name ~ '. It has: ' ~ declared.columns | join(', ')
    ) }}
{%- endfor -%}
(
    with

    stated as (

        select {{ 'distinct' if not row_id }}
            {%- for column in declared.columns.values() %}
            {{ touchstone.stated_json(column, columns.get(column.name), record, lower_case) }} as "{{ column.name }}",
            {%- endfor %}
            {{ row_id or 'null' }} as _row,
            cast({{ loaded_at }} as timestamp) as _loaded_at
        from {{ relation }}

    ),

    typed as (

        select
            _row,
            _loaded_at,
            stated,
            struct_pack(
                {%- for column in declared.columns.values() %}
                "{{ column.name }}" := {{ touchstone.typed_json(column, lower_case, rules.get('not_happened')) }}{{ ',' if not loop.last }}
                {%- endfor %}
            ) as record
        from stated

    ),

    unpacked as (

        select *, record.* from typed

    ),

    timed as (

        select
            *,
            cast(record as varchar) as _record,
            {{ rules.get('kind') or 'null::varchar' }} as _kind,
            {{ touchstone.with_instants(rules.event_at) }} as _at
        from unpacked

    ),

    reasoned as (

        select
            *,
            coalesce({{ 'not ' ~ counts if others_are_ignored else is_ignored }}, false) as _is_ignored,
            case
                {%- for column in declared.columns.values() %}
                when json_type(stated."{{ column.name }}") <> 'NULL' and stated."{{ column.name }}" <> '""'
                    and record."{{ column.name }}" is null
                    then 'field {{ column.name }}: it, or a value in it, is not of its declared type'
                {%- endfor %}
                {%- for name, words in rules.get('words', {}).items() if name in declared.columns %}
                when "{{ name }}" not in ('', '{{ words | join("', '") }}') then 'field {{ name }}: it is none of {{ words | join(', ') }}'
                {%- endfor %}
                {%- if counted and not others_are_ignored %}
                when not coalesce({{ counts }}, false) then 'it is of no kind that counts: {{ counted | join(', ') }}'
                {%- endif %}
                {%- for name, value in rules.get('required', {}).items() %}
                when ({{ value }}) is null then 'no {{ name }}'
                {%- endfor %}
                {%- for reason, condition in rules.get('refused', {}).items() %}
                when {{ condition }} then '{{ reason | replace("'", "''") }}'
                {%- endfor %}
                when coalesce(_at not between timestamp '2000-01-01' and timestamp '2100-01-01', true) then 'no time from 2000 to 2100'
            end as _refusal
        from timed

    )

    select
        record.*,
        md5(cast(to_json({{ rules.key }}) as varchar))::uuid as _key,
        _at,
        cast(_at as date) as _date,
        _kind,
        '{{ relation | replace("'", "''") }}' as _file,
        -- any row may be another version of a record
        true as _is_repeat,
        epoch_us(_loaded_at) as _landing,
        md5(cast({{ '_row' if row_id else 'to_json(stated)' }} as varchar))::uuid as _record_id,
        _refusal is null and not _is_ignored as _is_counted,
        case when not _is_ignored then _refusal end as _reason,
        _loaded_at
    from reasoned
)
{%- endmacro %}
