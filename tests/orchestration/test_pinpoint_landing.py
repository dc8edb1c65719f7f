"""Landing of Pinpoint's extracts and of Connect's contact events: what reaches staging, and what is quarantined."""

from __future__ import annotations

import base64
import gzip
import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from touchstone.landing.land import Landed

from .conftest import TestHome, no_time_in
from .test_landing import lines, numbers

Record = dict[str, Any]

EVENTS = "pinpoint/events"
_AT = 1772438400000  # 2026-03-02 08:00 UTC
_JOURNEY = {"journey_id": "j", "journey_run_id": "r", "journey_activity_id": "x"}

_NOT_YET = "1970-01-01T00:00:00.001Z"
_NOTHING = "nothing in it shows a record of pinpoint/events, which has event_type and event_timestamp"


def event(kind: str, attributes: Record | None = None, **fields: Any) -> Record:
    return {
        "event_type": kind,
        "event_timestamp": _AT,
        "arrival_timestamp": _AT + 1800_250,
        "event_version": "3.1",
        "application": {"app_id": "a", "sdk": {}},
        "client": {"client_id": "e"},
        "attributes": {**_JOURNEY, **(attributes or {})},
        "awsAccountId": "1",
        **fields,
    }


def email(kind: str, message: str = "m", **fields: Any) -> Record:
    mail = {"message_id": message, "message_send_timestamp": _AT, "headers": [{"name": "From", "value": "a"}]}
    return event(kind, facets={"email_channel": {"mail_event": {"mail": mail, "click": {"link": "l"}}}}, **fields)


def lambda_records(*records: Record | str) -> Record:
    """What Firehose hands a Lambda function: each record in base64, with the newline that Pinpoint ends it with."""
    texts = [record if isinstance(record, str) else encoded(json.dumps(record) + "\n") for record in records]
    return {
        "invocationId": "i",
        "region": "r",
        "records": [{"recordId": str(n), "data": t} for n, t in enumerate(texts)],
    }


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def parquet(records: list[Record]) -> bytes:
    """As Firehose writes it by a table of the event stream: maps, structs of all kinds of events, small letters."""
    struct = pa.struct
    text = pa.string()
    texts = pa.map_(text, text)
    mail_event = struct(
        {
            "mail": struct({"message_id": text, "message_send_timestamp": pa.int64(), "destination": pa.list_(text)}),
            "click": struct({"link": text, "link_tags": texts}),
            "bounce": struct({"bounce_type": text, "bounced_recipients": pa.list_(struct({"email_address": text}))}),
        }
    )
    schema = pa.schema(
        {
            "event_type": text,
            "event_timestamp": pa.int64(),
            "arrival_timestamp": pa.int64(),
            "event_version": text,
            "application": struct({"app_id": text, "sdk": struct({"name": text})}),
            "client": struct({"client_id": text}),
            "device": struct({"platform": struct({"name": text})}),
            "session": struct({"session_id": text}),
            "attributes": texts,
            "metrics": pa.map_(text, pa.float64()),
            "client_context": struct({"custom": struct({"endpoint": text, "legacy_identifier": text})}),
            "facets": struct({"email_channel": struct({"mail_event": mail_event})}),
            "awsaccountid": text,
        }
    )
    rows = []
    for record in records:
        row = {**record, "awsaccountid": record["awsAccountId"]}
        rows.append(
            {**row, "attributes": list(row["attributes"].items()), "metrics": list(row.get("metrics", {}).items())}
        )
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema), file)
    return file.getvalue()


def landed(home: TestHome, source: str, name: str, content: bytes) -> Landed:
    home.put(source, name, content)
    result = home.land()[source]
    with home.ledger() as ledger:
        assert ledger.files_that_do_not_add_up(source) == []
    return result


def quarantine(home: TestHome) -> list[tuple[Any, ...]]:
    """Line, reason and text of quarantined records, in the order of the lines."""
    return home.ledger_rows("select line, reason, text from quarantine order by all")


def staged(home: TestHome, model: str, columns: str) -> list[tuple[Any, ...]]:
    home.build("--select", model)
    return home.query(f"select {columns} from internal.staging.{model} order by all")


