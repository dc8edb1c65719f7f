{# Proves that every dimension tells of the same records as the total, the row of dimension 'all': the counts of its
   values add up to the total's, and to no less where a record may have several (`multi_valued`). The counts are by
   default those of grains_agree, but for some. #}
{% test slices_agree(model, counts=none, but=[], multi_valued=[]) %}

{%- set keys = keys_of_tested() | reject('in', ['dimension', 'dimension_value']) | list + ['grain', 'period_start'] -%}
{%- set counts = counts if counts is not none else additive_metrics_of_tested() | reject('in', but) | list -%}

with

metrics as (

    select * from {{ model }}

),

dimensions as (

    select distinct dimension from metrics where dimension <> 'all'

),

parts as (

    select {{ keys | join(', ') }}, dimension, 1 as sign, {{ counts | join(', ') }}
    from metrics
    where dimension <> 'all'
    union all
    -- the total once for each dimension, to be taken off what its values add up to
    select {{ keys | join(', ') }}, dimensions.dimension, -1 as sign, {{ counts | join(', ') }}
    from metrics
    cross join dimensions
    where metrics.dimension = 'all'

)

select {{ keys | join(', ') }}, dimension
from parts
group by {{ keys | join(', ') }}, dimension
having
    {% for count in counts %}
    sum(sign * {{ count }}) < 0 or
    {% endfor %}
    dimension not in ('{{ multi_valued | join("', '") }}')
    and (
        {% for count in counts %}
        sum(sign * {{ count }}) > 0 {{ 'or' if not loop.last }}
        {% endfor %}
    )

{% endtest %}
