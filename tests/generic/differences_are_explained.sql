{# Proves that of the last `days` days no difference is unexplained that is above `tolerance`, as a fraction of the vendor's
   number, and above `minimum`, if it is one of counts; rates are fractions, so that theirs need only be above `tolerance`. #}
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