def test_every_shape_of_the_stream_holds_the_same_events(home: TestHome) -> None:
    shapes = ("lines", "glued", "gzip", "gz", "lambda", "parquet", "pretty")
    for shape in shapes:
        fields = {"application": {"app_id": shape}}
        records = [
            event("_journey.send", {"journey_activity_type": "SMS", "journey_send_status": "SUCCESS"}, **fields),
            email("_email.click", **fields),
            event(
                "_SMS.SUCCESS",
                {"message_id": "s", "campaign_id": "c"},
                metrics={"price_in_millicents_usd": 645.5},
                **fields,
            ),
        ]
        glued = "".join(map(json.dumps, records)).encode()
        content = {
            "lines": lines(records),
            "glued": glued,
            "gzip": gzip.compress(lines(records)),
            "gz": gzip.compress(glued),
            "lambda": lines([lambda_records(*records)]),
            "parquet": parquet(records),
            "pretty": "".join(json.dumps(record, indent=2) for record in records).encode(),
        }[shape]
        name = f"2026/03/02/08/stream-{shape}{'.gz' if shape == 'gz' else ''}"
        home.put(EVENTS, name, content)
    assert numbers(home.land()[EVENTS]) == (21, 21, 0, 0, 0)
    columns = (
        "application_id, event, event_at::varchar, endpoint_id, journey_id, activity_id, run_id, activity_type, "
        "send_status, campaign_id, message_id, price_in_millicents::double"
    )
    rows = staged(home, "stg_pinpoint__events", columns)
    for shape in shapes:
        ids = ("e", "j", "x", "r")
        assert [row for row in rows if row[0] == shape] == [
            (shape, "_SMS.SUCCESS", "2026-03-02 08:00:00", *ids, None, None, "c", "s", 645.5),
            (shape, "_email.click", "2026-03-02 08:30:00.25", *ids, None, None, None, "m", None),
            (shape, "_journey.send", "2026-03-02 08:00:00", *ids, "SMS", "SUCCESS", None, None, None),
        ]


def test_base64_that_is_damaged_is_quarantined_alone(home: TestHome) -> None:
    first, second = (event("_journey.send", {"journey_send_status": status}) for status in ("SUCCESS", "DAILY_CAP"))
    cut = encoded(json.dumps(first))[:-5]
    records = lambda_records(first, "%%%", encoded("no JSON"), cut, second)
    # what a Lambda function returns for a record that it passes over, and a text that isn't a record
    records["records"] += [{"recordId": "5", "result": "Dropped"}, "text", {"recordId": "6", "data": None}]
    result = landed(home, EVENTS, "a/b", lines([event("_journey.send"), records, {"records": []}, {"records": {}}]))
    assert numbers(result) == (10, 3, 0, 7, 0), "and a page without records is nothing"
    found = [(line, reason) for line, reason, _ in quarantine(home)]
    assert found == [
        (2, "a text inside it that is no JSON; write the whole record"),
        (2, "not a JSON object; write one object for each record"),
        *[(2, _NOTHING)] * 4,
        (4, _NOTHING),
    ]
    assert home.ledger_rows("select distinct path from quarantine") == [("a/b",)]
    rows = staged(home, "stg_pinpoint__events", "send_status")
    assert rows == [("DAILY_CAP",), ("SUCCESS",), (None,)]


def test_an_event_is_known_by_its_declared_fields(home: TestHome) -> None:
    one = email("_email.open")
    spread = json.dumps(one, indent=3).encode()
    assert numbers(landed(home, EVENTS, "a", lines([one, one]) + spread + lines([lambda_records(one)]))) == (
        4,
        1,
        3,
        0,
        0,
    )
    assert numbers(landed(home, EVENTS, "b", spread)) == (1, 0, 1, 0, 0)
    retyped = email("_email.open")
    retyped["facets"]["email_channel"]["mail_event"]["mail"]["message_send_timestamp"] = "2026-03-02T00:00:00Z"
    others = [
        email("_email.open", " m"),
        email("_email.open", arrival_timestamp=one["arrival_timestamp"] + 1),
        {**one, "client": {"client_id": "f"}},
        # undeclared fields, their types and the order of fields don't make another event
        {**one, "session": {"session_id": "s"}},
        dict(reversed(one.items())),
        retyped,
    ]
    assert numbers(landed(home, EVENTS, "c", lines(others))) == (6, 3, 3, 0, 0)
    rows = staged(home, "stg_pinpoint__events", "count(*), count(distinct event_key), count(distinct message_id)")
    assert rows == [(4, 4, 2)]


