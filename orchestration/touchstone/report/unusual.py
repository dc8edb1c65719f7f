"""Rates of e-mail that are far from those of their weekdays, in words."""

from __future__ import annotations

import duckdb

from touchstone.report import words


def unusual_rates(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """What `email_watch_daily` of a release warns of: the rate, whose it is and its day, and what it is beside what is
    usual. Empty in a release without e-mail.
    """
    if not connection.execute("select 1 from duckdb_views() where view_name = 'email_watch_daily'").fetchone():
        return {}
    found = connection.execute("""
        select vendor, account, sender, provider, metric, period_start, value, lower_bound, upper_bound, status
        from email_watch_daily
        where status not in ('usual', 'too few weeks')
        order by status = 'above the limit' desc, denominator desc, vendor, account, sender, provider, metric
    """).fetchall()
    rates = {}
    for vendor, account, sender, provider, metric, day, value, low, high, status in found:
        keys = {"account": account, "sender": sender, "provider": provider}
        whose = ", ".join([vendor, *(f"{key} {is_}" for key, is_ in keys.items() if is_ not in ("all", "none"))])
        usual = (
            "at or above the limit of Gmail and Yahoo"
            if status == "above the limit"
            else f"{status} the {words.span(low, high, 'ratio')} that {words.weekday(day)}s have"
        )
        rates[f"{metric} of {whose} on {words.day(day)}"] = f"{words.number(value, 'ratio')}, {usual}"
    return rates
