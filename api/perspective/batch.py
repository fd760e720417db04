"""Many calls in one request: multipart/mixed, with an HTTP request or answer in each part.

Source: what Google's client libraries write and read, described at https://cloud.google.com/storage/docs/batch.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from email.message import Message as Header
from email.parser import BytesHeaderParser
from http import HTTPStatus
from itertools import chain, islice, pairwise
from secrets import token_hex
from typing import Final
from urllib.parse import unquote

from starlette.types import ASGIApp, Message, Scope

from api.errors import Code, Failure, Refused
from api.perspective.errors import InvalidArgumentError, google_shape, invalid

MAX_CALLS: Final = 100
CALLABLE: Final = "/v1alpha1/"
"""Where the paths of calls begin: a batch in a batch would know no limit."""

MAX_HEAD_BYTES: Final = 65_536
"""Longest header fields of a part or of its request: what servers usually accept."""

_OF_THE_CONNECTION: Final = ("type", "asgi", "http_version", "scheme", "server", "client", "root_path")
_OF_ONE_MESSAGE: Final = ("content-length", "transfer-encoding", "connection", "expect", "host")
_REQUEST_LINE = re.compile(rb"\s*([A-Z]+) (\S+) HTTP/[0-9.]+[ \t]*")
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a batch.

    Parameters
    ----------
    content_id : str
        Its name in angle brackets; empty where it has none.
    method, target : bytes
        ``POST``, ``/v1alpha1/comments:analyze?key=...``.
    headers : list of (bytes, bytes)
        Names in lower case.
    body : bytes
    """

    content_id: str
    method: bytes
    target: bytes
    headers: Headers
    body: bytes


@dataclass(slots=True)
class Answer:
    """What was answered to a call."""

    content_id: str
    status: int = 500
    headers: Headers = field(default_factory=list)
    body: bytes = b""


def read_batch(content_type: str, body: bytes) -> list[Call]:
    """The calls of a batch.

    Parameters
    ----------
    content_type : str
        Value of the request's header, which names the boundary between the parts.
    body : bytes

    Raises
    ------
    Refused
        If it is not multipart/mixed.
    InvalidArgumentError
        If there are too many calls, or a part is not an HTTP request.
    """
    header = Header()
    header["content-type"] = content_type
    if header.get_content_type() != "multipart/mixed":
        raise Refused(Code.UNSUPPORTED_MEDIA_TYPE)
    parts = list(islice(_parts(body, header.get_boundary("")), MAX_CALLS + 1))
    if len(parts) > MAX_CALLS:
        raise invalid(f"The batch holds more than {MAX_CALLS} calls.")
    return [_call(part) for part in parts]


async def run_batch(calls: Sequence[Call], app: ASGIApp, outer: Scope) -> list[Answer]:
    """Have an application answer calls one behind the other, each as if it had come alone.

    Parameters
    ----------
    calls : sequence of Call
    app : ASGIApp
        The whole service, so that each call is asked for its key and held to all limits.
    outer : Scope
        Of the request that brought the batch; its headers hold for every call that has not its own.
    """
    answers = []
    for call in calls:
        answers.append(await _run(call, app, outer))
        await asyncio.sleep(0)  # short comments are scored without a pause, and others wait, too
    return answers


def write_batch(answers: Sequence[Answer]) -> tuple[str, bytes]:
    """Answers to a batch as a Content-Type, which names the boundary, and a body."""
    boundary = f"batch_{token_hex(16)}"
    parts = [_part(answer, boundary.encode()) for answer in answers]
    return f"multipart/mixed; boundary={boundary}", b"".join([*parts, b"--", boundary.encode(), b"--\r\n"])


def _parts(body: bytes, boundary: str) -> Iterator[bytes]:
    """What lies between the delimiters of RFC 2046."""
    if not boundary or not boundary.isascii():
        raise invalid("The batch names no boundary in its Content-Type.")
    # the end of the line before is looked at afterwards: a pattern that began with it would take 20 times as long
    found = re.finditer(rb"--" + re.escape(boundary.encode()) + rb"(--)?[ \t]*(?=\r?\n|$)", body)
    delimiters = (match for match in found if body[max(match.start() - 1, 0) : match.start()] in (b"", b"\n"))
    for opening, closing in pairwise(chain(delimiters, [None])):
        if opening is None or opening[1]:
            return
        if closing is None:
            break
        yield body[opening.end() : closing.start()].removesuffix(b"\n").removesuffix(b"\r")
    raise invalid("The batch ends before its last boundary.")


def _call(part: bytes) -> Call:
    about, request = _split(part)
    head, body = _split(request)
    line, _, fields = head.partition(b"\n")
    parsed = _REQUEST_LINE.fullmatch(line.rstrip(b"\r"))
    if parsed is None:
        raise _no_http()
    content_id = next((value for name, value in _headers(about) if name == b"content-id"), b"")
    return Call(content_id.decode("latin-1"), parsed[1], parsed[2], _headers(fields), body)


def _split(message: bytes) -> tuple[bytes, bytes]:
    """Head and body, between which is a blank line."""
    blank = _BLANK_LINE.search(message, 0, MAX_HEAD_BYTES)
    if blank is not None:
        return message[: blank.start()], message[blank.end() :]
    if len(message) > MAX_HEAD_BYTES:
        raise _no_http()
    return message, b""


def _no_http() -> InvalidArgumentError:
    return invalid("Each part of a batch holds one HTTP request; one of them does not.")


def _headers(head: bytes) -> Headers:
    """Header fields, those on several lines put on one."""
    fields = BytesHeaderParser().parsebytes(head.lstrip()).items()
    return [
        (name.lower().encode("latin-1"), " ".join(str(value).split()).encode("latin-1", "replace"))
        for name, value in fields
    ]


async def _run(call: Call, app: ASGIApp, outer: Scope) -> Answer:
    raw_path, _, query = call.target.partition(b"?")
    path = unquote(raw_path.decode("latin-1"))
    answer = Answer(call.content_id)
    if not path.startswith(CALLABLE):
        refusal = google_shape(Failure(Code.NOT_FOUND))
        answer.status, answer.headers, answer.body = refusal.status_code, refusal.raw_headers, bytes(refusal.body)
        return answer

    async def receive() -> Message:
        return {"type": "http.request", "body": call.body, "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status, answer.headers = message["status"], list(message["headers"])
        else:
            answer.body += message.get("body", b"")

    scope = {
        **{name: outer[name] for name in _OF_THE_CONNECTION if name in outer},
        "method": call.method.decode(),
        "path": path,
        "raw_path": raw_path,
        "query_string": query,
        "headers": _merged(call, outer["headers"]),
        "state": {},
    }
    await app(scope, receive, send)
    return answer


def _merged(call: Call, outer: Headers) -> Headers:
    own = {name for name, _ in call.headers}
    shared = [(name, value) for name, value in outer if name not in own and not name.startswith(b"content-")]
    fields = [field for field in [*call.headers, *shared] if field[0].decode("latin-1") not in _OF_ONE_MESSAGE]
    return [*fields, (b"content-length", str(len(call.body)).encode())]


def _part(answer: Answer, boundary: bytes) -> bytes:
    status = HTTPStatus(answer.status)
    lines = [b"--" + boundary, b"Content-Type: application/http"]
    if answer.content_id:
        lines.append(b"Content-ID: <response-" + answer.content_id.strip("<>").encode("latin-1") + b">")
    lines += [b"", f"HTTP/1.1 {status.value} {status.phrase}".encode()]
    lines += [name + b": " + value for name, value in answer.headers]
    return b"\r\n".join([*lines, b"", answer.body, b""])