def test_a_price_below_nothing_is_quarantined(home: TestHome) -> None:
    prices = [event("_SMS.SUCCESS", {"message_id": "m"}, metrics={"price_in_millicents_usd": each}) for each in (-1, 0)]
    assert numbers(landed(home, EVENTS, "a", lines(prices))) == (2, 1, 0, 1, 0)
    (row,) = quarantine(home)
    assert "field metrics.price_in_millicents_usd: below 0" in str(row)


def test_events_that_no_metric_uses_are_counted_by_kind(home: TestHome) -> None:
    kinds = ["_campaign.send", "_campaign.opened_notification", "_test.event_stream", "_SMS.OPTOUT", "_session.start"]
    kinds += ["bought", "Journey.send", "_journey.send", "_voice.ring", "_email.new", ""]
    # as some of Amazon's libraries name them, and messages inside of an app
    kinds += ["_session_start", "_session_stop", "_inapp.message_displayed"]
    result = landed(home, EVENTS, "a", lines([event(kind) for kind in kinds] + [{"event_timestamp": _AT}]))
    assert numbers(result) == (15, 1, 0, 4, 10)
    assert result.ignored_kinds == {
        "_campaign.*": 2,
        "_test.event*": 1,
        "_SMS.OPTOUT": 1,
        "_session.start": 1,
        "_session_start": 1,
        "_session_stop": 1,
        "_inapp.message_displayed": 1,
        "app event": 2,
    }
    assert [(line, reason.partition(";")[0]) for line, reason, _ in quarantine(home)] == [
        (9, "unknown kind"),
        (10, "unknown kind"),
        (11, "it does not say its kind: is it a record of this stream?"),
        (15, _NOTHING),
    ]


def test_an_event_needs_its_ids_and_its_time(home: TestHome) -> None:
    opened, price = "_journey.opened_notification", "price_in_millicents_usd"
    no_id, no_endpoint = "no message id", "no endpoint id"
    no_time = no_time_in("event_timestamp or arrival_timestamp")
    damaged = [
        (email("_email.send", ""), no_id),
        (event("_email.open"), no_id),
        (event("_SMS.FAILURE", {"message_id": None}), no_id),
        (event("_SMS.BUFFERED", {"message_id": ""}), no_id),
        (event(opened, client={}), no_endpoint),
        (event(opened, client={"client_id": ""}), no_endpoint),
        # not set, as some write it, or no milliseconds
        *((event("_journey.send", event_timestamp=at), no_instant("event_timestamp", "a number")) for at in (0, 1, -1)),
        (event("_journey.send", event_timestamp=None), no_time),
        (event("_journey.send", event_timestamp="soon"), no_instant("event_timestamp", "a text")),
        # that of an email event is its arrival
        (email("_email.send", arrival_timestamp=0), no_instant("arrival_timestamp", "a number")),
        (email("_email.send", arrival_timestamp=None), no_time),
        (
            event("_SMS.SUCCESS", {"message_id": "s"}, metrics={price: "much"}),
            f"field metrics.{price}: a text that is none where a number is expected; write it as a JSON number",
        ),
        (
            {**event("_journey.send"), "attributes": "x"},
            "field attributes: a text where an object is expected; write it as a JSON object",
        ),
    ]
    good = [
        email("_email.send", "m", event_timestamp=None),
        event("_journey.send", {"journey_send_status": "SUCCESS"}, event_timestamp=_AT * 1000),
        event("_email.open", {"message_id": "beside"}),
        event("_SMS.SUCCESS", {"message_id": 5, "campaign_id": None}, metrics={price: "645"}, client={}),
        event("_SMS.SUCCESS", {"message_id": "free"}, metrics={price: None}, event_timestamp=str(_AT)),
        event("_journey.send", client={}, application={"app_id": ""}),
    ]
    result = landed(home, EVENTS, "a", lines([record for record, _ in damaged] + good))
    assert numbers(result) == (len(damaged) + 6, 6, 0, len(damaged), 0)
    assert [(line, reason) for line, reason, _ in quarantine(home)] == [
        (line, reason) for line, (_, reason) in enumerate(damaged, 1)
    ]
    columns = "event, event_at::varchar, application_id, endpoint_id, message_id, price_in_millicents::double"
    assert staged(home, "stg_pinpoint__events", columns) == [
        ("_SMS.SUCCESS", "2026-03-02 08:00:00", "a", "e", "free", None),
        ("_SMS.SUCCESS", "2026-03-02 08:00:00", "a", None, "5", 645.0),
        ("_email.open", "2026-03-02 08:30:00.25", "a", "e", "beside", None),
        ("_email.send", "2026-03-02 08:30:00.25", "a", "e", "m", None),
        ("_journey.send", "2026-03-02 08:00:00", "a", "e", None, None),
        ("_journey.send", "2026-03-02 08:00:00", "none", None, None, None),
    ]


