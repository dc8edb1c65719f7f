-- Grain: one landed version of a snapshot of counters; `is_current` marks the version that counts.
-- The one fetched last does: what a version states decides, never when it arrived.
with

landed_versions as (

    {{ current_versions(
        ref('stg_pinpoint__execution_metrics'), ['fetched_at desc nulls last'], 'snapshot_key', is_dated=true
    ) }}

),

typed as (

    select
        *,
        case
            when scope in ('journey', 'run') then scope
            when
                activity_type in (
                    'CONTACT_CENTER', 'WAIT', 'CONDITIONAL_SPLIT', 'MULTI_CONDITIONAL_SPLIT', 'RANDOM_SPLIT', 'HOLDOUT'
                )
                then activity_type
            else 'MESSAGE'
        end as subject_type
    from landed_versions

),

-- Counters that are 0 where an answer leaves them out. The further paths of a split, and counters that Amazon may add,
-- aren't known before they are reported.
documented as (

    select
        unnest([
            'journey', 'run', 'MESSAGE', 'CONTACT_CENTER', 'WAIT', 'CONDITIONAL_SPLIT', 'MULTI_CONDITIONAL_SPLIT',
            'RANDOM_SPLIT', 'HOLDOUT'
        ]) as subject_type,
        unnest([
            ['ENDPOINT_ACTIVE', 'ENDPOINT_LEFT', 'ENDPOINT_ENTERED', 'REENTRY_CAP_EXCEEDED'],
            ['ENDPOINT_ACTIVE', 'ENDPOINT_LEFT', 'ENDPOINT_ENTERED', 'REENTRY_CAP_EXCEEDED'],
            [
                'SUCCESS', 'DAILY_CAP_EXCEEDED', 'FAILURE_PERMANENT', 'QUIET_TIME', 'SERVICE_FAILURE', 'THROTTLED',
                'TRANSIENT_FAILURE', 'UNKNOWN'
            ],
            ['TRANSIENT_FAILURE', 'SERVICE_FAILURE', 'DIAL_FAILURE', 'DROPPED'],
            ['WAIT_FINISHED', 'WAIT_SKIPPED', 'WAIT_STARTED'],
            ['Branch_TRUE', 'Branch_FALSE'],
            ['Branch_1'],
            ['Branch_1'],
            ['HOLDOUT', 'PASSED']
        ]) as names

),

completed as (

    select
        typed.* exclude (scope, subject_type, fetched_at)
        replace (
            map_concat(
                map(documented.names, list_transform(documented.names, lambda name: cast(0 as bigint))), typed.counters
            ) as counters
        )
    from typed
    inner join documented using (subject_type)

)

select * from completed
