{# A select of a CTE's rows with the provider of the recipient's mailbox, the vendor's own word before the domain's; NULL for a
   row without an event. `is_provider_domain` says whether the domain is one of a provider. #}
{% macro with_provider(records) -%}
    select
        {{ records }}.*,
        case
            when {{ records }}.event is not null
                then coalesce(
                    by_word.provider,
                    case when lower({{ records }}.provider_word) not in ('none', 'other') then {{ records }}.provider_word end,
                    by_domain.provider,
                    case when {{ records }}.recipient_domain in ('none', 'several') then {{ records }}.recipient_domain end,
                    'other'
                )
        end as provider,
        by_domain.provider is not null as is_provider_domain
    from {{ records }}
    left join {{ ref('int_email__mailbox_providers') }} as by_domain
        on by_domain.kind = 'domain' and {{ records }}.recipient_domain = by_domain.pattern
    left join {{ ref('int_email__mailbox_providers') }} as by_word
        on by_word.kind = 'vendor word' and lower({{ records }}.provider_word) = by_word.pattern
{%- endmacro %}
