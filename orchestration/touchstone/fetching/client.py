"""HTTP with a vendor: tries again what may pass, for as long as the vendor asks, and says the rest in words."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from time import monotonic, sleep
from typing import Any, TypeVar

import requests
from pydantic import SecretStr
from requests.auth import HTTPBasicAuth
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from touchstone.console import printable
from touchstone.fetching.source import FetchFailed, NotKept, Refused
from touchstone.settings import Settings, SettingsMistake

Result = TypeVar("Result")

_TRIES = 6
# Seconds: to connect and until the next part of an answer, and for all of it.
_TIMEOUT, _LONGEST = (10, 60), 300
# The longest that a vendor may have us wait; the next night goes on.
_LONGEST_WAIT = 900
_LARGEST = 64 * 2**20  # bytes of an answer, decompressed
_PASSING = {408, 425, 429}
_BACKOFF = wait_exponential_jitter(initial=1, max=60)


class _Again(FetchFailed):
    """What another try may mend, after `seconds` if the vendor names some."""

    def __init__(self, reason: str, seconds: float | None = None) -> None:
        super().__init__(reason)
        self.seconds = seconds


@dataclass(frozen=True)
class Document:
    """The JSON object of an answer, as it came and read, `at` the vendor's time."""

    text: bytes
    value: dict[str, Any]
    at: datetime

    def objects(self, name: str) -> list[dict[str, Any]]:
        return objects(self.value, name)


