"""Who may use the service, and how often: API keys, or else the service's own machine alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address
from logging import LogRecord
from math import ceil
from time import monotonic
from typing import Any, Final
from urllib.parse import parse_qs

from fastapi import Request, Security
from fastapi.params import Depends
from fastapi.security import APIKeyHeader, APIKeyQuery, HTTPBearer
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import Code, Failure, Shapes
from api.settings import Settings, SettingsError
from moderation.keys import Key, KeyRing

KEY_HEADERS: Final = ("X-API-Key", "X-Goog-Api-Key")
_BEARER: Final = "bearer "
_MINUTE: Final = 60.0
_SECRET_IN_QUERY = re.compile(r"([?&](?:key|access_token|oauth_token)=)[^&\s]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Doors:
    """How endpoints, known by the beginnings of their paths, are guarded differently from all others.

    Parameters
    ----------
    open : tuple of str
        They need no key: they tell nothing, or check in another way who asks.
    with_query : tuple of str
        They take the key from the query parameter ``key``, too.
    """

    open: tuple[str, ...] = ()
    with_query: tuple[str, ...] = ()


@dataclass(slots=True)
class Bucket:
    """What a key has left: a token bucket that holds the requests of one minute.

    Parameters
    ----------
    per_minute : int
    clock : callable
        Seconds of a clock that never goes back.
    """

    per_minute: int
    clock: Callable[[], float] = monotonic
    _tokens: float = field(init=False)
    _at: float = field(init=False)

    def __post_init__(self) -> None:
        self._tokens = self.per_minute
        self._at = self.clock()

    def take(self) -> float:
        """Take a request out of it: 0, or the seconds after which there will be one."""
        now = self.clock()
        per_second = self.per_minute / _MINUTE
        self._tokens = min(self.per_minute, self._tokens + (now - self._at) * per_second)
        self._at = now
        if self._tokens < 1:
            return (1 - self._tokens) / per_second
        self._tokens -= 1
        return 0.0


class Guard:
    """ASGI middleware that lets requests with a known key pass, or without keys those to the loopback interface.

    It asks before anything of a body is read. The name of the key is left in ``request.state.client``.

    Parameters
    ----------
    app : ASGIApp
        What answers the requests that may pass.
    keys : KeyRing or None
        None where the service has no keys.
    doors : Doors
    shapes : Shapes
        Of the refusals.
    """

    def __init__(self, app: ASGIApp, keys: KeyRing | None, doors: Doors, shapes: Shapes) -> None:
        self.app = app
        self.keys = keys
        self.doors = doors
        self.shapes = shapes
        self.buckets = {key.name: Bucket(key.per_minute) for key in keys.keys if key.per_minute} if keys else {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        failure = self._failure(scope) if scope["type"] != "lifespan" else None
        if failure is None:
            await self.app(scope, receive, send)
        else:
            await self.shapes.answer(scope["path"], failure)(scope, receive, send)

    def _failure(self, scope: Scope) -> Failure | None:
        if self.keys is None:
            return None if _is_local(scope) else Failure(Code.LOCAL_ONLY)
        if scope["path"].startswith(self.doors.open):
            return None
        presented = self._presented(scope)
        if not presented:
            return Failure(Code.KEY_MISSING, headers={"WWW-Authenticate": "Bearer"})
        key = self.keys.find(presented)
        if key is None:
            return Failure(Code.KEY_UNKNOWN, headers={"WWW-Authenticate": "Bearer"})
        scope.setdefault("state", {})["client"] = key.name
        return self._too_many(key)

    def _presented(self, scope: Scope) -> str:
        headers = Headers(scope=scope)
        found = [headers.get(name, "") for name in KEY_HEADERS]
        authorization = headers.get("Authorization", "")
        if authorization.lower().startswith(_BEARER):
            found.append(authorization[len(_BEARER) :].strip())
        if scope["path"].startswith(self.doors.with_query):
            found = [*parse_qs(scope["query_string"].decode("latin-1")).get("key", []), *found]
        return next(filter(None, found), "")

    def _too_many(self, key: Key) -> Failure | None:
        wait = self.buckets[key.name].take() if key.name in self.buckets else 0.0
        return Failure(Code.TOO_MANY_REQUESTS, headers={"Retry-After": str(ceil(wait))}) if wait else None


async def client_of(request: Request) -> str | None:
    """Name of the key that a request was let in with; None where the service has no keys."""
    client: str | None = getattr(request.state, "client", None)
    return client


def load_keys(settings: Settings) -> KeyRing | None:
    """The keys that the settings name, None where they name none.

    Raises
    ------
    KeysError
        If the file cannot be used.
    """
    return None if settings.api_keys is None else KeyRing.from_toml(settings.api_keys)


def refuse_open_door(settings: Settings) -> None:
    """Refuse to listen where other machines can come in, as long as there are no keys.

    Raises
    ------
    SettingsError
    """
    if settings.api_keys is None and not _is_loopback(settings.host):
        raise SettingsError(
            f"MODERATION_HOST: without keys the service listens on this machine only, and {settings.host} can be "
            "reached from others; make a key with `moderation keys new NAME --file keys.toml` and set "
            "MODERATION_API_KEYS=keys.toml, or listen on 127.0.0.1"
        )


def documented(settings: Settings, *, in_query: bool = False) -> Sequence[Depends]:
    """Dependencies that make OpenAPI say how a key is sent, where one is needed; `Guard` does the asking."""
    if settings.api_keys is None:
        return []
    schemes: list[Any] = [APIKeyHeader(name=KEY_HEADERS[0], auto_error=False), HTTPBearer(auto_error=False)]
    if in_query:
        schemes = [APIKeyQuery(name="key", auto_error=False), *schemes]
    return [Security(scheme) for scheme in schemes]


def without_keys(record: LogRecord) -> bool:
    """Take keys out of the lines of an access log; a filter for `logging`."""
    if isinstance(record.args, tuple):
        record.args = tuple(
            _SECRET_IN_QUERY.sub(r"\1...", value) if isinstance(value, str) else value for value in record.args
        )
    return True


def _is_local(scope: Scope) -> bool:
    """Whether a request came in where other machines cannot: the loopback interface or a socket in the file system.

    A server names the address it was reached at; a name that is none comes from a caller inside the process.
    """
    host, port = scope.get("server") or ("", None)
    return port is None or not _is_address(host) or _is_loopback(host)


@lru_cache(maxsize=64)
def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=64)
def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
