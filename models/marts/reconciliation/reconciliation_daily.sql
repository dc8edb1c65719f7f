-- Grain: one day, system, metric of a mart and keys that the vendor reports a number of its own for.
with

reasons as (

    select * from {{ ref('reconciliation_reasons') }}

),

-- Every system whose vendor reports numbers has a folder in intermediate/reconciliation. Those of SES are CloudWatch's.
compared as (

    {% for system in ['alexa', 'mailgun', 'pinpoint', 'ses']
        if system in var('systems') and (system != 'ses' or 'cloudwatch' in var('systems')) -%}
    select * from {{ ref('int_reconciliation__' ~ system) }}
    {% if not loop.last -%}
    union all by name
    {% endif -%}
    {% endfor %}

),

explained as (

    select
        compared.system,
        compared.mart,
        compared.metric,
        compared.keys,
        compared.period_start,
        compared.ours,
        compared.reported,
        case when status is distinct from 'not comparable' then ours - reported end as difference,
        difference / nullif(reported, 0) as relative_difference,
        case
            when compared.reason is null and abs(difference) <= rounding + 0.000000001 then 'equal'
            else coalesce(reasons.status, 'unexplained')
        end as status,
        compared.reason as explanation
    from compared
    left join reasons on compared.system = reasons.system and compared.reason = reasons.reason

)

select * from explained
