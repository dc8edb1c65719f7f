"""AWS of one region, by the credentials that boto3 finds: variables, `~/.aws`, or the role of a machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from touchstone.fetching.source import FetchFailed, Refused
from touchstone.settings import SettingsMistake

Result = TypeVar("Result")


class Region:
    """What the vendors' modules ask in a region. `calls` counts requests, also those that boto3 tries again."""

    calls: int = 0

    def __init__(self, region: str) -> None:
        self.region = region

    def client(self, service: str) -> Any:
        """boto3's client of a service. Raises SettingsMistake without boto3, and FetchFailed."""
        try:
            import boto3
            from botocore.config import Config
        except ImportError:
            raise SettingsMistake(
                "fetch: AWS needs the package boto3: pip install boto3, or Touchstone with its extra aws"
            ) from None
        patient = Config(region_name=self.region, retries={"mode": "standard", "max_attempts": 6})
        client = self.asked(lambda: boto3.client(service, config=patient))
        client.meta.events.register("before-send", self._count)
        return client

    def _count(self, **_: Any) -> None:
        self.calls += 1

    def asked(self, call: Callable[[], Result]) -> Result:
        """What a call gives. Messages name the kind of an error alone, as its text may have addresses and names.

        Raises Refused and FetchFailed.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return call()
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "an error")
            raise Refused(f"AWS refuses a call in {self.region} ({code}); docs/fetching.md has its rights") from None
        except BotoCoreError as error:
            raise FetchFailed(
                f"AWS can't be asked in {self.region} ({type(error).__name__}); see boto3's credentials and network"
            ) from None
