-- Responses of the Metrics API for the last seven days, a day each, counted from the events.
create macro rfc2822(moment) as strftime(moment, '%a, %d %b %Y %H:%M:%S +0000');
create table items as
select moment::date as day, {
    dimensions: [
        {dimension: 'time', "value": rfc2822(day), display_value: rfc2822(day)},
        {dimension: 'domain', "value": domain, display_value: domain},
    ],
    metrics: {
        accepted_count: count() filter (event = 'accepted'),
        delivered_count: count() filter (event = 'delivered'),
        opened_count: count() filter (event = 'opened'),
        clicked_count: count() filter (event = 'clicked'),
        failed_count: count() filter (event = 'failed'),
        permanent_failed_count: count() filter (step ilike 'failed:permanent%'),
        opened_rate: printf('%.4f', count() filter (event = 'opened') / greatest(count() filter (event = 'delivered'), 1)),
    },
} as item
from (select distinct n, j, step, moment, variant from arrivals_of_events)
join (select distinct step, variant, event, domain from templates) using (step, variant)
where domain is not null and moment >= ending() - interval 7 days
group by day, domain;

select day + interval 23 hours as arrived, to_json({
    start: rfc2822(day), "end": rfc2822(day + interval 1 day), resolution: 'day', dimensions: ['time', 'domain'],
    items: list(item order by item), pagination: {total: count()},
}) as line
from items
group by day;
