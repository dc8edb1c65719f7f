"""Names beside ids: each id has one row, with its newest name, whatever was renamed, deleted, refused or killed."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import boto3
import duckdb
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from moto import mock_aws

from touchstone.definitions import definitions_of
from touchstone.fetching import sources, switched_on
from touchstone.fetching.fetch import Fetch, fetch, findings, holes_of
from touchstone.fetching.names import Name, create_table, merged, read_names, take_over
from touchstone.fetching.source import FetchFailed, Lister, Listing, Named, Source
from touchstone.home import own_seeds
from touchstone.plan import fingerprint
from touchstone.settings import load_settings

from .alexa_api import CLIENT_SECRET, REFRESH_TOKEN, AlexaServer, amazon, fetching
from .commands import run
from .conftest import TestHome
from .servers import s3_server
from .test_fetching import holding

NIGHT = datetime(2026, 3, 1, 2, tzinfo=UTC)
ACCOUNT = "123456789012"  # moto's
ODD = ['a, "b"', "two\nlines\r\n\rof it", "Büro \u2028 東京", "=1+1", " ", "\\", '["a"]', "null", "half \ud800", "';--"]


def night(number: int) -> datetime:
    return NIGHT + timedelta(days=number)


def after(known: Collection[Name], number: int, **listed: Mapping[str, str]) -> dict[str, Name]:
    """What is known after a night that listed places, each as names by id."""
    places = {place: [Named("queue", id_, name) for id_, name in names.items()] for place, names in listed.items()}
    return {name.id: name for name in merged(known, places, night(number))}


# What is known of an id.


def test_an_id_has_its_newest_name_and_the_ones_before() -> None:
    known = after([], 0, here={"q": "Sales"})
    assert known["q"] == Name("queue", "q", "Sales", "", (), night(0), None, ("here",))
    for number, name in enumerate(["Orders", "Support", "Orders", "", "Orders"], 1):
        known = after(known.values(), number, here={"q": name})
    assert (known["q"].name, known["q"].earlier_names) == ("Orders", ("Sales", "Support"))
    assert known["q"].first_seen_at == night(0)


def test_an_id_that_is_gone_stays_and_may_come_back() -> None:
    known = after(after([], 0, here={"q": "Sales", "r": "Other"}).values(), 1, here={"r": "Other"})
    assert (known["q"].name, known["q"].deleted_at, known["r"].deleted_at) == ("Sales", night(1), None)
    known = after(known.values(), 2, here={})
    assert (known["q"].deleted_at, known["r"].deleted_at) == (night(1), night(2))
    known = after(known.values(), 3, here={"q": "Orders"})
    assert (known["q"].deleted_at, known["q"].earlier_names) == (None, ("Sales",))


def test_only_what_was_listed_whole_says_that_an_id_is_gone() -> None:
    known = after([], 0, one={"q": "Sales"}, two={"q": "Sales", "r": "Other"})
    known = after(known.values(), 1, one={})
    assert [known[id_].deleted_at for id_ in "qr"] == [None, None], "the other place has them"
    known = after(known.values(), 2, three={})
    assert [known[id_].deleted_at for id_ in "qr"] == [None, None], "another account says nothing of this one"
    assert after(known.values(), 3, two={})["q"].deleted_at == night(3)
    own = Name("person", "p", "Mine")
    assert {name.key: name for name in merged([own], {"here": []}, NIGHT)}[own.key] == own


def test_random_nights_against_a_second_account_of_them(home: TestHome) -> None:
    """Ids move, are renamed, and go; some places are not listed; the file is read and written each night."""
    chance = random.Random(1)
    there: dict[str, dict[str, str]] = {place: {} for place in "abc"}
    seen: dict[str, dict[str, str]] = {place: {} for place in "abc"}
    last: dict[str, str] = {}
    ever: dict[str, list[str]] = {}
    for number in range(60):
        for names in there.values():
            for id_ in [id_ for id_ in names if chance.random() < 0.2]:
                del names[id_]
            names.update((f"q{chance.randrange(6)}", chance.choice(ODD)) for _ in range(chance.randrange(3)))
        listed = {place: dict(names) for place, names in there.items() if chance.random() < 0.7}
        for place, names in sorted(listed.items()):
            seen[place] = names
            for id_, name in names.items():
                last[id_] = name.replace("\ud800", "?")
                ever.setdefault(id_, []).append(last[id_])
        shown = {place: [Named("queue", *pair) for pair in listed[place].items()] for place in sorted(listed)}
        take_over(home.settings, shown, night(number))
        rows = {name.id: name for name in read_names(home.settings)}
        assert {id_: row.name for id_, row in rows.items()} == last
        assert {id_ for id_, row in rows.items() if not row.deleted_at} == {
            id_ for names in seen.values() for id_ in names
        }
        assert all({row.name, *row.earlier_names} == {*ever[id_]} for id_, row in rows.items())


# The file.


def test_a_file_has_every_name_as_it_was_given_and_is_written_only_when_something_changed(home: TestHome) -> None:
    listed = {"ses eu-west-1": [Named("queue", f"q{number}", name, "1") for number, name in enumerate(ODD)]}
    take_over(home.settings, listed, NIGHT)
    written = home.settings.names.stat()
    assert [row.name for row in read_names(home.settings)] == [name.replace("\ud800", "?") for name in ODD]
    take_over(home.settings, listed, night(1))
    assert home.settings.names.stat() == written
    with duckdb.connect() as connection:
        create_table(connection, read_names(home.settings))
        rows = connection.execute("select id, name, account_id, earlier_names, first_seen_at from names").fetchall()
    at = NIGHT.replace(tzinfo=None)
    assert rows == [(f"q{n}", name.replace("\ud800", "?"), "1", None, at) for n, name in enumerate(ODD)]


class Killed(BaseException):
    """What a kill leaves behind."""


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_kill_leaves_the_file_as_it_was(home: TestHome, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    take_over(home.settings, {"here": [Named("queue", "q", "Sales")]}, NIGHT)
    before = home.settings.names.read_bytes()

    def killed(*_: Any) -> None:
        raise Killed

    monkeypatch.setattr(os, step, killed)
    with suppress(Killed):
        take_over(home.settings, {"here": []}, night(1))
    monkeypatch.undo()
    assert home.settings.names.read_bytes() == before
    assert [*home.settings.names.parent.iterdir()] == [home.settings.names], "a seed that nothing knows ends commands"
    take_over(home.settings, {"here": []}, night(2))
    assert [row.deleted_at for row in read_names(home.settings)] == [night(2)]


def test_a_file_by_hand_needs_three_columns(home: TestHome) -> None:
    home.settings.names.parent.mkdir()
    home.settings.names.write_text("\ufeffid,kind,name\r\nteam,subaccount,Hunters\r\n")
    assert read_names(home.settings) == [Name("subaccount", "team", "Hunters")]
    take_over(home.settings, {"here": [Named("queue", "q", "Sales")]}, NIGHT)
    assert [row.name for row in read_names(home.settings)] == ["Sales", "Hunters"]
    assert own_seeds(home.settings) == {}


WRONG = {
    "id,kind,name,colour\nq,queue,hunter2,red\n": (2, "it has columns other than kind, id, name"),
    "id;kind;name\nq;queue;hunter2\n": (2, "it has columns other than"),
    "id,kind,name\nr,queue,\nq,queue,hunter2,4\n": (3, "it has columns other than"),
    "id,kind,name\n,queue,hunter2\n": (2, "it lacks id, or has another kind of value there"),
    "id,kind,name,deleted_at\nq,queue,hunter2,yesterday\n": (2, "it lacks deleted_at, or has another kind"),
    "id,kind,earlier_names\nq,queue,hunter2\n": (2, "it lacks earlier_names, or has another kind"),
    "id,kind,earlier_names\nq,queue,[1]\n": (2, "it lacks earlier_names, or has another kind"),
    "id,kind,name\nq,queue,A\nq,queue,hunter2\n": (3, "it has an id of an earlier line again"),
    'id,kind,name\nq,queue,"hunter2\n': (2, "a quote in it isn't doubled, or has no end"),
    "id,kind,name\nq,queue,\udcffhunter2\n": (2, "it isn't UTF-8"),
}


@pytest.mark.parametrize(("text", "line", "said"), [(text, *found) for text, found in WRONG.items()])
def test_a_file_that_is_wrong_is_named_with_its_line_and_left_alone(
    home: TestHome, text: str, line: int, said: str
) -> None:
    home.settings.names.parent.mkdir()
    home.settings.names.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(FetchFailed) as error:
        take_over(home.settings, {"here": [Named("queue", "q", "Sales")]}, NIGHT)
    assert f"names.csv, line {line}: {said}" in str(error.value) and "correct it, take the" in str(error.value)
    assert "hunter" not in str(error.value)
    assert home.settings.names.read_bytes() == text.encode(errors="surrogateescape")
    with home.ledger() as ledger:
        assert [*findings(home.settings, ledger)] == [("Not read", str(error.value))]


def test_a_name_changes_no_fingerprint(home: TestHome) -> None:
    before = fingerprint(home.settings)
    take_over(home.settings, {"here": [Named("queue", "q", "Sales")]}, NIGHT)
    assert fingerprint(home.settings) == before


# Sources.


class Listed(Lister):
    def __init__(self, said: str, ids: Collection[str] | None) -> None:
        self._said, self._ids = said, ids

    def names(self) -> dict[str, list[Named]]:
        self.calls += 2
        if self._ids is None:
            raise FetchFailed("the vendor is away")
        return {self._said: [Named("queue", id_, f"{id_} of {self._said}") for id_ in self._ids]}


def listed(home: TestHome, **places: Collection[str] | None) -> list[Fetch]:
    """What a night fetched of a source, with the ids of each place, or None where the vendor fails."""
    scopes = [Listing(place, partial(Listed, place, ids)) for place, ids in places.items()]
    source = Source("made_up", "ses/names", "SES", "", (), lambda settings: scopes)
    return fetch(source, home.settings, home.ledger, lambda text: None)


def test_a_scope_that_fails_leaves_its_names_as_they_are_and_the_others_go_on(home: TestHome) -> None:
    assert [done.failure for done in listed(home, one=["a"], two=["b", "c"])] == ["", ""]
    one, two = listed(home, one=None, two=["c"])
    assert (one.failure, one.calls) == ("made_up one: the vendor is away", 2)
    assert (two.failure, two.calls, two.records) == ("", 2, 1)
    assert [bool(row.deleted_at) for row in read_names(home.settings)] == [False, True, False]
    with home.ledger() as ledger:
        assert ledger.fetched.failures() == {("made_up", "one"): one.failure}
        assert [(total.scope, total.calls, total.records) for total in ledger.fetched.totals()] == [
            ("one", 2, 1),
            ("two", 2, 1),
        ], "a row for each scope, of the last listing"
    listed(home, one=["a"])
    with home.ledger() as ledger:
        assert ledger.fetched.failures() == {}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"AWS_{name}", "test")
    with mock_aws():
        yield


def fetched(home: TestHome, name: str, *regions: str) -> list[Fetch]:
    settings = load_settings(home=home.settings.home, fetch=[name], aws_regions=[*regions])
    return fetch(sources()[name], settings, home.ledger, lambda text: None)


def rows(home: TestHome, *columns: str) -> list[tuple[Any, ...]]:
    return [tuple(getattr(row, column) for column in columns) for row in read_names(home.settings)]


def test_configuration_sets_of_all_regions_are_one_row_for_an_account(home: TestHome, aws: None) -> None:
    boto3.client("iam").create_account_alias(AccountAlias="acme")
    west, east = (boto3.client("sesv2", region_name=region) for region in ("eu-west-1", "us-east-1"))
    for client, name in ((west, "main"), (east, "main"), (east, "news")):
        client.create_configuration_set(ConfigurationSetName=name)
    assert [done.failure for done in fetched(home, "ses_names", "eu-west-1", "us-east-1")] == ["", ""]
    assert rows(home, "kind", "account_id", "id", "name") == [
        ("account", "", ACCOUNT, "acme"),
        ("configuration_set", ACCOUNT, "main", "main"),
        ("configuration_set", ACCOUNT, "news", "news"),
    ]
    east.delete_configuration_set(ConfigurationSetName="main")
    east.delete_configuration_set(ConfigurationSetName="news")
    (done, _) = fetched(home, "ses_names", "eu-west-1", "us-east-1")
    assert [at is None for (at,) in rows(home, "deleted_at")] == [True, True, False]
    assert done.calls == 3


Lists = dict[str, tuple[str, Any]]


@pytest.fixture
def lists(aws: None, monkeypatch: pytest.MonkeyPatch) -> Lists:
    """What AWS lists, by operation: the name of the items, and these, each on a page of its own; or an error."""
    instances = [
        {"Id": "i", "InstanceAlias": "acme", "InstanceStatus": "ACTIVE"},
        {"Id": "j", "InstanceStatus": "CREATION_FAILED"},
    ]
    queues = [{"Id": "q", "Name": "Sales", "QueueType": "STANDARD"}, {"Id": "r"}]
    found: Lists = {
        "ListConfigurationSets": ("ConfigurationSets", ["main", "news", "other"]),
        "ListInstances": ("InstanceSummaryList", instances),
        "ListQueues": ("QueueSummaryList", queues),
        "ListContactFlows": ("ContactFlowSummaryList", [{"Id": "f", "Name": "Greeting"}]),
    }
    call = BaseClient._make_api_call  # type: ignore[attr-defined]

    def answered(client: Any, operation: str, asked: Any) -> Any:
        if operation not in found:
            return call(client, operation, asked)
        name, items = found[operation]
        if isinstance(items, Exception):
            raise items
        assert operation != "ListQueues" or asked["QueueTypes"] == ["STANDARD"]
        assert asked.get("InstanceId", "i") == "i", "only an active instance can be asked"
        at = int(asked.get("NextToken", 0))
        return {name: items[at : at + 1], **({"NextToken": str(at + 1)} if at + 1 < len(items) else {})}

    monkeypatch.setattr(BaseClient, "_make_api_call", answered)
    return found


def test_configuration_sets_of_many_pages_are_had(home: TestHome, lists: Lists) -> None:
    fetched(home, "ses_names", "eu-west-1")
    assert rows(home, "id") == [(ACCOUNT,), ("main",), ("news",), ("other",)]


def test_queues_and_flows_of_instances_that_are_there_are_listed(home: TestHome, lists: Lists) -> None:
    (done,) = fetched(home, "connect_names", "eu-west-1")
    assert done.failure == ""
    assert rows(home, "kind", "id", "name") == [
        ("account", ACCOUNT, ""),
        ("flow", "f", "Greeting"),
        ("instance", "i", "acme"),
        ("instance", "j", ""),
        ("queue", "q", "Sales"),
        ("queue", "r", ""),
    ]


def test_one_list_that_is_refused_deletes_nothing_of_its_region(home: TestHome, lists: Lists) -> None:
    fetched(home, "connect_names", "eu-west-1")
    before = home.settings.names.read_bytes()
    refused = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "user/hunter2"}}, "ListContactFlows")
    lists |= {"ListQueues": ("QueueSummaryList", []), "ListContactFlows": ("", refused)}
    (done,) = fetched(home, "connect_names", "eu-west-1")
    said = "AWS refuses a call in eu-west-1 (AccessDeniedException); docs/fetching.md has its rights"
    assert done.failure == f"connect_names eu-west-1: {said}"
    assert home.settings.names.read_bytes() == before


@pytest.fixture
def api(waits: list[float]) -> Iterator[AlexaServer]:
    """Two vendors: one with three entries of two skills, a page each, and one without any."""
    with amazon() as server:
        server.page = 1
        server.vendors = {"M1": "Acme", "M2": "Bolt"}
        server.skills = {
            "M1": [
                entry("s1", "development", {"en-US": "Pizza, next"}),
                entry("s1", "live", {"de-DE": "Pizza", "en-US": "Pizza!", "fr-FR": "Pizza?"}),
                entry("s2", "development", {"ja-JP": "ピザ", "de-DE": "Zweite"}),
            ],
            "M2": [],
        }
        yield server


def entry(skill: str, stage: str, names: dict[str, str]) -> dict[str, Any]:
    return {"skillId": skill, "stage": stage, "nameByLocale": names, "asin": "", "publicationStatus": "DEVELOPMENT"}


def skills(home: TestHome, api: AlexaServer, **others: Any) -> Fetch:
    settings = fetching(api, **{"fetch": ["alexa_names"], "alexa_skills": [], **others})
    assert [source.name for source in switched_on(settings)] == ["alexa_names"]
    (done,) = fetch(sources()["alexa_names"], settings, home.ledger, lambda text: None)
    return done


def test_a_skill_has_the_name_of_its_live_stage_in_the_first_locale(home: TestHome, api: AlexaServer) -> None:
    done = skills(home, api)
    assert (done.failure, done.calls, done.records) == ("", 1 + 3 + 1, 4)
    assert rows(home, "kind", "id", "name") == [
        ("skill", "s1", "Pizza!"),
        ("skill", "s2", "Zweite"),
        ("vendor", "M1", "Acme"),
        ("vendor", "M2", "Bolt"),
    ]
    skills(home, api, alexa_locales=["ja-JP", "fr-FR"])
    assert rows(home, "name", "earlier_names")[:2] == [("Pizza?", ("Pizza!",)), ("ピザ", ("Zweite",))]


def test_a_skill_that_moves_to_another_vendor_is_still_there(home: TestHome, api: AlexaServer) -> None:
    skills(home, api)
    api.skills["M2"].append(api.skills["M1"].pop())
    api.skills["M1"] = []
    skills(home, api)
    assert [(row.id, row.deleted_at is None) for row in read_names(home.settings)][:2] == [("s1", False), ("s2", True)]
    del api.vendors["M2"]  # the login is no longer one of it
    skills(home, api)
    assert [(row.id, row.deleted_at is None) for row in read_names(home.settings)][:2] == [("s1", False), ("s2", True)]


@pytest.mark.parametrize("fault", ["429 seconds", "500", "cut", "html", "expire"])
def test_a_fault_that_passes_loses_no_name(home: TestHome, api: AlexaServer, fault: str) -> None:
    api.faults = ["", "", fault]
    assert skills(home, api).failure == ""
    assert len(read_names(home.settings)) == 4


@pytest.mark.parametrize(
    ("fault", "said"),
    [("500", "answers 500"), ("repeat pages", "its pages repeat"), ("refuse this token 403", "(403)")],
)
def test_a_fault_that_stays_deletes_no_name(home: TestHome, api: AlexaServer, fault: str, said: str) -> None:
    skills(home, api)
    before = home.settings.names.read_bytes()
    api.skills["M1"][0] = entry("s3", "live", {"en-US": "New"})
    api.faults = ["", "", "", *[fault] * 20]
    done = skills(home, api)
    assert said in done.failure
    assert home.settings.names.read_bytes() == before
    for secret in (CLIENT_SECRET, REFRESH_TOKEN, *api.tokens):
        assert secret not in done.failure and holding(home.settings.home, secret) == []


@pytest.mark.parametrize(
    "odd", [{"skillId": None}, {"skillId": 7}, {"nameByLocale": ["a"]}, {"stage": "live", "skillId": ""}]
)
def test_an_answer_that_is_odd_deletes_no_name(
    home: TestHome, api: AlexaServer, odd: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "problems", Ignored())
    skills(home, api)
    before = home.settings.names.read_bytes()
    api.skills["M1"][1] |= odd
    assert "see whether Amazon changed its API" in skills(home, api).failure
    assert home.settings.names.read_bytes() == before


class Ignored(list[str]):
    """What is against the description, on purpose."""

    def append(self, _: str) -> None:
        pass


def test_credentials_that_are_none_are_said(home: TestHome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "hunter2")
    for name in ("ses_names", "cloudwatch_metrics"):
        (done,) = fetched(home, name, "eu-west-1")
        assert "AWS can't be asked in eu-west-1 (ProfileNotFound)" in done.failure
        assert "hunter" not in done.failure


# Nights.


def test_a_release_comes_after_names(home: TestHome) -> None:
    settings = load_settings(fetch=["ses_names"], aws_regions=["eu-west-1"])
    graph = definitions_of(settings).resolve_asset_graph()
    (key,) = (key for key in graph.get_all_asset_keys() if key.path[-1] == "ses_names")
    assert {child.path[-1] for child in graph.get(key).child_keys} == {"published"}
    assert {check.name for check in graph.asset_check_keys if check.asset_key == key} == {"fetch_succeeded"}
    with home.ledger() as ledger:
        assert [*holes_of(sources()["ses_names"], settings, ledger)] == []


def send(number: int, configuration_set: str) -> dict[str, Any]:
    mail = {
        "timestamp": f"2026-03-0{number + 1}T10:00:00.000Z",
        "messageId": f"m{number}",
        "source": "news@example.com",
        "sendingAccountId": ACCOUNT,
        "destination": ["a@x.example"],
        "tags": {"ses:configuration-set": [configuration_set]},
    }
    return {"eventType": "Send", "mail": mail, "send": {}}


def published(home: TestHome, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(home.settings.published.resolve() / "touchstone.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


JOINED = """
select period_start::varchar, configuration_set, sum(send_count)::int, any_value(accounts.name), any_value(sets.name)
from ses_metrics_daily as marts
left join names as accounts on accounts.kind = 'account' and accounts.id = marts.account_id
left join names as sets
    on sets.kind = 'configuration_set' and sets.account_id = marts.account_id and sets.id = marts.configuration_set
