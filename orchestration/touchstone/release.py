"""What a release holds beside the marts that were built: marts of systems held back, the table `run`, descriptions."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from touchstone.builds import Build
from touchstone.landing.records import literal, quoted
from touchstone.settings import Settings
from touchstone.systems import SHARED, Manifest, built_nodes, column_texts, is_mart, systems_of

# The schema of the tables that the marts in `main` read.
PARTS = "intermediate"
# What a release's report states for the summary and for the next report, beside its page.
REPORT_STATE = "report.json"
# The name under which the present release is attached to the new one.
PRESENT = "present"
# The name of the published database, in dbt and as a file.
_BUILT = "touchstone"
# A relation: schema and name.
Relation = tuple[str, str]
_CATALOG: Relation = ("main", "metric_catalog")

_TABLES: dict[Relation, tuple[str, dict[str, str]]] = {
    ("main", "run"): (
        "The build of each system's marts. One row for each system of which anything has landed.",
        {
            "system": "mailgun, ses, cloudwatch (with Voice ID and AppIntegrations), pinpoint (with Connect's contact "
            "events) or alexa.",
            "status": "current; held back, where the system or its landing failed and its marts are those of an "
            "earlier build; never built, where there is no earlier build and its marts are empty.",
            "reason": "What failed; NULL where the system is current.",
            "build": "Number of the build of the marts, as in the ledger's table builds.",
            "landing": "Last load that the marts include.",
            "fingerprint": "Hash of the definitions and the time zone, on which the numbers depend beside the records.",
            "reporting_timezone": "Time zone of days and months.",
            "run_id": "Dagster's run that published the build.",
            "published_at": "When it was published, UTC.",
        },
    ),
    ("main", "source_freshness"): (
        "When each source last delivered. One row for each source of which records have landed. Times are UTC.",
        {
            "source": "System and stream.",
            "records": "Facts that have landed.",
            "first_record_at": "Hour of the oldest record, by the record's own time.",
            "newest_record_at": "The newest record, by the record's own time.",
            "newest_landing_at": "When its records last landed.",
            "usual_interval_hours": "Hours between landings, or between records where that is longer; NULL before "
            "there are two of either.",
            "late_after": "When the source becomes late if nothing new lands; NULL where the interval is unknown or "
            "nothing more is expected.",
            "is_late": "Whether that time had passed when the release was published.",
            "hours_without_records": "Hours of the last 365 days that usually have records and have none.",
            "last_hour_without_records": "The last of these hours.",
        },
    ),
    ("main", "names"): (
        "Names beside ids. One row for each kind and id, and of a configuration set for each account. Empty where no "
        "source of names is fetched.",
        {
            "kind": "What has the id: account, configuration_set, instance, queue or flow (of Connect), skill or "
            "vendor (of Alexa), or another that you have named yourself.",
            "id": "The id, as marts have it.",
            "name": "The newest name; NULL where the vendor has none.",
            "account_id": "Account of a configuration set, which is unique only there; NULL for other kinds.",
            "earlier_names": "The names before, the newest last, as a JSON list; NULL where there are none.",
            "first_seen_at": "When it was first listed, UTC.",
            "deleted_at": "When it was first missing in a listing, UTC; NULL while it is there.",
        },
    ),
    (PARTS, "landed_files"): (
        "The files that have landed, as the ledger has them: records = accepted + duplicates + quarantined + ignored.",
        {
            "source": "System and stream.",
            "path": "Path below the stream's folder when the content first landed.",
            "bytes": "Size of the file.",
            "records": "Records in it.",
            "accepted": "Records that landed as new facts.",
            "duplicates": "Records of facts that had landed before.",
            "quarantined": "Records that could not be landed.",
            "ignored": "Records of kinds that no metric uses.",
            "landing": "Number of the load that landed it.",
            "landed_at": "When it landed, UTC.",
        },
    ),
    (PARTS, "days"): ("All days, which the semantic layer joins to fill gaps.", {"date_day": "The day."}),
    (PARTS, "relations"): (
        "The tables and views of each system, so that a later release can copy those of one system.",
        {"system": "The system.", "schema": "The relation's schema.", "relation": "The relation's name."},
    ),
}


@dataclass(frozen=True)
class HeldBack:
    """A system whose marts are of an earlier build, which was published at `published_at`, UTC."""

    system: str
    reason: str
    build: int | None
    published_at: datetime | None

    @property
    def message(self) -> str:
        kept = (
            f"its numbers are those of {self.published_at:%Y-%m-%d %H:%M} UTC" if self.published_at else "it is empty"
        )
        return f"{self.system}: {kept}, because {self.reason}"


def held_back(connection: duckdb.DuckDBPyConnection) -> list[HeldBack]:
    """The systems held back in the release that `connection` has open."""
    if "status" not in columns_of(connection, _BUILT, ("main", "run")):
        return []  # before 0.2.0 a release had one row for all systems
    rows = connection.execute(
        "select system, reason, build, published_at from run where status <> 'current' order by system"
    ).fetchall()
    return [HeldBack(*row) for row in rows]


def attach_present(connection: duckdb.DuckDBPyConnection, settings: Settings) -> bool:
    """Attach the present release; returns whether there is one."""
    present = settings.published / "touchstone.duckdb"
    if not present.exists():
        return False
    connection.execute(f"attach {literal(str(present.resolve()))} as {PRESENT} (read_only)")
    return True


def write_run(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    build: Build,
    run_id: str,
    at: datetime,
    systems: Iterable[str],
    held_back: Mapping[str, str],
) -> set[str]:
    """Create the table `run` for `systems`; returns the systems held back whose marts the present release has."""
    connection.execute(
        "create table run (system varchar, status varchar, reason varchar, build bigint, landing bigint, "
        "fingerprint varchar, reporting_timezone varchar, run_id varchar, published_at timestamp)"
    )
    present = columns_of(connection, PRESENT, ("main", "run"))
    for system in systems:
        if system not in held_back:
            connection.execute(
                "insert into run values (?, 'current', null, ?, ?, ?, ?, ?, ?)",
                [
                    system,
                    build.number,
                    build.landing,
                    build.fingerprint,
                    settings.reporting_timezone,
                    run_id,
                    at.replace(tzinfo=None),
                ],
            )
        elif present:
            # Before 0.2.0 a release had one row for all systems.
            of_system = f"system = {literal(system)} and status <> 'never built'" if "system" in present else "true"
            columns = ", ".join(name for name in present if name not in ("system", "status", "reason"))
            connection.execute(
                f"insert into run by name select ? as system, 'held back' as status, ? as reason, {columns} "
                f"from {PRESENT}.run where {of_system}",
                [system, held_back[system]],
            )
    kept = {s for (s,) in connection.execute("select system from run where status = 'held back'").fetchall()}
    for system in held_back.keys() - kept:
        connection.execute(
            "insert into run (system, status, reason) values (?, 'never built', ?)", [system, held_back[system]]
        )
    return kept


def drop_unknown(connection: duckdb.DuckDBPyConnection, manifest: Manifest) -> None:
    """Drop the relations of models that no longer exist and of systems that are off.

    Shared marts read empty views in place of those.
    """
    known = {relation for group in (*systems_of(manifest), SHARED) for relation in _parts(manifest, group)}
    for relation, kind in kinds_of(connection).items():
        if relation not in known:
            connection.execute(f"drop {kind} {_name(relation)}")
    for (node,) in manifest["disabled"].values():
        readers = [manifest["nodes"][reader] for reader in node.get("readers", ())]
        if node["database"] == _BUILT and any(reader["database"] == _BUILT for reader in readers):
            connection.execute(empty_view(node["relation_name"], node))
    schemas = connection.execute(
        "select schema_name from duckdb_schemas() where database_name = ? and not internal", [_BUILT]
    ).fetchall()
    for schema in {schema for (schema,) in schemas} - {"main", PARTS}:
        connection.execute(f"drop schema {quoted(schema)} cascade")


def copy_present(connection: duckdb.DuckDBPyConnection, manifest: Manifest, system: str, is_present: bool) -> None:
    """Copy a system's tables and views from the present release; marts that it lacks are empty."""
    parts = _parts(manifest, system)
    for relation, kind in kinds_of(connection).items():
        if relation in parts:
            connection.execute(f"drop {kind} {_name(relation)}")
    if is_present:
        _copy(connection, _relations(connection, system) or set(parts))
        _copy_catalog(connection, parts)
    existing = kinds_of(connection)
    for relation, node in parts.items():
        columns = node["columns"].values()
        if relation not in existing and columns and all(column["data_type"] for column in columns):
            connection.execute(empty_view(_name(relation), node))


