{# Proves that the last `days` days have no unexplained difference that is both above `tolerance`, as a fraction of the
   vendor's number, and above `minimum`. Rates are fractions: for them `tolerance` is absolute, and `minimum` is not asked
   for. #}
{% test differences_are_explained(model, tolerance, minimum, days) %}

select *
from {{ model }}
where
    status = 'unexplained'
    and period_start > (select max(period_start) from {{ model }}) - interval {{ days }} days
    and (
        difference is null
        or abs(difference)
        > case when metric like '%_rate' then {{ tolerance }} else greatest({{ minimum }}, {{ tolerance }} * reported) end
    )

{% endtest %}
