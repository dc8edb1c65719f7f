-- Grain: one month, skill, stage, locale, step, from node and to node with at least one session that takes the step.
{{ by_grain(ref('int_alexa__interaction_paths_by_period'), 'month', where="to_node <> 'all'") }}