def empty_view(name: str, node: Mapping[str, Any]) -> str:
    """The statement that creates a view without rows, with the columns that the manifest declares for a model."""
    columns = ", ".join(
        f"cast(null as {column['data_type']}) as {quoted(name)}" for name, column in node["columns"].items()
    )
    return f"create view {name} as select {columns} where false"


def store(connection: duckdb.DuckDBPyConnection, manifest: Manifest, views: Collection[str]) -> None:
    """Put tables in the place of those of `views` that combine systems for shared marts, by names in the manifest."""
    for relation, node in _parts(manifest, SHARED).items():
        if node["relation_name"] in views and not is_mart(node):
            stored = f"{PARTS}.stored"
            connection.execute(f"create table {stored} as from {_name(relation)} order by grain, period_start")
            connection.execute(f"drop view {_name(relation)}; alter table {stored} rename to {quoted(relation[1])}")


def list_relations(connection: duckdb.DuckDBPyConnection, manifest: Manifest, kept: Iterable[str]) -> None:
    """Create the table `relations`; those of the systems `kept` as the present release lists them."""
    existing = kinds_of(connection)
    connection.execute(f'create table {PARTS}.relations (system varchar, "schema" varchar, relation varchar)')
    for system in systems_of(manifest):
        copied = _relations(connection, system) if system in kept else set()
        for relation in sorted((copied | _parts(manifest, system).keys()) & existing.keys()):
            connection.execute(f"insert into {PARTS}.relations values (?, ?, ?)", [system, *relation])


