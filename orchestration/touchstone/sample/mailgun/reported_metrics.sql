-- Responses of the Metrics API for the last seven days, a day each, counted from the events. Rates are text.
create macro rate(numerator, denominator) as if(denominator > 0, printf('%.4f', numerator / denominator), '0.0000');
create macro rfc2822(moment) as strftime(moment, '%a, %d %b %Y %H:%M:%S +0000');

create table reported as
with counted as (
    select
        moment::date as day,
        domain,
        count(*) filter (where metric = 'accepted_incoming') as accepted_incoming,
        count(*) filter (where metric = 'accepted_outgoing') as accepted_outgoing,
        count(*) filter (where metric = 'delivered') as delivered,
        count(*) filter (where metric = 'opened') as opened,
        count(*) filter (where metric = 'clicked') as clicked,
        count(*) filter (where metric in ('permanent_failed', 'suppressed')) as permanent_failed,
        count(*) filter (where metric = 'permanent_failed') as bounced,
        count(*) filter (where metric = 'temporary_failed') as temporary_failed,
    from mailgun_told
    join steps using (step)
    join sender_slots using (slot)
    where is_first and domain is not null and moment >= ending() - interval 7 days
    group by all
),

items as (
    select
        day,
        {
            dimensions: [
                {dimension: 'time', "value": rfc2822(day), display_value: rfc2822(day)},
                {dimension: 'domain', "value": domain, display_value: domain},
            ],
            metrics: {
                accepted_count: accepted_incoming + accepted_outgoing,
                accepted_incoming_count: accepted_incoming,
                accepted_outgoing_count: accepted_outgoing,
                delivered_count: delivered,
                opened_count: opened,
                clicked_count: clicked,
                failed_count: permanent_failed + temporary_failed,
                permanent_failed_count: permanent_failed,
                delivered_rate: rate(delivered, delivered + bounced),
                opened_rate: rate(opened, delivered),
            },
        } as item,
        domain,
    from counted
)

select
    (day + interval 23 hours)::timestamp as arrived,
    to_json({
        start: rfc2822(day),
        "end": rfc2822(day + interval 1 day),
        resolution: 'day',
        duration: '1d',
        dimensions: ['time', 'domain'],
        items: list(item order by domain),
        pagination: {sort: 'time:asc', skip: 0, "limit": 1500, total: count(*)},
    }) as line,
from items
group by day;

select arrived, line from reported;
