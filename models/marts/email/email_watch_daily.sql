-- Grain: one rate of a vendor, account, sender and mailbox provider, on the last day of which it can be judged.
-- docs/decisions/email.md, Watched, says how, and why so.
{%- set marts = {'email_metrics_daily': "'all'", 'email_by_provider_daily': 'provider'} %}
with

complete as (

    -- a day is over when the vendor's next hour would be of another one
    select
        vendor,
        {{ reporting_date("(max(period_start) + interval 1 hour)") }} - 1 as last_day
    from {{ ref('email_metrics_hourly') }}
    group by vendor

),

counts as (

    {% for mart, provider in marts.items() -%}
    select
        vendor,
        account,
        sender,
        {{ provider }} as provider,
        period_start,
        sum(sent_count) as sent,
        sum(delivered_count) as delivered,
        sum(bounced_count) as bounced,
        sum(complained_count) as complained,
        sum(human_unique_open_count) as opened,
        sum(human_unique_click_count) as clicked
    from {{ ref(mart) }}
    where vendor <> 'all'
    group by vendor, account, sender, {{ 'provider, ' if provider == 'provider' }}period_start
    {% if not loop.last -%}
    union all by name
    {% endif -%}
    {% endfor %}

),

rates as (

    -- opens and clicks are of messages of any day, and wait a day longer
    {% for metric, numerator, denominator in [
        ('delivery_rate', 'delivered', 'sent'),
        ('bounce_rate', 'bounced', 'sent'),
        ('complaint_rate', 'complained', 'delivered'),
        ('human_unique_open_rate', 'opened', 'delivered'),
        ('human_unique_click_rate', 'clicked', 'delivered'),
        ('click_to_open_rate', 'clicked', 'opened'),
    ] -%}
    select
        vendor,
        account,
        sender,
        provider,
        '{{ metric }}' as metric,
        period_start,
        date_diff('day', period_start, last_day{{ ' - 1' if numerator in ('opened', 'clicked') }}) as days_before,
        cast({{ numerator }} as bigint) as numerator,
        cast({{ denominator }} as bigint) as denominator,
        -- chance moves the root of a small part alike, however small it is: of deliveries what wasn't delivered
        sqrt({{ 'sent - delivered' if metric == 'delivery_rate' else numerator }}) / sqrt({{ denominator }}) as root
    from counts
    inner join complete using (vendor)
    where {{ denominator }} >= {{ var('email_watch_volume') }}
    {% if not loop.last -%}
    union all
    {% endif -%}
    {% endfor %}

),

earlier as (

    select
        *,
        days_before % 7 as weekday
    from rates
    where days_before between 1 and {{ 7 * var('email_watch_weeks') }}

),

weekdays as (

    select
        vendor,
        account,
        sender,
        provider,
        metric,
        weekday,
        count(*) as weeks,
        quantile_cont(root, 0.5) as expected
    from earlier
    group by vendor, account, sender, provider, metric, weekday
    having count(*) >= {{ var('email_watch_least_weeks') }}

),

spreads as (

    -- of all weekdays, each from its own median, as the few values of one tell too little; 1.4826 makes it a deviation
    select
        vendor,
        account,
        sender,
        provider,
        metric,
        1.4826 * quantile_cont(abs(root - expected), 0.5) as spread
    from earlier
    inner join weekdays using (vendor, account, sender, provider, metric, weekday)
    group by vendor, account, sender, provider, metric

),

bounds as (

    select
        weekdays.*,
        spreads.spread
    from weekdays
    inner join spreads using (vendor, account, sender, provider, metric)
    where weekdays.weekday = 0

),

judged as (

    select
        rates.* exclude (days_before, root),
        bounds.weeks,
        rates.root,
        bounds.expected,
        -- the spread of days has that of their messages, of which this day may have fewer
        {{ var('email_watch_deviations') }}
        * sqrt(greatest(bounds.spread * bounds.spread, 1 / (4 * rates.denominator))) as margin
    from rates
    left join bounds using (vendor, account, sender, provider, metric)
    where rates.days_before = 0

),

with_bounds as (

    select
        * exclude (root, expected, margin),
        case when metric = 'delivery_rate' then 1 - expected * expected else expected * expected end as expected,
        -- the greatest of NULL and 0 would be 0
        case when expected is not null then greatest(expected - margin, 0) end as low,
        expected + margin as high,
        abs(root * root - expected * expected) * denominator >= {{ var('email_watch_messages') }} as is_enough
    from judged

)

select
    vendor,
    account,
    sender,
    provider,
    metric,
    period_start,
    numerator / denominator as value,
    numerator,
    denominator,
    expected,
    case when metric = 'delivery_rate' then 1 - high * high else low * low end as lower_bound,
    case when metric = 'delivery_rate' then 1 - low * low else high * high end as upper_bound,
    weeks,
    case
        when
            metric = 'complaint_rate'
            and numerator / denominator >= {{ var('email_complaint_limit') }}
            and numerator >= {{ var('email_watch_messages') }}
            then 'above the limit'
        when expected is null then 'too few weeks'
        when is_enough and metric <> 'delivery_rate' and numerator / denominator > upper_bound then 'above'
        when is_enough and metric not in ('bounce_rate', 'complaint_rate') and numerator / denominator < lower_bound
            then 'below'
        else 'usual'
    end as status
from with_bounds