def describe(connection: duckdb.DuckDBPyConnection, manifest: Manifest) -> None:
    """Comment on every table, view and column with dbt's description, else with the present release's comment.

    Those that have their comment keep it, as 3,000 statements take 2 s.
    """
    texts = column_texts(manifest)
    described = {
        (node["schema"], node["name"]): (node["description"], texts[id_]) for id_, node in built_nodes(manifest).items()
    } | _TABLES
    earlier = comments_of(connection, PRESENT)
    kinds = kinds_of(connection)
    statements = []
    for (schema, relation, column), present in comments_of(connection).items():
        text, columns = described.get((schema, relation), ("", {}))
        description = columns.get(column, "") if column else text
        comment = " ".join(description.split()) or earlier.get((schema, relation, column))
        if comment and comment != present:
            name = _name((schema, relation))
            target = f"column {name}.{quoted(column)}" if column else f"{kinds[schema, relation]} {name}"
            statements.append(f"comment on {target} is {literal(comment)}")
    connection.execute("begin; " + "; ".join(statements) + "; commit")


def columns_of(connection: duckdb.DuckDBPyConnection, database: str, relation: Relation) -> list[str]:
    """The columns of a table or view in their order; none where it doesn't exist."""
    rows = connection.execute(
        "select column_name from duckdb_columns() where (database_name, schema_name, table_name) = (?, ?, ?) "
        "order by column_index",
        [database, *relation],
    ).fetchall()
    return [name for (name,) in rows]