def no_instant(field: str, shape: str) -> str:
    expected = "that is no time from 2000 to 2100 where a time is expected"
    return f"field {field}: {shape} {expected}; write it as ISO 8601 with its zone, or as a Unix epoch"


def snapshot(kind: str, metrics: Any, at: str | None = "2026-03-02T04:29:59.123Z", **ids: Any) -> Record:
    answer = {"ApplicationId": "a", "JourneyId": "j", **ids, "LastEvaluatedTime": at, "Metrics": metrics}
    return {"fetched_at": "2026-03-02T10:00:00+05:30", f"{kind}MetricsResponse": answer}


def test_execution_metrics_are_whole_numbers_of_a_known_scope(home: TestHome) -> None:
    journey = "JourneyExecution"
    no_numbers, no_time = "no metrics that are numbers", no_time_in("fetched_at or LastEvaluatedTime")
    whole = "where a whole number is expected; write it as digits alone"
    values = {
        "a text that is none": ["many", "3.7", "1e3", "9" * 20],
        "a number with a fraction": [3.7],
        "true or false": [True],
        "an object": [{"b": 1}],
    }
    damaged = [
        *(
            (snapshot(journey, {"ENDPOINT_LEFT": "1", "A": value}), f"field Metrics.*: {shape} {whole}")
            for shape, each in values.items()
            for value in each
        ),
        *((snapshot(journey, {"ENDPOINT_LEFT": "1", "A": value}), no_numbers) for value in ("", None)),
        (snapshot(journey, None), no_numbers),
        (snapshot(journey, "x"), "field Metrics: a text where an object is expected; write it as a JSON object"),
        (snapshot(journey, 5), "field Metrics: a number where an object is expected; write it as a JSON object"),
        (
            snapshot(journey, {"D": "-4"}),
            "field Metrics: a counter below 0, which no counter can be; ask again",
        ),
        (snapshot(journey, {}, ApplicationId=""), "no application"),
        (snapshot(journey, {}, JourneyId=None), "no journey"),
        *((snapshot(journey, {}, at), no_instant("LastEvaluatedTime", "a text")) for at in ("soon", _NOT_YET)),
        ({**snapshot(journey, {}, None), "fetched_at": None}, no_time),
    ]
    call = {"JourneyActivityId": "x", "ActivityType": "CONTACT_CENTER"}
    good = [
        snapshot(journey, {"ENDPOINT_ENTERED": "12", "B": 5, "C": " 7 "}),
        snapshot(journey, {}, None),
        snapshot("JourneyExecutionActivity", {"DROPPED": "1"}, RunId="", **call),
        snapshot("JourneyRunExecution", {"ENDPOINT_ENTERED": "2"}, RunId="r"),
        snapshot("JourneyRunExecutionActivity", {"DROPPED": "3"}, RunId="r", **call),
        # an answer without its envelope
        {"fetched_at": "2026-03-10", "ApplicationId": "a", "JourneyId": "j", "Metrics": {"ENDPOINT_LEFT": "8"}},
    ]
    # the same instant by another zone's clock, fetched again: one with another number, one with the same
    good += [snapshot(journey, {"ENDPOINT_ENTERED": "13"}, "2026-03-02T00:59:59.123-03:30"), good[3]]
    result = landed(home, "pinpoint/execution_metrics", "a", lines([record for record, _ in damaged] + good))
    assert numbers(result) == (len(damaged) + 8, 6, 2, len(damaged), 0)
    assert [(line, reason) for line, reason, _ in quarantine(home)] == [
        (line, reason) for line, (_, reason) in enumerate(damaged, 1)
    ]
    columns = "scope, counted_at::varchar, fetched_at::varchar, activity_id, run_id, activity_type, counters"
    counted, fetched = "2026-03-02 04:29:59.123", "2026-03-02 04:30:00"
    rows = staged(home, "stg_pinpoint__execution_metrics", columns)
    assert rows == [
        ("activity", counted, fetched, "x", "all", "CONTACT_CENTER", {"DROPPED": 1}),
        ("journey", counted, fetched, "all", "all", None, {"ENDPOINT_ENTERED": 12, "B": 5, "C": 7}),
        ("journey", counted, fetched, "all", "all", None, {"ENDPOINT_ENTERED": 13}),
        ("journey", fetched, fetched, "all", "all", None, {}),
        ("journey", "2026-03-10 00:00:00", "2026-03-10 00:00:00", "all", "all", None, {"ENDPOINT_LEFT": 8}),
        ("run", counted, fetched, "all", "r", None, {"ENDPOINT_ENTERED": 2}),
        ("run activity", counted, fetched, "x", "r", "CONTACT_CENTER", {"DROPPED": 3}),
    ]


