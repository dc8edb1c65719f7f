-- Grain: one month and outbound campaign with at least one contact.
{{ by_grain(ref('int_pinpoint__contact_center_metrics'), 'month') }}
