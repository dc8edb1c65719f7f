{# The body of a vendor's model of the first recipients of each domain, of the CTE `recipients`, by which a domain is common or
   rare. Its rows are those that any landed version names, so that none of them can cease to be. #}
{% macro email_recipients() -%}
{{- config(unique_key=['recipient_domain', 'place']) -}}
arrived as (

    select
        recipient_domain,
        recipient,
        min(event_at) as first_at
    from recipients
    -- those of a known provider are common, whoever they are
    anti join (
        select pattern as recipient_domain
        from {{ ref('int_email__mailbox_providers') }}
        where kind = 'domain'
    ) using (recipient_domain)
    where is_changed and recipient is not null and recipient_domain is not null
    group by recipient_domain, recipient

),

known as (

    select
        recipient_domain,
        md5_number(recipient) as recipient_key,
        first_at
    from arrived
    {% if is_incremental() %}
    union all by name
    select
        recipient_domain,
        recipient_key,
        first_at
    from {{ this }}
    semi join arrived using (recipient_domain)
    {% endif %}

),

facts as (

    select
        recipient_domain,
        recipient_key,
        min(first_at) as first_at,
        row_number() over (partition by recipient_domain order by min(first_at), recipient_key) as place
    from known
    group by recipient_domain, recipient_key
    qualify place <= {{ var('email_domain_recipients') }}

)

{{ changed_facts(['recipient_domain', 'place']) }}
{%- endmacro %}