def test_answers_keep_when_and_for_what_they_were_fetched(home: TestHome) -> None:
    envelope = {"fetched_at": "2026-03-02T10:00:00+05:30", "application_id": "a", "journey_id": "j"}
    pages = [
        {**envelope, "JourneyRunsResponse": {"Item": [{"RunId": "r", "Status": "RUNNING"}], "NextToken": "n"}},
        {**envelope, "JourneyRunsResponse": {"Item": [{"RunId": "s", "Status": "SCHEDULED"}]}},
        {**envelope, "JourneyRunsResponse": {"Item": []}},
        {**envelope, "JourneyRunsResponse": {}},
        {**envelope, "journey_id": "", "JourneyRunsResponse": {"Item": []}},
    ]
    assert numbers(landed(home, "pinpoint/journey_runs", "a", lines(pages))) == (5, 1, 2, 2, 0)
    assert [(line, reason) for line, reason, _ in quarantine(home)] == [
        (4, "nothing in it shows a record of pinpoint/journey_runs, which has Item and journey_id or Item"),
        (
            5,
            "no journey_id beside the answer; "
            'write it as {"fetched_at", "application_id", "journey_id", "JourneyRunsResponse"}',
        ),
    ]
    runs = staged(home, "stg_pinpoint__journey_runs", "fetched_at::varchar, application_id, journey_id, started_runs")
    assert runs == [("2026-03-02 04:30:00", "a", "j", started) for started in ([], [], ["r"])]
    answer = {"ApplicationId": "a", "Id": "j", "Name": "Test-j", "LastModifiedDate": "2026-03-01T00:00:00Z"}
    definitions = [
        {"fetched_at": "2026-03-02T10:00:00+05:30", "JourneyResponse": answer},
        {"fetched_at": "2026-03-03T10:00:00Z", **answer, "Name": "My Test-j"},
        {"fetched_at": "soon", **answer},
        {"JourneyResponse": answer},
    ]
    assert numbers(landed(home, "pinpoint/journeys", "a", lines(definitions))) == (4, 3, 0, 1, 0)
    columns = "fetched_at::varchar, application_id, journey_id, is_test, modified_at::varchar"
    assert staged(home, "stg_pinpoint__journeys", columns) == [
        # without the time of the fetch, that of the last change is taken
        ("2026-03-01 00:00:00", "a", "j", True, "2026-03-01 00:00:00"),
        ("2026-03-02 04:30:00", "a", "j", True, "2026-03-01 00:00:00"),
        ("2026-03-03 10:00:00", "a", "j", False, "2026-03-01 00:00:00"),
    ]


def test_other_events_of_connect_are_counted_by_their_name(home: TestHome) -> None:
    at = "2026-03-02T08:00:00Z"
    others = ["Contact Lens Analysis State Change", "Metrics Rules Matched", "Metrics Rules Matched"]
    records: list[Record] = [{"time": at, "detail-type": name, "detail": {"state": "COMPLETED"}} for name in others]
    # its eventType isn't that of a contact
    called = {"eventType": "AwsApiCall", "eventName": "StartOutboundVoiceContact"}
    records.append({"time": at, "detail-type": "AWS API Call via CloudTrail", "detail": called})
    contact = {"eventType": "INITIATED", "contactId": "c", "channel": "Voice", "campaign": {"campaignId": "k"}}
    records.append({"time": at, "detail-type": "Connect Customer Contact Event", "detail": contact})
    records.append({"eventType": "INITIATED", "contactId": "d", "channel": "CHAT", "initiationTimestamp": at})
    result = landed(home, "connect/contact_events", "a", lines(records))
    assert numbers(result) == (6, 2, 0, 0, 4)
    assert result.ignored_kinds == {others[0]: 1, others[1]: 2, "AWS API Call via CloudTrail": 1}
    rows = staged(home, "stg_connect__contact_events", "contact_id, channel")
    assert rows == [("c", "VOICE"), ("d", "CHAT")]


