"""Names beside AWS's ids: accounts, configuration sets of SES, and instances, queues and flows of Connect.

Facts: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_ListConfigurationSets.html,
https://docs.aws.amazon.com/connect/latest/APIReference/API_ListQueues.html and API_ListContactFlows.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from touchstone.fetching.aws import Region
from touchstone.fetching.source import Lister, Listing, Named, Source, pages
from touchstone.settings import Settings


class _Names(Region, Lister):
    """A service of a region, and the account that has it."""

    def names(self) -> dict[str, list[Named]]:
        account_id: str = self.asked(self.client("sts").get_caller_identity)["Account"]
        # an account has one alias at most
        alias = next(self._listed(self.client("iam"), "list_account_aliases", "AccountAliases"), "")
        account = Named("account", account_id, alias)
        return {f"{account_id} {self.region}": [account, *self._of_service(account_id)]}

    def _of_service(self, account_id: str) -> Iterator[Named]:
        raise NotImplementedError

    def _listed(self, client: Any, operation: str, items: str, **asked: Any) -> Iterator[Any]:
        found = self.asked(lambda: [*client.get_paginator(operation).paginate(**asked)])
        return (item for page in found for item in page[items])


class _Ses(_Names):
    def _of_service(self, account_id: str) -> Iterator[Named]:
        list_sets = self.client("sesv2").list_configuration_sets  # which boto3 has no paginator for

        def ask(token: str | None) -> Any:
            return self.asked(partial(list_sets, **({"NextToken": token} if token else {})))

        for page in pages(ask, lambda page: page.get("NextToken")):
            yield from (Named("configuration_set", name, name, account_id) for name in page["ConfigurationSets"])


class _Connect(_Names):
    def _of_service(self, account_id: str) -> Iterator[Named]:
        client = self.client("connect")
        for instance in self._listed(client, "list_instances", "InstanceSummaryList"):
            yield Named("instance", instance["Id"], instance.get("InstanceAlias", ""))
            if instance["InstanceStatus"] == "ACTIVE":  # the others refuse to be asked
                of_instance = {"InstanceId": instance["Id"]}
                # queues of agents have no names
                queues = self._listed(client, "list_queues", "QueueSummaryList", QueueTypes=["STANDARD"], **of_instance)
                flows = self._listed(client, "list_contact_flows", "ContactFlowSummaryList", **of_instance)
                yield from (Named("queue", each["Id"], each.get("Name", "")) for each in queues)
                yield from (Named("flow", each["Id"], each.get("Name", "")) for each in flows)


def _in_regions(lister: Callable[[str], Lister]) -> Callable[[Settings], list[Listing]]:
    return lambda settings: [Listing(region, partial(lister, region)) for region in settings.aws_regions]


SOURCES = (
    Source(
        "ses_names",
        "ses/names",
        "SES",
        "SES's configuration sets, and the account's alias.",
        (("aws_regions",),),
        _in_regions(_Ses),
    ),
    Source(
        "connect_names",
        "cloudwatch/names",
        "Connect",
        "Connect's instances, queues and flows, and the account's alias.",
        (("aws_regions",),),
        _in_regions(_Connect),
    ),
)
