"""What the lake knows of one message or recipient, in order, for those who answer a question about it; not published.

The records are found in the lake, whose ledger a night opens for short whiles alone, so that a night may run meanwhile.
What they count as is said by the project's own models, whose SQL runs on these records and no others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from touchstone.console import printable
from touchstone.dbt import run_dbt
from touchstone.home import own_seeds
from touchstone.landing.ledger import Ledger
from touchstone.landing.persons import create_tokens, read_key
from touchstone.landing.records import literal, read_lake, write_lake
from touchstone.manifest import project, read_parsed
from touchstone.settings import PROJECT, Settings


class NotUpgraded(Exception):
    """Nothing has landed since an upgrade, so that the lake lacks columns that a story is told by."""


@dataclass(frozen=True)
class _Vendor:
    """How a vendor's records say what a story tells; SQL of the columns of its stream `events`.

    `message` is the message's id and `to` a list of its recipients, or of the record's where it has its own; `named` is
    a list of all that a record names. `account` and `sender` are columns of the staging model, whose `id` is the
    record's `record`. `versions` is the model that chooses among versions of a record, if there are any.
    """

    message: str
    to: str
    named: str
    account: str
    sender: str
    details: tuple[str, ...]
    client: str
    link: str
    id: str = "version_id"
    record: str = "_record_id"
    versions: str = ""


_VENDORS = {
    "mailgun": _Vendor(
        message="""trim(message.headers."message-id", '<> ')""",
        to="[recipient]",
        named="[recipient]",
        account="subaccount",
        sender="domain",
        details=(
            "severity",
            "reason",
            '"delivery-status".code',
            '"delivery-status".message',
            '"delivery-status".description',
            """case when flags."is-test-mode" then 'test mode' end""",
        ),
        client='"client-info"."user-agent"',
        link="url",
        versions="int_mailgun__events",
    ),
    "pinpoint": _Vendor(
        message="coalesce(nullif(facets.email_channel.mail_event.mail.message_id, ''), attributes.message_id)",
        to="list_append(facets.email_channel.mail_event.mail.destination, client.client_id)",
        named="list_append(facets.email_channel.mail_event.mail.destination, client.client_id)",
        account="application_id",
        sender="journey_id",
        details=(
            "attributes.journey_send_status",
            "attributes.journey_send_status_message",
            "attributes.record_status",
            "facets.email_channel.mail_event.bounce.bounce_type",
            "facets.email_channel.mail_event.bounce.bounce_sub_type",
            """array_to_string(list_transform(
                facets.email_channel.mail_event.bounce.bounced_recipients,
                lambda r: concat_ws(' ', nullif(r.status, ''), r.diagnostic_code)
            ), ', ')""",
            "facets.email_channel.mail_event.complaint.complaint_feedback_type",
            "facets.email_channel.mail_event.reject.reason",
        ),
        client="""coalesce(
            facets.email_channel.mail_event."open".user_agent, facets.email_channel.mail_event.click.user_agent
        )""",
        link="facets.email_channel.mail_event.click.link",
        id="event_key",
        record="_key",
    ),
    "ses": _Vendor(
        message='mail."messageId"',
        to="""coalesce(
            delivery.recipients, list_transform(bounce."bouncedRecipients", lambda r: r."emailAddress"),
            list_transform(complaint."complainedRecipients", lambda r: r."emailAddress"), mail.destination
        )""",
        named="""flatten([
            mail.destination, delivery.recipients,
            list_transform(bounce."bouncedRecipients", lambda r: r."emailAddress"),
            list_transform(complaint."complainedRecipients", lambda r: r."emailAddress")
        ])""",
        account="account_id",
        sender="configuration_set",
        details=(
            'bounce."bounceType"',
            'bounce."bounceSubType"',
            """array_to_string(list_transform(
                bounce."bouncedRecipients", lambda r: concat_ws(' ', nullif(r.status, ''), r."diagnosticCode")
            ), ', ')""",
            'complaint."complaintSubType"',
            'complaint."complaintFeedbackType"',
            'delivery."smtpResponse"',
            "reject.reason",
            '"deliveryDelay"."delayType"',
            'failure."errorMessage"',
        ),
        client='coalesce("open"."userAgent", click."userAgent")',
        link="click.link",
        versions="int_ses__events",
    ),
}
# How SES's ids go on in the header Message-ID.
_DOMAIN_OF_SES = r"@([a-z0-9-]+\.)?amazonses\.com$"


@dataclass(frozen=True)
class Record:
    """A record of the lake and what it counts as.

    `event_at`: in the reporting zone. `kind`: the vendor's own word. `words`: what happened in the words of all
    vendors, None if that counts nowhere; `rule`: the rule that told who opened or clicked. `record_id`: as `retract`
    takes it. `counted_id`: the version of the record that counts, if it isn't this one.
    """

    event_at: datetime
    vendor: str
    account: str
    sender: str | None
    message: str | None
    to: list[str]
    kind: str
    words: str | None
    rule: str | None
    is_machine: bool | None
    details: str
    client: str | None
    link: str | None
    file: str
    record_id: int
    counted_id: int | None


def of_message(settings: Settings, message_id: str) -> list[Record]:
    """The records of a message, by its id with or without the brackets around it, in any case; oldest first."""
    name = message_id.strip("<> \t\n").lower()
    return _told(settings, "lower({message}) = " + literal(re.sub(_DOMAIN_OF_SES, "", name)), name)


def of_recipient(settings: Settings, name: str) -> list[Record]:
    """The records of messages to a mail address, or of a Pinpoint endpoint by its id, in any case; oldest first.

    Of records of several recipients, those that name others alone are left out.
    """
    name = name.strip().lower()
    return [
        record
        for record in _told(settings, "list_contains(list_transform({named}, lambda r: lower(trim(r))), $name)", name)
        if name in (to.strip().lower() for to in record.to)
    ]


def lines(settings: Settings, records: list[Record]) -> Iterator[str]:
    """The story as text for a terminal."""
    yield f"Times are those of {settings.reporting_timezone}"
    for record in records:
        account = f", account {record.account}" if record.account != "none" else ""
        sender = f", sender {record.sender}" if record.sender not in ("none", None) else ""
        happened = record.words.replace("_", " ") if record.words else "nothing that email_metrics counts"
        says = [f"{happened}  ({record.vendor}{account}{sender})", f"{record.vendor} says: {record.kind}"]
        if record.details:
            says[-1] += f", {record.details}"
        if record.words in ("open", "click"):
            rule = f", by the rule {record.rule}" if record.rule else ""
            agent = f"user agent {record.client}" if record.client else "no user agent"
            says.append(f"{'a machine' if record.is_machine else 'a person'}{rule}; {agent}")
        if record.link:
            says.append(f"link {record.link}")
        says.append(f"message {record.message or 'without an id'}, to {', '.join(record.to) or 'nobody named'}")
        counts = f"superseded by record {record.counted_id}; " if record.counted_id else ""
        says.append(f"{counts}record {record.record_id} of {record.vendor}/events/{record.file}")
        yield ""
        yield f"{record.event_at.isoformat(' ', 'milliseconds')}  {printable(says[0])}"
        yield from (f"    {printable(text)}" for text in says[1:])


def _told(settings: Settings, condition: str, name: str) -> list[Record]:
    with TemporaryDirectory(prefix="touchstone-") as folder:
        found = _find(settings, condition, name, Path(folder))
        return _counted(settings, found, Path(folder)) if found else []


def _find(settings: Settings, condition: str, name: str, folder: Path) -> dict[str, Path]:
    """Write the records for which a condition of their columns holds into files; returns these by vendor."""
    found = {}
    with Ledger.open(settings) as ledger:
        sql = ledger.connection
        for vendor, says in _VENDORS.items():
            source = f"{vendor}/events"
            paths = ledger.lake_paths(source, of_batch=False)
            if not paths or vendor not in settings.systems:
                continue
            # Of all records a few columns are read, then of few row groups all columns.
            schema = str(ledger.lake / source / "schema.parquet")
            stated = condition.format(message=says.message, named=says.named)
            try:
                rows = sql.execute(
                    f"select filename, _record_id from {read_lake([*paths, schema])} where {stated}",
                    {"name": name} if "$name" in stated else {},
                ).fetchall()
            except duckdb.BinderException as error:
                raise NotUpgraded(f"the lake of {source} is of an earlier version: run `make nightly` first") from error
            if rows:
                files = sorted({file for file, _ in rows} | {schema})
                numbers = ", ".join(str(number) for _, number in rows)
                query = f"select * exclude (filename) from {read_lake(files)} where _record_id in ({numbers})"
                found[vendor] = folder / f"{vendor}.parquet"
                write_lake(sql, query, found[vendor])
    return found


def _counted(settings: Settings, found: dict[str, Path], folder: Path) -> list[Record]:
    """What the records count as, by the models' SQL."""
    project(settings)
    parsed = read_parsed(settings)
    for vendor, path in found.items():
        source = parsed.sources[f"source.touchstone.{vendor}.events"]
        source.meta["external_location"] = source.config.meta["external_location"] = f"read_parquet('{path}')"
    selected = " ".join(f"+int_email__{vendor}_facts" for vendor in found)
    for place in ("warehouse", "tmp"):
        (folder / place).mkdir()
    with duckdb.connect() as sql:
        sql.execute("set TimeZone = 'UTC'; attach ':memory:' as internal; attach ':memory:' as touchstone")
        if settings.keep_records_days:
            create_tokens(sql, read_key(settings.ledger.parent), settings.mailgun_dimensions)
        for node in parsed.nodes.values():
            if node.resource_type == "seed":
                path = own_seeds(settings).get(node.name, PROJECT / node.original_file_path)
                _create(sql, node, f"from read_csv({literal(str(path))}, header = true, all_varchar = true)")
        compiled = run_dbt(
            settings,
            *("--log-level", "none", "--no-write-json", "compile", "--full-refresh", "--no-populate-cache"),
            *("--select", selected, "--exclude", "resource_type:test", "resource_type:seed"),
            manifest=parsed,
            # a night has the warehouse locked, and dbt's files
            TOUCHSTONE_HOME=str(folder),
            DBT_TARGET_PATH=str(folder / "target"),
            DBT_LOG_PATH=str(folder / "logs"),
        )
        for result in compiled.results:
            _create(sql, result.node, result.node.compiled_code)
        told = " union all by name ".join(_of_vendor(vendor, path) for vendor, path in found.items())
        zone = literal(settings.reporting_timezone)
        rows = sql.execute(
            f"select * replace (event_at at time zone 'UTC' at time zone {zone} as event_at) "
            f"from ({told}) as told order by told.event_at, vendor, record_id"
        )
        names = [column[0] for column in rows.description or ()]
        return [Record(**dict(zip(names, row, strict=True))) for row in rows.fetchall()]