def _parts(manifest: Manifest, system: str) -> dict[Relation, Mapping[str, Any]]:
    """The relations of a system in the published file, with their nodes in the manifest."""
    return {
        (node["schema"], node["name"]): node
        for node in manifest["nodes"].values()
        if node["resource_type"] in ("model", "seed") and node["database"] == _BUILT and node["group"] == system
    }


def _relations(connection: duckdb.DuckDBPyConnection, system: str) -> set[Relation]:
    """The relations of a system that the present release lists."""
    if not columns_of(connection, PRESENT, (PARTS, "relations")):
        return set()
    rows = connection.execute(
        f'select "schema", relation from {PRESENT}.{PARTS}.relations where system = ?', [system]
    ).fetchall()
    return set(rows)


def _copy(connection: duckdb.DuckDBPyConnection, relations: set[Relation]) -> None:
    """Copy tables and views from the present release: tables first, and each view after those that it reads."""
    views = []
    for relation, kind in kinds_of(connection, PRESENT).items():
        if relation in relations and kind == "table":
            connection.execute(f"create table {_name(relation)} as from {PRESENT}.{_name(relation)}")
        elif relation in relations:
            views.append(relation)
    sql = {
        (schema, name): text
        for schema, name, text in connection.execute(
            "select schema_name, view_name, sql from duckdb_views() where database_name = ?", [PRESENT]
        ).fetchall()
    }
    while views:
        failed, error = [], None
        for view in views:
            try:
                connection.execute(sql[view])
            except duckdb.CatalogException as missing:
                failed.append(view)
                error = missing
        if error and len(failed) == len(views):
            raise error
        views = failed


def _copy_catalog(connection: duckdb.DuckDBPyConnection, parts: Iterable[Relation]) -> None:
    """Copy the catalog's rows of a system from the present release."""
    if kinds_of(connection, PRESENT).get(_CATALOG) != "table":
        return  # before 0.2.0 the catalog was a view
    of_system = "mart in (select unnest(?::varchar[]))"
    marts = sorted({re.sub(r"(_by_dimension)?(_hourly|_daily|_monthly)?$", "", name) for _, name in parts})
    columns = set(columns_of(connection, PRESENT, _CATALOG)) & set(columns_of(connection, _BUILT, _CATALOG))
    listed = ", ".join(map(quoted, sorted(columns)))
    connection.execute(f"delete from {_name(_CATALOG)} where {of_system}", [marts])
    connection.execute(
        f"insert into {_name(_CATALOG)} by name select {listed} from {PRESENT}.{_name(_CATALOG)} where {of_system}",
        [marts],
    )


def kinds_of(connection: duckdb.DuckDBPyConnection, database: str = _BUILT) -> dict[Relation, str]:
    """Every relation of a database, and whether it is a table or a view."""
    rows = connection.execute(
        "select schema_name, table_name, 'table' from duckdb_tables() where database_name = $1 union all "
        "select schema_name, view_name, 'view' from duckdb_views() where database_name = $1 and not internal",
        [database],
    ).fetchall()
    return {(schema, name): kind for schema, name, kind in rows}


def comments_of(
    connection: duckdb.DuckDBPyConnection, database: str = _BUILT
) -> dict[tuple[str, str, str], str | None]:
    """The comment on every relation, under an empty column name, and on every column."""
    rows = connection.execute(
        """
        select schema_name, table_name, '', comment from duckdb_tables() where database_name = $1
        union all
        select schema_name, view_name, '', comment from duckdb_views() where database_name = $1 and not internal
        union all
        select schema_name, table_name, column_name, comment from duckdb_columns()
        where database_name = $1 and not internal
        """,
        [database],
    ).fetchall()
    return {(schema, relation, column): comment for schema, relation, column, comment in rows}


def _name(relation: Relation) -> str:
    return ".".join(map(quoted, relation))
