-- Grain: one hour, skill, stage, locale, product id and product type with at least one event of purchasing.
{{ by_grain(ref('int_alexa__purchases_by_period'), 'hour') }}