def _create(sql: duckdb.DuckDBPyConnection, node: Any, query: str) -> None:
    sql.execute(
        f'create schema if not exists "{node.database}"."{node.schema}"; create table {node.relation_name} as {query}'
    )


def _of_vendor(vendor: str, path: Path) -> str:
    """SQL of the records of a vendor, with the columns of Record; the time in UTC."""
    says = _VENDORS[vendor]
    details = ", ".join(f"nullif({each}, '')" for each in says.details)
    versions = (
        f"select event_key, version_id from internal.intermediate.{says.versions} where is_current"
        if says.versions
        else "select null::uuid as event_key, null::bigint as version_id"
    )
    return f"""
        select
            _at as event_at,
            '{vendor}' as vendor,
            staged.account,
            staged.sender,
            {says.message} as message,
            list_filter({says.to}, lambda r: r is not null) as "to",
            _kind as kind,
            counted.words,
            counted.rule,
            counted.is_machine,
            concat_ws(', ', {details}) as details,
            nullif({says.client}, '') as client,
            split_part(nullif({says.link}, ''), '?', 1) as link,
            _file as file,
            _record_id as record_id,
            nullif(current_versions.version_id, _record_id) as counted_id
        from read_parquet('{path}') as records
        inner join (
            select distinct {says.id} as id, {says.account} as account, {says.sender} as sender
            from internal.staging.stg_{vendor}__events
        ) as staged on staged.id = records.{says.record}
        left join ({versions}) as current_versions on current_versions.event_key = records._key
        left join (
            select
                event_key,
                string_agg(distinct event, ' or ' order by event) as words,
                max(machine_rule) as rule,
                bool_or(is_machine) as is_machine
            from (
                select event_key, event, machine_rule, is_machine from internal.intermediate.int_email__{vendor}_facts
                union all by name
                select event_key, event
                from internal.intermediate.int_email__{vendor}_events
                where is_current and event in ('accepted', 'delivered')
            )
            group by event_key
        ) as counted on counted.event_key = records._key
    """