def test_contact_events_are_read_in_every_spelling(home: TestHome) -> None:
    small = {
        "time": "2026-03-02T08:00:00Z",
        "detail-type": "Amazon Connect Contact Event",
        "detail": {
            "contactId": "small",
            "eventType": "INITIATED",
            "initiationTimestamp": "2026-03-02T07:59:58.500Z",
            "connectedToSystemTimestamp": _NOT_YET,
            "agentInfo": {"connectedToAgentTimestamp": _NOT_YET},
            "campaign": {"campaignId": "k"},
        },
    }
    capital = {
        "time": "2026-03-02T08:01:00Z",
        "detail-type": "Connect Customer Contact Event",
        "detail": {
            "ContactId": "capital",
            "EventType": "Connected_To_Agent",
            "InitiationTimestamp": "2026-03-02T13:29:59+05:30",
            "ConnectedToSystemTimestamp": "2026-03-02T08:00:01Z",
            "AgentInfo": {"ConnectedToAgentTimestamp": "2026-03-02T08:00:59Z"},
            "Campaign": {"CampaignId": "k"},
            "AnsweringMachineDetectionStatus": "human_answered",
        },
    }
    # without an envelope the time is that of the last that has happened
    bare = {
        "contactId": "bare",
        "eventType": "DISCONNECTED",
        "initiationTimestamp": "2026-03-02T07:00:00Z",
        "connectedToSystemTimestamp": "2026-03-02T07:00:05Z",
        "agentInfo": {"connectedToAgentTimestamp": _NOT_YET},
        "disconnectTimestamp": "2026-03-02T07:00:09Z",
        "disconnectReason": "Expired",
        "campaign": {"campaignId": "l"},
    }
    begun = {**bare, "contactId": "begun", "disconnectTimestamp": _NOT_YET, "connectedToSystemTimestamp": _NOT_YET}
    no_time = no_time_in("time or initiationTimestamp or connectedToSystemTimestamp or disconnectTimestamp")
    no_kind = "it does not say its kind: is it a record of this stream?"
    damaged = [
        ({**small, "time": _NOT_YET}, no_time),
        ({**small, "time": None}, no_time),
        ({**begun, "initiationTimestamp": _NOT_YET}, no_time),
        ({**small, "detail": {**small["detail"], "eventType": "RINGING"}}, "unknown kind"),
        ({**small, "detail": {**small["detail"], "eventType": None}}, no_kind),
        ({**small, "detail": {**small["detail"], "contactId": ""}}, "no contact id"),
        (
            {**small, "detail": {**small["detail"], "initiationTimestamp": "this morning"}},
            no_instant("detail.initiationTimestamp", "a text"),
        ),
        (
            {**capital, "detail": {**capital["detail"], "ConnectedToSystemTimestamp": "8 h"}},
            no_instant("detail.connectedToSystemTimestamp", "a text"),
        ),
    ]
    # the same event in another zone's time is the same
    again = {**small, "time": "2026-03-02T13:30:00+05:30"}
    good = [small, capital, bare, begun, again]
    result = landed(home, "connect/contact_events", "a", lines([record for record, _ in damaged] + good))
    assert numbers(result) == (13, 4, 1, 8, 0)
    assert [(line, reason.partition("; those that count")[0]) for line, reason, _ in quarantine(home)] == [
        (line, reason) for line, (_, reason) in enumerate(damaged, 1)
    ]
    columns = (
        "contact_id, event, campaign_id, event_at::varchar, initiated_at::varchar, connected_to_system_at::varchar, "
        "connected_to_agent_at::varchar, disconnect_reason, answering_machine_status"
    )
    day = "2026-03-02"
    initiated = f"{day} 07:00:00"
    connected = ("CONNECTED_TO_AGENT", "k", f"{day} 08:01:00", f"{day} 07:59:59", f"{day} 08:00:01", f"{day} 08:00:59")
    expected = [
        ("bare", "DISCONNECTED", "l", f"{day} 07:00:09", initiated, f"{day} 07:00:05", None, "EXPIRED", None),
        ("begun", "DISCONNECTED", "l", initiated, initiated, None, None, "EXPIRED", None),
        ("capital", *connected, None, "HUMAN_ANSWERED"),
        ("small", "INITIATED", "k", f"{day} 08:00:00", f"{day} 07:59:58.5", None, None, None, None),
    ]
    assert sorted(set(staged(home, "stg_connect__contact_events", columns))) == expected
