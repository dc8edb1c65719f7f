"""Before Touchstone: the shop's export of Mailgun's events, a load of dlt's into files."""

import os
from collections.abc import Iterator
from typing import Any

import dlt
from dagster import MaterializeResult, asset

_SENT = [("anna@example.org", 0), ("ben@example.net", 1), ("cleo@example.net", 2)]


# A list, such as the tags, stays in its event: dlt would make a table of it.
@dlt.resource(max_table_nesting=0)
def events() -> Iterator[dict[str, Any]]:
    """Stands for the calls of Mailgun's API: what three customers got and opened."""
    for recipient, number in _SENT:
        event = {
            "id": f"event-{number}",
            "event": "delivered",
            "timestamp": 1_780_000_000.5 + number,
            "domain": {"name": "mail.shop.example"},
            "recipient": recipient,
            "message": {"headers": {"message-id": f"{number}@mail.shop.example"}},
            "tags": ["newsletter"],
        }
        yield event
        if number:
            yield event | {"id": f"open-{number}", "event": "opened", "timestamp": event["timestamp"] + 60}


@asset
def mailgun_export() -> MaterializeResult[None]:
    folder = f"{os.environ['SHOP_DATA']}/exports"
    pipeline = dlt.pipeline(
        "mailgun_export",
        pipelines_dir=f"{folder}/.dlt",
        destination=dlt.destinations.filesystem(bucket_url=folder),
        dataset_name="mailgun",
    )
    load = pipeline.run(events(), loader_file_format="jsonl")
    return MaterializeResult(metadata={"loads": len(load.loads_ids)})