group by all order by all
"""


def test_a_night_publishes_names_beside_the_marts(home: TestHome, monkeypatch: pytest.MonkeyPatch) -> None:
    assert home.manifest
    values = {
        "TOUCHSTONE_SYSTEMS": '["ses"]',
        "TOUCHSTONE_FETCH": '["ses_names"]',
        "TOUCHSTONE_AWS_REGIONS": '["eu-west-1"]',
        "COLUMNS": "200",
    }
    go = partial(run, home.settings.home, **values)
    with s3_server(monkeypatch):  # it is moto's, of all services
        boto3.client("iam", region_name="eu-west-1").create_account_alias(AccountAlias="acme")
        ses = boto3.client("sesv2", region_name="eu-west-1")
        ses.create_configuration_set(ConfigurationSetName="main")
        home.put("ses/events", "a.json.gz", [send(1, "main"), send(2, "old")])
        code, output = go()
        assert code == 0, output
        assert re.search(r"ses_names +eu-west-1 .* 3 +2\s", output), output
        assert published(home, JOINED) == [
            ("2026-03-02", "main", 1, "acme", "main"),
            ("2026-03-03", "old", 1, "acme", None),
        ]

        release = home.settings.published.resolve()
        code, output = go()
        assert code == 0 and home.settings.published.resolve() == release, "nothing has changed"

        boto3.client("iam", region_name="eu-west-1").delete_account_alias(AccountAlias="acme")
        boto3.client("iam", region_name="eu-west-1").create_account_alias(AccountAlias="acme-mail")
        ses.delete_configuration_set(ConfigurationSetName="main")
        code, output = go()
        assert code == 0 and home.settings.published.resolve() != release, output
        assert "built int_ses__events" not in output, "a name changes no number"
        assert published(home, JOINED)[0] == ("2026-03-02", "main", 1, "acme-mail", "main")
        columns = "name, earlier_names, deleted_at is not null"
        assert published(home, f"select {columns} from names where kind = 'account'") == [
            ("acme-mail", '["acme"]', False)
        ]
        assert published(home, f"select {columns} from names where id = 'main'") == [("main", None, True)]

        home.settings.names.write_text("kind;id;name\nqueue;hunter2;x\n")
        home.put("ses/events", "b.json.gz", [send(3, "main")])
        code, output = go()
        assert code == 0, "what has landed is published"
        assert "names.csv, line 2: it has columns other than" in output and "hunter" not in output
        assert [row[1:] for row in published(home, JOINED)] == [
            ("main", 1, "acme-mail", "main"),
            ("old", 1, "acme-mail", None),
            ("main", 1, "acme-mail", "main"),
        ], "names are those of the release before"
        assert go("doctor")[0] == 1
