-- Grain: one hour, metric, mart and its keys.
{{ metric_values('hourly') }}