def objects(value: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """A list of objects; null is an empty one. Raises FetchFailed for anything else."""
    found = value.get(name, "absent")
    found = [] if found is None else found
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise FetchFailed(f"the answer's {name} is not a list of objects; see whether the vendor changed its API")
    return found


def secret(settings: Settings, name: str) -> SecretStr:
    """A setting, or the text of the file that the setting `<name>_file` names. Raises SettingsMistake."""
    value: SecretStr | None = getattr(settings, name)
    if value:
        return value
    file = getattr(settings, f"{name}_file") or Path()
    try:
        return SecretStr(file.read_text().strip())
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise SettingsMistake(f"{name}_file: {printable(str(file))} can't be read: {why}") from None


class Access:
    """How a vendor knows who asks: by nothing. `secrets` stand in no message, `remedy` in that of a refusal."""

    remedy = ""

    def __init__(self, *secrets: SecretStr) -> None:
        self.secrets = [*secrets]

    def sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """The request with what proves who asks. Without a function, requests would look for it in ~/.netrc."""
        return request

    def renew(self) -> bool:
        """Whether there is something new to sign with, in place of what the vendor refuses."""
        return False


class Key(Access):
    """A key of the setting that is named, as the password of Basic authentication."""

    def __init__(self, user: str, key: SecretStr, setting: str) -> None:
        super().__init__(key)
        self.remedy = f"; correct {setting}; a key is of one account, and may be limited to addresses"
        self._auth = HTTPBasicAuth(user.encode(), key.get_secret_value().encode())

    def sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return self._auth(request)


class Client:
    """A session with one address of a vendor. What gives access goes nowhere else, and into no message."""

    def __init__(self, vendor: str, address: str, access: Access, per_second: float = 10) -> None:
        self._vendor = vendor
        self._address = address
        self._access = access
        self._pause = 1 / per_second
        self._next_at = 0.0
        self._session = requests.Session()
        self.calls = 0

    def now(self) -> datetime:
        """The server's time; ours where it states none. Needs no rights, and sends no key."""
        response, _ = self._tried(lambda: self._exchange("HEAD", "/", auth=Access().sign))
        return _date(response)

    def ask(self, what: str, method: str, path: str, content: Mapping[str, Any] | None = None, **body: Any) -> Document:
        """The answer to a request of `what`, which messages name. `content` is the JSON of its body; `data` a form.

        Raises NotKept and Refused for one that the vendor refuses, and FetchFailed.
        """
        return self._tried(lambda: self._answer(what, method, path, json=content, **body))

    def _tried(self, call: Callable[[], Result]) -> Result:
        retrying = Retrying(
            stop=stop_after_attempt(_TRIES),
            wait=_wait,
            retry=retry_if_exception_type(_Again),
            sleep=lambda seconds: sleep(seconds),
            reraise=True,
        )
        try:
            return retrying(call)
        except _Again as error:
            raise FetchFailed(f"{self._vendor} {error}, {_TRIES} times; the next night tries again") from None

    def _answer(self, what: str, method: str, path: str, **content: Any) -> Document:
        response, body = self._exchange(method, path, auth=self._access.sign, **content)
        if response.status_code == 401 and self._access.renew():
            response, body = self._exchange(method, path, auth=self._access.sign, **content)
        status = response.status_code
        if status in _PASSING or status >= 500:
            raise self._again(response, body)
        if status >= 300:
            said = self._said(body)
            if status == 401:
                raise Refused(f"{self._vendor} refuses the key (401) for {what}{said}{self._access.remedy}")
            if status in (403, 404):
                raise Refused(
                    f"{self._vendor} refuses {what} ({status}){said}; docs/fetching.md has the rights that a key needs"
                )
            if status < 400:
                raise FetchFailed(
                    f"{self._vendor} answers {what} with a redirect ({status}), which the key won't follow"
                )
            raise NotKept(f"{self._vendor} refuses {what} ({status}){said}")
        try:
            value = json.loads(body.decode())
        except (ValueError, RecursionError):
            raise _Again(f"answers {what} with what is no JSON") from None
        if not isinstance(value, dict):
            raise _Again(f"answers {what} with what is no JSON object")
        return Document(body.strip(), value, _date(response))

    def _exchange(self, method: str, path: str, **options: Any) -> tuple[requests.Response, bytes]:
        """One request and the whole body of its answer."""
        sleep(max(0.0, self._next_at - monotonic()))
        self._next_at = monotonic() + self._pause
        self.calls += 1
        started = monotonic()
        body = bytearray()
        try:
            with self._session.request(
                method, self._address + path, timeout=_TIMEOUT, stream=True, allow_redirects=False, **options
            ) as response:
                for part in response.iter_content(2**16):
                    body += part
                    if len(body) > _LARGEST:
                        raise FetchFailed(f"{self._vendor} answers with more than {_LARGEST >> 20} MiB")
                    if monotonic() - started > _LONGEST:
                        raise _Again(f"took more than {_LONGEST} s for an answer")
        except requests.RequestException as error:
            # its own text may quote headers of a proxy
            raise _Again(f"doesn't answer whole ({type(error).__name__})") from None
        return response, bytes(body)

    def _again(self, response: requests.Response, body: bytes) -> FetchFailed:
        seconds = _asked_to_wait(response, body)
        reason = f"answers {response.status_code}{self._said(body)}"
        if seconds is not None and seconds > _LONGEST_WAIT:
            return FetchFailed(f"{self._vendor} {reason} and asks to wait {seconds:,.0f} s; the next night tries again")
        return _Again(reason, seconds)

    def _said(self, body: bytes) -> str:
        """The message in an error's body, for ours. Where OAuth has one, it is the `error_description`."""
        try:
            value = json.loads(body.decode())
            text = str(value["message"] if "message" in value else value["error_description"])
        except (ValueError, KeyError, TypeError, RecursionError):
            return ""
        for each in self._access.secrets:
            text = text.replace(each.get_secret_value(), "***")
        return f": {printable(text)[:200]}"


def _date(response: requests.Response) -> datetime:
    """The server's time; ours where it states none."""
    try:
        return parsedate_to_datetime(response.headers["Date"]).astimezone(UTC)
    except (KeyError, ValueError):
        return datetime.now(UTC)


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    seconds = error.seconds if isinstance(error, _Again) else None
    return _BACKOFF(state) if seconds is None else seconds


def _asked_to_wait(response: requests.Response, body: bytes) -> float | None:
    """The seconds that an answer asks to wait: Retry-After, a number or a date, or Mailgun's older `retry-seconds`."""
    stated: Any = response.headers.get("Retry-After")
    if stated is None:
        try:
            stated = json.loads(body.decode())["retry-seconds"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return None
    try:
        return max(0.0, float(stated))
    except (TypeError, ValueError):
        pass
    try:
        until = parsedate_to_datetime(stated)
        server = parsedate_to_datetime(response.headers["Date"]) if "Date" in response.headers else datetime.now(UTC)
        return max(0.0, (until.astimezone(UTC) - server.astimezone(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None
