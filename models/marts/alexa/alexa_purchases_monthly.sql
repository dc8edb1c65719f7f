-- Grain: one month, skill, stage, locale, product id and product type with at least one event of purchasing,
-- or with a subscription by then.
{{ by_grain(ref('int_alexa__purchases_by_period'), 'month') }}
