-- Grain: one day, vendor, account, sender, provider and reason why at least one message failed or was deferred.
{{ by_grain(ref('int_email__bounce_reasons_by_period'), 'day') }}
