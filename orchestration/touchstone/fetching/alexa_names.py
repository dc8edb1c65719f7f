"""Names beside Alexa's ids: the skills of each vendor that the login is one of.

Facts: https://developer.amazon.com/docs/smapi/vendor-operations.html and skill-operations.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode

from touchstone.fetching.alexa import PER_SECOND, Login, address_of, addresses_of
from touchstone.fetching.client import Client, Document
from touchstone.fetching.source import FetchFailed, Lister, Listing, Named, Source, pages
from touchstone.settings import Settings

# The most of a page.
_PAGE = 50


class _Skills(Lister):
    def __init__(self, settings: Settings) -> None:
        self._client = Client("Amazon", address_of(settings, "metrics"), Login(settings), PER_SECOND)
        self._locales = (*settings.alexa_locales, "en-US")

    @property
    def calls(self) -> int:  # type: ignore[override]
        return self._client.calls

    def names(self) -> dict[str, list[Named]]:
        vendors = self._client.ask("the list of vendors", "GET", "/v1/vendors").objects("vendors")
        return {
            _text(vendor, "id"): [
                Named("vendor", _text(vendor, "id"), str(vendor.get("name") or "")),
                *self._skills(_text(vendor, "id")),
            ]
            for vendor in vendors
        }

    def _skills(self, vendor: str) -> Iterator[Named]:
        """Skills have an entry for each stage; what users see is the live one."""
        entries = [each for page in pages(partial(self._page, vendor), _following) for each in page.objects("skills")]
        entries.sort(key=lambda entry: entry.get("stage") != "live")
        skills: dict[str, Mapping[str, Any]] = {}
        for entry in entries:
            skills.setdefault(_text(entry, "skillId"), entry)
        return (Named("skill", id_, self._name(entry)) for id_, entry in skills.items())

    def _page(self, vendor: str, token: str | None) -> Document:
        asked = {"vendorId": vendor, "maxResults": _PAGE, **({"nextToken": token} if token else {})}
        return self._client.ask("the list of skills", "GET", f"/v1/skills?{urlencode(asked)}")

    def _name(self, entry: Mapping[str, Any]) -> str:
        """The name of the first locale that has one: those of the settings, then American English, then by locale."""
        names = entry.get("nameByLocale") or {}
        if not isinstance(names, dict):
            raise FetchFailed("a skill's nameByLocale has no names by locale; see whether Amazon changed its API")
        return str(next((names[locale] for locale in (*self._locales, *sorted(names)) if names.get(locale)), ""))


def _following(page: Document) -> str | None:
    token = page.value.get("nextToken")
    return str(token) if token else None


def _text(entry: Mapping[str, Any], name: str) -> str:
    if not isinstance(value := entry.get(name), str) or not value:
        raise FetchFailed(f"an entry of a list has no {name}; see whether Amazon changed its API")
    return value


def _scopes(settings: Settings) -> list[Listing]:
    return [Listing("skills", partial(_Skills, settings), addresses_of(settings))]


SOURCES = (
    Source(
        "alexa_names",
        "alexa/names",
        "Amazon",
        "The skills of the vendors that the login is one of.",
        (
            ("alexa_client_id",),
            ("alexa_client_secret", "alexa_client_secret_file"),
            ("alexa_refresh_token", "alexa_refresh_token_file"),
        ),
        _scopes,
    ),
)
