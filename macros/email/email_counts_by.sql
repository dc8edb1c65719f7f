{# The body of a vendor's model of counts of its facts by columns of theirs, one of which may be the `provider` of the
   recipient's mailbox. `where` says which facts count, and `counts` what, conditions by name; `extremes` are further sums: of
   each the smallest or largest value of a column, by name. Hours and days are sums of the same parts, and months of days. #}
{% macro email_counts_by(vendor, facts, by, where, counts, extremes) -%}
{{- config(tags='published', unique_key=['account', 'sender', 'grain', 'period_start']) -}}
{%- set keys = by | join(', ') -%}
with

-- Not materialized, as a few of the columns are read.
facts as not materialized {{ read(facts) }},

changed as (

    -- by the minute, at which periods of any zone begin: of few rows; whatever it is now, as it may have counted before
    select distinct account, sender, date_trunc('minute', event_at) as event_at from facts where is_changed

),

records as not materialized (

    select * exclude (load_id, is_changed) from facts where {{ where }}

),

{{ changed_periods(['account', 'sender'], 'changed', month_of_days=true) }},

{% if 'provider' in by -%}
with_providers as (

    {{ with_provider('bucketed') }}

),

{% endif -%}
flags as (

    -- 1, or NULL, which count() passes over
    select
        *,
        case when event is not null then 1 end as record_count,
        {% for name, condition in counts.items() -%}
        case when {{ condition }} then 1 end as {{ name }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ 'with_providers' if 'provider' in by else 'bucketed' }}

),

parts as (

    select
        account,
        sender,
        hour_start,
        day_start,
        month_start,
        {{ keys }},
        count(columns('_count$')),
        {% for name, (function, column) in extremes.items() -%}
        {{ function }}({{ column }}) as {{ name }}{{ ',' if not loop.last }}
        {% endfor %}
    from flags
    group by account, sender, hour_start, day_start, month_start, {{ keys }}
    {% if is_incremental() %}
    union all by name
    select * exclude (vendor) from ({{ unchanged_days(['account', 'sender']) }})
    {% endif %}

),

counted as (

    select
        account,
        sender,
        {{ grain_columns() }},
        {{ keys }},
        cast(sum(columns('_count$')) as bigint),
        {% for name, (function, column) in extremes.items() -%}
        {{ function }}({{ name }}) as {{ name }}{{ ',' if not loop.last }}
        {% endfor %}
    from parts
    group by account, sender, {{ keys }}, grouping sets ((hour_start), (day_start), (month_start))

)

select
    '{{ vendor }}' as vendor,
    *,
    {{ load_id() }} as load_id
from counted
where period_start is not null
{%- endmacro %}


{# What counts of the reasons why messages fail. #}
{% macro email_bounce_reason_counts(vendor, facts) -%}
{{ email_counts_by(
    vendor,
    facts,
    by=['provider', 'smtp_status', 'enhanced_status', 'bounce_class'],
    where="is_first and event in ('hard_bounce', 'soft_bounce', 'block', 'deferral')",
    counts={
        'failed_count': "event <> 'deferral'",
        'hard_bounced_count': "event = 'hard_bounce'",
        'soft_bounced_count': "event = 'soft_bounce'",
        'blocked_count': "event = 'block'",
        'deferred_count': "event = 'deferral'",
    },
    extremes={
        'first_seen_at': ('min', 'event_at'),
        'last_seen_at': ('max', 'event_at'),
        'example': ('min', 'answer'),
    },
) }}
{%- endmacro %}


{# What counts of the links that are clicked. #}
{% macro email_link_counts(vendor, facts) -%}
{{ email_counts_by(
    vendor,
    facts,
    by=['link', 'campaign'],
    where="event = 'click'",
    counts={
        'click_count': 'event is not null',
        'unique_click_count': 'is_first_of_link',
        'human_click_count': 'not is_machine',
        'human_unique_click_count': 'is_first_human_of_link',
    },
    extremes={
        'first_recipient_part': ('min', 'recipient_part'),
        'last_recipient_part': ('max', 'recipient_part'),
    },
) }}
{%- endmacro %}
