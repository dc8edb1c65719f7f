"""Persons who were erased: how they are recognised in text, and what stands in their place.

Persons are known by keyed hashes of their identifiers, so that a home recognises them without naming them. The key is a
file of the lake; who has it can test whether somebody was erased, and nobody else can.

A token compares with other tokens as the spellings that it replaces compare with each other, exactly and ignoring case.
All that depends on whether two values are equal stays as it was: keys of records, versions, distinct counts, windows.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import duckdb
import pyarrow as pa
from duckdb.sqltypes import DuckDBPyType
from jinja2 import Template

from touchstone.landing.records import key_of, literal, quoted, values_of
from touchstone.landing.shapes import children
from touchstone.landing.streams import Stream
from touchstone.settings import PROJECT

SCHEMA = """
-- Grain: one identifier of a person who was erased, as a keyed hash of its kind and normalised text.
-- It is looked for among texts of this kind and `length` alone.
create table if not exists erased (
    person varchar primary key,
    kind varchar not null,
    length integer not null,
    erased_at timestamp not null,
    is_done boolean not null
);
-- Grain: one source whose records of before a date are pseudonymised.
create table if not exists pseudonymised (
    source varchar primary key,
    before date not null
);
"""

# Shorter identifiers can't be told from other text.
_SHORTEST = 6
_DIGITS, _LETTERS = "0123456789abcdef", "abcdefghijklmnop"
_TOKEN = "erased-[a-pA-P]{24}"
# Escapes of JSON and URLs that would look like the first letters of what follows them; not those of what an address may
# have, such as %2B for +.
_ESCAPES = r"\\u[0-9A-Fa-f]{4}|\\.|%(?:2[025689C-Fc-f]|4[1-9A-Fa-f]|[013567][0-9A-Fa-f])"
_IN_MAIL = r"[A-Za-z0-9._+'!#$*~^-]|%2[1347ABab]|%[89A-Fa-f][0-9A-Fa-f]|[^\x00-\x7f]"
_MAIL = _ESCAPES + rf"|(?:{_IN_MAIL})+(?:@|%40)[A-Za-z0-9.-]*[A-Za-z0-9]"
_PHONE = r"[+]?[0-9(][0-9 ()./-]{4,}[0-9]"
_WIDE = r"""[^\s\x01"'<>,;\\{}\[\]()&=?#%]+"""
_NARROW = _ESCAPES + r"|[A-Za-z0-9_](?:[A-Za-z0-9_.~-]*[A-Za-z0-9_])?"
_BEFORE_MAIL = "'.!#$*~^-"
# The patterns of texts that may be an identifier, by kind. Python and DuckDB read them alike. A text as a whole may be
# one too.
_PATTERNS = {"mail": (_WIDE, _MAIL), "phone": (_PHONE,), "id": (_WIDE, _NARROW)}
_PIECE = 10_000  # records that are replaced at a time


class CannotErase(Exception):
    """Nobody was erased; the message has the reason and the remedy."""


class ErasureUnfinished(Exception):
    """Persons were erased, but not from everywhere, or the key by which they are recognised is gone."""


@dataclass(frozen=True)
class Person:
    """An identifier: its kind (mail, phone or id) and its normalised text."""

    kind: str
    text: str

    @property
    def part(self) -> Callable[[str], object]:
        """Whether a text in lower case has the parts of the identifier that are in all of its spellings."""
        if self.kind == "phone":
            return re.compile("[ ()./-]*".join(self.text)).search
        # other characters may be escaped
        halves = self.text.lower().split("@")
        parts = [max(re.findall("[a-z0-9._-]+", half), key=len, default="") for half in halves]
        return lambda text: all(part in text for part in parts)

    @classmethod
    def named(cls, name: str) -> Person:
        """The identifier of this spelling. Raises CannotErase for one that can't be told from other text."""
        name = name.strip()
        if re.fullmatch(r"[^@\s]+@[^@\s]+", name):
            return cls("mail", _normal_mail(name))
        digits = _normal_phone(name)
        if re.fullmatch(_PHONE, name) and not name.isdigit() and 7 <= len(digits) <= 15:
            return cls("phone", digits)
        if len(name) < _SHORTEST:
            raise CannotErase(
                f"an identifier of {len(name)} characters can't be told from other text: give a mail address, a phone "
                f"number as +15551234567, or a user or endpoint id of at least {_SHORTEST} characters"
            )
        return cls("id", name)


class Persons:
    """The erased persons of a home: `text` replaces them in a text, `erase` in the records of a table."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        secret: str,
        dimensions: Sequence[str] = (),
        parts: Sequence[Callable[[str], object]] | None = None,
    ) -> None:
        """`dimensions`: as in `create_tokens`. `parts`: one of these holds for every text that names a person, in lower
        case; None if that isn't known.
        """
        self._sql = connection
        self._secret = secret
        self._dimensions = dimensions
        self._parts = parts
        rows = connection.execute("select person, kind, length from erased").fetchall()
        self._known = {person for person, _, _ in rows}
        self._kinds = {kind for _, kind, _ in rows}
        self._lengths = {length for _, _, length in rows}
        self._compiled = [(kind, re.compile(pattern)) for kind in sorted(self._kinds) for pattern in _PATTERNS[kind]]

    @classmethod
    def of(cls, connection: duckdb.DuckDBPyConnection, folder: Path, dimensions: Sequence[str] = ()) -> Persons | None:
        """The erased persons of a home, or None if there are none. Raises ErasureUnfinished."""
        row = connection.execute("select bool_and(is_done) from erased").fetchone()
        if row is None or row[0] is None:
            return None
        if not row[0]:
            raise ErasureUnfinished("an erasure of persons was cut off: run `make erase`, which finishes it")
        return cls(connection, read_key(folder), dimensions)

    @classmethod
    def add(
        cls,
        connection: duckdb.DuckDBPyConnection,
        folder: Path,
        persons: Sequence[Person],
        dimensions: Sequence[str] = (),
    ) -> Persons:
        """Add persons to those of the home, whose key is made for the first, and return all.

        Raises ErasureUnfinished if the key is gone.
        """
        secret = make_key(connection, folder)
        is_first = connection.execute("from erased where not is_done").fetchone() is None
        for person in persons:
            connection.execute(
                "insert or replace into erased values (?, ?, ?, ?, false)",
                [
                    _hashed(secret, person.kind, person.text),
                    person.kind,
                    len(person.text),
                    datetime.now(UTC).replace(tzinfo=None),
                ],
            )
        return cls(connection, secret, dimensions, [person.part for person in persons] if is_first else None)

    def text(self, text: str) -> str:
        """The text with tokens in the place of persons; JSON stays JSON."""
        if not self._may_name(text):
            return text
        lines = text.splitlines(keepends=True)
        replaced = "".join(self._replaced(line) if self._may_name(line) else line for line in lines)
        if "\\u" in text and (document := _json_of(text)) and (inside := self._json(document)) != document:
            return json.dumps(inside, ensure_ascii=False, separators=(",", ":"))
        if replaced != text and (document := _json_of(text)) and _json_of(replaced) is None:
            # a number was a person
            return json.dumps(self._json(document), ensure_ascii=False, separators=(",", ":"))
        return replaced

    def erase(
        self, stream: Stream, table: str, row_id: str, others: Mapping[str, str], is_batch: bool = False
    ) -> str | None:
        """Create the table `replaced`: the rows of a table in which there are persons, without them, with `_old_key`.

        A record with a person in its declared columns loses what is `personal` too. `others` are columns beside those,
        with their types, in which persons are replaced. A record of a batch that names a person who was erased before
        is a person's too: a quarantined one that is valid now.
        Returns SQL of the values of `row_id` of the rows, or None if there are none.
        """
        named = [(quoted(name), type_) for name, type_ in stream.types.items()]
        beside = [(quoted(name), duckdb.sqltype(type_)) for name, type_ in others.items()]
        self._sql.execute(
            f"""
            create or replace temp table rows_of_persons as
            select row_id, bool_or(is_declared) as is_declared
            from (
                select row_id, true as is_declared from ({self._found(table, row_id, named, is_batch)})
                union all
                select row_id, false from ({self._found(table, row_id, beside, False)})
            )
            group by row_id
            """
        )
        if self._sql.execute("from rows_of_persons limit 1").fetchone() is None:
            return None
        columns = ", ".join(
            f"cast({quoted(name)} as {type_}) as {quoted(name)}" for name, type_ in stream.columns.items()
        )
        self._sql.execute(
            f"create or replace temp table replaced as select * replace ({columns}), _key as _old_key, "
            f"false as _is_declared from {table} limit 0"
        )
        found = self._sql.sql(
            f"select rows.*, _key as _old_key, is_declared as _is_declared from {table} as rows "
            f"inner join rows_of_persons on rows.{row_id} = row_id"
        )
        # all are read before any is written: a connection has one result at a time
        for batch in [*found.to_arrow_reader(_PIECE)]:
            rows = [{name: self._value(value) for name, value in row.items()} for row in batch.to_pylist()]
            self._sql.register("replaced_arrow", pa.Table.from_pylist(rows, schema=batch.schema))
            self._sql.execute("insert into replaced by name from replaced_arrow")
            self._sql.unregister("replaced_arrow")
        create_tokens(self._sql, self._secret, self._dimensions)
        less = ", ".join(
            f"cast(case when _is_declared then {left} else {quoted(column)} end as {stream.columns[column]}) "
            f"as {quoted(column)}"
            for column, left in stream.personal.items()
        )
        self._sql.execute(
            f"""
            create or replace temp table replaced as
            with impersonal as (
                select * {f"replace ({less})" if less else ""} from replaced
            ),
            listed as (
                select *, {values_of(stream)} as _record from impersonal
            )
            select
                * exclude (_record)
                replace (case when _is_declared and _key is not null then {key_of(stream)} else _key end as _key)
            from listed
            """
        )
        return "select row_id from rows_of_persons"

    def _found(self, table: str, row_id: str, columns: Iterable[tuple[str, DuckDBPyType]], with_tokens: bool) -> str:
        """SQL of the rows in whose columns there are persons."""
        lists = ", ".join(["[]::varchar[]", *(texts for name, type_ in columns for texts in _texts(name, type_))])
        # `try` evaluates rows one by one, slowly
        decoded = "case when contains(c, '%') then coalesce(try(url_decode(c)), c) else c end"
        # pairs of a list of texts and what each is, normalised
        candidates = {
            "mail": [
                ("mails", "lower(trim(c, ' '))"),
                (_extracted("mails", _WIDE), "lower(c)"),
                (_extracted("mails", _MAIL), f"ltrim(lower({decoded}), {literal(_BEFORE_MAIL)})"),
            ],
            "phone": [(_extracted("texts", _PHONE), "regexp_replace(regexp_replace(c, '[^0-9]', '', 'g'), '^00', '')")],
            "id": [
                ("texts", "trim(c, ' ')"),
                (_extracted("texts", _WIDE), "c"),
                (_extracted("texts", _NARROW), "c"),
            ],
        }
        found = [
            f"list_filter(list_transform({source}, lambda c: '{kind}:' || {normal}), "
            f"lambda c: len(c) - {len(kind) + 1} in ({', '.join(map(str, sorted(self._lengths)))}))"
            for kind in sorted(self._kinds)
            for source, normal in candidates[kind]
        ]
        if with_tokens:
            found.append(f"case when regexp_matches(array_to_string(texts, chr(1)), '{_TOKEN}') then ['token'] end")
        return f"""
        select row_id
        from (
            select row_id, unnest(flatten([{", ".join(found)}])) as candidate
            from (
                select {row_id} as row_id, list_filter(flatten([{lists}]), lambda t: t <> '') as texts,
                    list_filter(texts, lambda t: contains(t, '@') or contains(t, '%40')) as mails
                from {table}
            )
        )
        where candidate = 'token' or sha256({literal(self._secret)} || candidate) in (select person from erased)
        """

    def _value(self, value: Any) -> Any:
        """A value of a column without persons, of the same type."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {name: self._value(inner) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(map(self._value, value))
        return value

    def _json(self, value: Any) -> Any:
        """A value of JSON without persons, which may be names and numbers too."""
        if isinstance(value, dict):
            return {self._replaced(name): self._json(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._json(item) for item in value]
        if value is None or isinstance(value, bool):
            return value
        replaced = self._replaced(str(value))
        return value if replaced == str(value) else replaced

    def _may_name(self, text: str) -> bool:
        if self._parts is None:
            return True
        lower = text.lower()
        return any(has_part(lower) for has_part in self._parts)

    def _replaced(self, text: str) -> str:
        whole = text.strip(" ")
        for kind in self._kinds - {"phone"}:
            if self._is_known(kind, _normal(kind, whole)):
                return text.replace(whole, self._token(kind, whole))
        for kind, pattern in self._compiled:
            text = pattern.sub(lambda match, kind=kind: self._of_match(kind, match[0]), text)  # type: ignore[misc]
        return text

    def _of_match(self, kind: str, match: str) -> str:
        if len(match) not in self._lengths if kind == "id" else kind == "mail" and not re.search("@|%40", match):
            return match
        core = match.lstrip(_BEFORE_MAIL) if kind == "mail" else match
        if self._is_known(kind, _normal(kind, core)):
            return match[: len(match) - len(core)] + self._token(kind, core)
        return match

    def _is_known(self, kind: str, normal: str) -> bool:
        return len(normal) in self._lengths and _hashed(self._secret, kind, normal) in self._known

    def _token(self, kind: str, spelling: str) -> str:
        """A token whose letters are in the cases that the spelling chooses, so that it is equal to other tokens exactly
        where the spellings are, and in lower case where they are in lower case.
        """
        local, at, domain = spelling, "", ""
        if kind == "mail" and (found := re.fullmatch("(.+)(@|%40)(.*)", spelling)):
            local, at, domain = found.groups()
        letters = _hashed(self._secret, "token", spelling.lower()).translate(str.maketrans(_DIGITS, _LETTERS))[:24]
        if local != local.lower():
            upper = int(_hashed(self._secret, "spelling", spelling), 16)
            letters = "".join(c.upper() if upper >> place & 1 else c for place, c in enumerate(letters))
        return f"erased-{letters}{at}{domain}"


def _normal(kind: str, text: str) -> str:
    match kind:
        case "mail":
            return _normal_mail(text)
        case "phone":
            return _normal_phone(text)
    return text


def _normal_mail(text: str) -> str:
    return unquote(text).lower().lstrip(_BEFORE_MAIL)


def _normal_phone(text: str) -> str:
    return re.sub("[^0-9]", "", text).removeprefix("00")


@lru_cache(100_000)
def _hashed(secret: str, kind: str, text: str) -> str:
    return hashlib.sha256(f"{secret}{kind}:{text}".encode()).hexdigest()


def _extracted(texts: str, pattern: str) -> str:
    return f"regexp_extract_all(array_to_string({texts}, chr(1)), {literal(pattern)})"


def make_key(connection: duckdb.DuckDBPyConnection, folder: Path) -> str:
    """The home's key, which is made for the first token. Raises ErasureUnfinished if it is gone."""
    file = folder / "persons.key"
    tokens = "select source from pseudonymised union all select person from erased limit 1"
    if not file.exists() and connection.execute(tokens).fetchone() is None:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as written:
            written.write(secrets.token_hex(32))
            written.flush()
            os.fsync(descriptor)
    return read_key(folder)


def read_key(folder: Path) -> str:
    file = folder / "persons.key"
    try:
        return file.read_text()
    except FileNotFoundError:
        raise ErasureUnfinished(
            f"{file} is gone, by which the home recognises persons that tokens stand for: put it back from a backup. "
            "Without it their records would count again"
        ) from None


def _json_of(text: str) -> Any:
    """The object or list in a text; None if there is none, or nothing in it."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return json.loads(text) or None
    except (ValueError, RecursionError):
        return None


def _texts(value: str, type_: DuckDBPyType, depth: int = 0) -> Iterator[str]:
    """SQL of lists of the texts in a value."""
    item = f"i{depth}"
    if type_.id == "struct":
        for name, child in children(type_):
            yield from _texts(f"{value}.{quoted(name)}", child, depth)
    elif type_.id == "list":
        if inner := [*_texts(item, children(type_)[0][1], depth + 1)]:
            yield f"flatten(list_transform({value}, lambda {item}: flatten([{', '.join(inner)}])))"
    elif type_.id == "map":
        (_, key), (_, inner_type) = children(type_)
        inner = [*_texts(f"{item}.key", key, depth + 1), *_texts(f'{item}."value"', inner_type, depth + 1)]
        yield f"flatten(list_transform(map_entries({value}), lambda {item}: flatten([{', '.join(inner)}])))"
    elif str(type_) in ("VARCHAR", "JSON"):
        yield f"[cast({value} as varchar)]"


def create_tokens(
    connection: duckdb.DuckDBPyConnection, secret: str, dimensions: Sequence[str] = (), kind: str = "temp macro"
) -> None:
    """Create the macros of tokens, by which expressions of a stream's `persons` and `personal` are written.

    `hidden` is the token of a text, `person` that of an identifier, as `Persons` makes it, and `link` is an address of
    the web with hidden parameters, and a hidden path if it has a mail address. `network` is the first three numbers of
    an IPv4 address, and `address` the same with the token of the whole. `answer_words` is what stays of a mail server's
    answer, and `user_dimensions` of the variables of a user: the texts of those that are `dimensions`. All leave what
    they made as it is.
    """
    words, variable = (_macro("answer_words"), _macro("user_variable"))
    kept = ", ".join(f"{literal(name)}, {variable('stated', name)}" for name in dimensions)
    macros = _TOKENS | {
        "answer_words(stated)": words("stated"),
        "user_dimensions(stated)": f"json_object({kept})" if dimensions else "cast(null as json)",
    }
    for name, sql in macros.items():
        connection.execute(f"create or replace {kind} {name} as {sql.replace('$secret', secret)}")


def _macro(name: str) -> Callable[..., str]:
    """A macro of dbt's project that asks for nothing of dbt."""
    text = (PROJECT / "macros" / "email" / f"{name}.sql").read_text()
    macro: Callable[..., str] = getattr(Template(text).module, name)
    return macro


# A macro's arguments are evaluated wherever they stand; those of a lambda once.
_TOKENS = {
    "letters(text)": f"translate(left(sha256('$secret' || text), 24), '{_DIGITS}', '{_LETTERS}')",
    "hidden(stated)": f"""
        case
            when stated = '' or regexp_full_match(stated, '{_TOKEN}') then stated
            else 'erased-' || letters('hidden:' || stated)
        end
    """,
    "network(stated)": """
        nullif(regexp_replace(stated, '^(?:([0-9]+[.][0-9]+[.][0-9]+[.])[0-9]+|.*)$', '\\1'), '') || '0'
    """,
    "address(stated)": f"""
        case
            when coalesce(stated, '') = '' or regexp_matches(stated, '{_TOKEN}') then stated
            else concat_ws(' ', network(stated), hidden(stated))
        end
    """,
    "in_cases(lower_letters, upper_bits)": """
        list_transform([{'l': lower_letters, 'u': upper_bits}], lambda s: array_to_string(list_transform(
            range(24), lambda i: chr(ascii(s.l[i + 1]) - cast(32 * (s.u >> i & 1) as integer))
        ), ''))[1]
    """,
    "token(spelled, domain)": """
        'erased-' || case
            when starts_with(spelled, lower(left(spelled, length(spelled) - length(domain))))
                then letters('token:' || lower(spelled))
            else in_cases(
                letters('token:' || lower(spelled)),
                cast('0x' || right(sha256('$secret' || 'spelling:' || spelled), 6) as integer)
            )
        end || domain
    """,
    # none is what staging models write where there is nobody
    "person(stated)": f"""
        case
            when trim(stated, ' ') in ('', 'none') or regexp_matches(stated, '{_TOKEN}') then stated
            else replace(
                stated,
                trim(stated, ' '),
                token(trim(stated, ' '), regexp_extract(trim(stated, ' '), '^(.+)(@[^@]*)$', 2))
            )
        end
    """,
    "link(stated)": """
        list_transform(
            [split_part(stated, '?', 1)],
            lambda page: case when regexp_matches(page, '@|%40') then hidden(page) else page end
                || case when length(page) < length(stated) then '?' || hidden(substr(stated, length(page) + 2)) else ''
                end
        )[1]
    """,
}
