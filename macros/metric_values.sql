{# Every metric of a system's marts at a grain, a row each. What a metric is, and what a rate divides, is the catalog's to
   say; a mart's keys are the columns to which its contract gives no unit. A system has a model of its own, so that one
   that is held back keeps its numbers whatever becomes of the others. #}
{% macro metric_values(system, grain) -%}
{%- set marts = {
    'mailgun': ['mailgun_metrics', 'mailgun_metrics_by_dimension'],
    'ses': ['ses_metrics', 'ses_metrics_by_dimension'],
    'cloudwatch': [
        'connect_quota_estimates', 'connect_instance_metrics', 'connect_queue_metrics', 'connect_flow_metrics',
        'voice_id_api_metrics', 'voice_id_domain_metrics', 'appintegrations_metrics'
    ],
    'pinpoint': [
        'pinpoint_journey_metrics', 'pinpoint_activity_metrics', 'pinpoint_email_metrics', 'pinpoint_sms_metrics',
        'pinpoint_push_metrics', 'pinpoint_custom_channel_metrics', 'pinpoint_contact_center_metrics',
        'pinpoint_wait_metrics', 'pinpoint_split_metrics', 'pinpoint_holdout_metrics'
    ],
    'alexa': [
        'alexa_skill_metrics', 'alexa_intent_metrics', 'alexa_action_metrics', 'alexa_interaction_paths',
        'alexa_account_linking', 'alexa_token_requests', 'alexa_token_errors', 'alexa_operations',
        'alexa_change_reports', 'alexa_purchases'
    ]
}[system] -%}
with

catalog as (

    -- a metric has an entry for each of its labels
    select distinct system, mart, metric, numerator, denominator from {{ ref('metric_catalog') }} where unit <> 'text'

),

mart_rows as (

    {% for mart in marts -%}
    {%- set relation = ref(mart ~ '_' ~ grain) -%}
    {%- set columns = graph.nodes['model.touchstone.' ~ mart ~ '_' ~ grain].columns.values() if execute else [] -%}
    {%- set keys = columns | rejectattr('meta.unit') | rejectattr('meta.names') | map(attribute='name') | reject('eq', 'period_start') | sort -%}
    {%- set metrics = columns | selectattr('meta.unit') | rejectattr('data_type', 'eq', 'varchar')
        | map(attribute='name') | list -%}
    select
        '{{ mart }}' as mart,
        period_start,
        cast(to_json(struct_pack({% for key in keys %}{{ key }} := {{ key }}{{ ', ' if not loop.last }}{% endfor %})) as varchar) as keys,
        map(
            {{ metrics | list }},
            [{% for metric in metrics %}cast({{ metric }} as double){{ ', ' if not loop.last }}{% endfor %}]
        ) as metrics
    from {{ relation }}
    {% if not loop.last %}
    union all
    {% endif %}
    {%- endfor %}

),

metric_values as (

    select
        catalog.system,
        mart_rows.mart,
        catalog.metric,
        mart_rows.period_start,
        mart_rows.keys,
        mart_rows.metrics[catalog.metric] as value,
        mart_rows.metrics[catalog.numerator] as numerator,
        mart_rows.metrics[catalog.denominator] as denominator
    from mart_rows
    inner join catalog on replace(mart_rows.mart, '_by_dimension', '') = catalog.mart
    {% if system == 'cloudwatch' %}

    union all by name

    -- there a metric is a row
    select
        case namespace
            when 'AWS/SES' then 'ses'
            when 'VoiceID' then 'voice_id'
            when 'AWS/AppIntegrations' then 'appintegrations'
            else 'connect'
        end as system,
        'cloudwatch_metrics' as mart,
        namespace || '/' || metric_name as metric,
        period_start,
        cast(to_json(struct_pack(
            account_id := account_id,
            dimension_set := dimension_set,
            dimensions := dimensions,
            metric_name := metric_name,
            namespace := namespace,
            region := region
        )) as varchar) as keys,
        value
    from {{ ref('cloudwatch_metrics_' ~ grain) }}
    {% elif system == 'alexa' and grain == 'daily' %}

    union all by name

    -- a cohort is of a week, and stands at its first day
    select
        'alexa' as system,
        'alexa_retention_cohorts' as mart,
        unnest(['cohort_users', 'returning_users', 'retention_rate']) as metric,
        cohort_week as period_start,
        cast(to_json(struct_pack(
            cohort_week := cohort_week, locale := locale, skill_id := skill_id, week_number := week_number
        )) as varchar) as keys,
        unnest([cohort_users, returning_users, retention_rate]) as value,
        unnest([null, null, returning_users]) as numerator,
        unnest([null, null, cohort_users]) as denominator
    from {{ ref('alexa_retention_cohorts') }}
    {% endif %}

)

select * from metric_values
{%- endmacro %}
