"""Replaces files of the lake, in one transaction with the ledger: both change or, if killed, neither."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from touchstone.landing.ledger import Ledger, unfinished
from touchstone.landing.records import literal, write_lake


class Rewrite:
    """A transaction over the files of one source."""

    def __init__(self, ledger: Ledger, source: str) -> None:
        self.ledger = ledger
        self.source = source
        self._new: list[str] = []

    def replace(self, paths: Sequence[str], query: str) -> None:
        """Replace files by one with the rows of a query, or by none if it has no rows.

        The rows have the lake's columns; those of a load are all in these files. Readers of a file that is replaced
        keep it until the transaction is committed.
        """
        sql, lake = self.ledger.connection, self.ledger.lake
        names = [path.removeprefix(f"{lake}/") for path in paths]
        sql.execute("insert into obsolete_files select unnest(?::varchar[])", [names])
        row = sql.execute(
            "select max(landing) from lake_files where path in (select unnest(?::varchar[]))", [names]
        ).fetchone()
        sql.execute("delete from lake_files where path in (select unnest(?::varchar[]))", [names])
        assert row is not None
        new = (lake / names[0]).with_name(f"{row[0]:08d}-{self.ledger.next_load_id():08d}.parquet")
        if not write_lake(sql, query, unfinished(new)):
            unfinished(new).unlink()
            return
        self._new.append(str(new))
        sql.execute(
            "insert into lake_files select ?, ?, count(*), min(_date), max(_date), _landing, ? "
            f"from read_parquet({literal(str(unfinished(new)))}, hive_partitioning = false) group by _landing",
            [self.source, str(new.relative_to(lake)), unfinished(new).stat().st_size],
        )

    def paths(self) -> list[str]:
        """The lake's files of the source as they will be, under the names that they have until the commit."""
        paths = self.ledger.lake_paths(self.source, of_batch=False)
        return [f"{path}.unfinished" if path in self._new else path for path in paths]


@contextmanager
def rewriting(ledger: Ledger, source: str) -> Iterator[Rewrite]:
    """A transaction that is committed at its end."""
    with ledger.committing():
        ledger.connection.execute("begin")
        try:
            yield Rewrite(ledger, source)
            ledger.commit(source)
        except BaseException:
            ledger.connection.execute("rollback")
            raise
        ledger.finish_renames()
