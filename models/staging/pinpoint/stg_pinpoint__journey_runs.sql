-- Grain: one landed version of a list of a journey's runs, as it was fetched.
select
    _at as fetched_at,
    application_id,
    journey_id,
    -- of a list in several answers, each is a part
    list_transform(
        list_filter("Item", lambda r: r."Status" <> 'SCHEDULED'), lambda r: r."RunId"
    ) as started_runs,
    _landing as load_id
from {{ landed('pinpoint', 'journey_runs') }}
