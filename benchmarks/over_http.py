"""The service over HTTP, beside an endpoint of the same application that does nothing. Run by `make http`.

What the framework, the server and the loopback interface take, both endpoints pay: what is left between them is the
price of a verdict. Both are asked in turn, so that a busy machine is busy for both; compare figures of one run only.
"""

from __future__ import annotations

import asyncio
import csv
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, cast

import httpx
import uvloop
from fastapi import FastAPI
from rich.console import Console
from rich.table import Table

from api.app import create_app
from api.schemas import ScoreRequest, ScoreResponse
from moderation.labels import LABELS
from moderation.verdict import Action

ROOT: Final = Path(__file__).parent.parent
SCORE, BATCH, NOTHING = "/v1/score", "/v1/score/batch", "/nothing"
ROUNDS: Final = 5
SECONDS: Final = 1.0
"""Of load on one endpoint before it is the other's turn."""
BATCH_SIZE: Final = 1000
BATCH_CONNECTIONS: Final = 8

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)


def app() -> FastAPI:
    """The service, with an endpoint that takes and gives what `/v1/score` does, and scores nothing."""
    served = create_app()
    scores = dict.fromkeys(LABELS, 0.123456789012)

    @served.post(NOTHING, response_model_exclude_none=True)
    async def nothing(_: ScoreRequest) -> ScoreResponse:
        return ScoreResponse(scores=scores, flags=[], action=Action.APPROVE, model="nothing")

    return served


# --- the server


@contextmanager
def serving(workers: int = 1) -> Iterator[tuple[str, int]]:
    """The service in processes of its own; its address, and the process that has the others.

    Raises
    ------
    SystemExit
        If it does not come up.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, __file__, "serve", str(port), str(workers)]
    url = f"http://127.0.0.1:{port}"
    with TemporaryDirectory() as folder:
        environment = os.environ | {"MODERATION_ARTICLES": f"{folder}/articles.sqlite3", "MODERATION_DECISIONS": "off"}
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        ) as process:
            try:
                _wait(url, process)
                yield url, process.pid
            finally:
                os.killpg(process.pid, signal.SIGTERM)


def serve(port: int, workers: int) -> None:
    """What the server's process does: as `moderation serve`, with another application."""
    import uvicorn  # noqa: PLC0415

    sys.path.insert(0, str(Path(__file__).parent))
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    uvicorn.run("over_http:app", factory=True, port=port, workers=workers, log_level="info", server_header=False)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}/readyz", trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise SystemExit("the service did not come up")


# --- the load


class Connection(asyncio.Protocol):
    """A connection to the service; httpx would take longer to ask than the service to answer."""

    def __init__(self) -> None:
        self._answer = b""
        self._answered: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to the service."""
        self._transport = cast("asyncio.WriteTransport", transport)

    async def ask(self, request: bytes) -> float:
        """Seconds until the answer was there."""
        self._answer, self._answered = b"", asyncio.get_running_loop().create_future()
        start = time.perf_counter()
        self._transport.write(request)
        await self._answered
        return time.perf_counter() - start

    def data_received(self, data: bytes) -> None:
        """Read an answer to its end."""
        self._answer += data
        head = self._answer.find(b"\r\n\r\n")
        length = _LENGTH.search(self._answer, 0, head + 2) if head > 0 else None
        if length and self._answered and len(self._answer) >= head + 4 + int(length[1]):
            if not self._answer.startswith(b"HTTP/1.1 200 "):
                raise SystemExit(f"the service answers {self._answer[:500]!r}")
            self._answered.set_result(None)


async def _ask_on(connection: Connection, requests: Iterator[bytes], until: float) -> list[float]:
    taken = []
    while time.perf_counter() < until:
        taken.append(await connection.ask(next(requests)))
    return taken


async def _load(url: httpx.URL, requests: Iterator[bytes], connections: int, seconds: float) -> list[float]:
    loop = asyncio.get_running_loop()
    made = [await loop.create_connection(Connection, url.host, url.port or 80) for _ in range(connections)]
    # a busy server takes long until it has accepted all of them, which is not what is measured
    await asyncio.gather(*(connection.ask(next(requests)) for _, connection in made))
    until = time.perf_counter() + seconds
    taken = await asyncio.gather(*(_ask_on(connection, requests, until) for _, connection in made))
    for transport, _ in made:
        transport.close()
    return sorted(chain.from_iterable(taken))


def put_under_load(url: str, path: str, bodies: Sequence[bytes], connections: int, seconds: float) -> list[float]:
    """Seconds that each answer took, ascending, under connections that never pause."""
    address = httpx.URL(url)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {address.netloc.decode()}\r\nContent-Type: application/json\r\nContent-Length: "
    )
    requests = cycle([f"{head}{len(body)}\r\n\r\n".encode() + body for body in bodies])
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_load(address, requests, connections, seconds))


# --- what is sent


def sample() -> list[tuple[str, str]]:
    """The repository's own comments, with the identifiers of their articles."""
    with (ROOT / "data" / "comments.csv").open(encoding="utf-8", newline="") as file:
        return [(row["text"], row["article_id"]) for row in csv.DictReader(file)]


def give_articles(url: str) -> None:
    """Tell the service of the repository's own articles."""
    with (ROOT / "data" / "articles.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            article = {"title": row["title"], "text": row["text"]}
            httpx.put(f"{url}/v1/articles/{row['id']}", json=article, trust_env=False).raise_for_status()


def requests(named: bool) -> list[dict[str, Any]]:
    """One for each comment, where wanted under an article that was given before."""
    return [{"comment": {"text": text}} | ({"article": {"id": article}} if named else {}) for text, article in sample()]


def as_json(bodies: Sequence[dict[str, Any]]) -> list[bytes]:
    """Bodies as they are sent."""
    return [json.dumps(body).encode() for body in bodies]


# --- the figures


def beside_nothing(url: str, bodies: Sequence[bytes], connections: int) -> dict[str, float]:
    """Figures of `/v1/score`, and how many times those of the endpoint that does nothing they are."""
    rounds = []
    for path in (NOTHING, SCORE):
        put_under_load(url, path, bodies, connections, SECONDS / 2)
    for _ in range(ROUNDS):
        nothing, score = (
            _summary(put_under_load(url, path, bodies, connections, SECONDS)) for path in (NOTHING, SCORE)
        )
        rounds.append(score | {f"{name}, times nothing's": score[name] / nothing[name] for name in score})
    return {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}


def _summary(taken: Sequence[float]) -> dict[str, float]:
    return {
        "requests a second": len(taken) / SECONDS,
        "p50 in milliseconds": 1e3 * taken[len(taken) // 2],
        "p99 in milliseconds": 1e3 * taken[int(0.99 * len(taken))],
    }


def in_batches(url: str, named: bool) -> float:
    """Comments a second through `/v1/score/batch`."""
    comments = requests(named) * 10
    starts = range(0, len(comments) - BATCH_SIZE, BATCH_SIZE)
    bodies = as_json([{"comments": comments[start : start + BATCH_SIZE]} for start in starts])
    put_under_load(url, BATCH, bodies, BATCH_CONNECTIONS, SECONDS)
    start = time.perf_counter()
    answers = put_under_load(url, BATCH, bodies, BATCH_CONNECTIONS, 3 * SECONDS)
    # those that are asked first, outside of the measured time, are answered by then
    return BATCH_SIZE * (len(answers) + BATCH_CONNECTIONS) / (time.perf_counter() - start)


def bundle_in_memory(pid: int) -> tuple[float, float]:
    """Megabytes of the bundle in the memory of a process and its children: each page once, and as each sees it."""
    shared = seen = 0
    for process in (pid, *_children(pid)):
        file = ""
        for line in Path(f"/proc/{process}/smaps").read_text(encoding="utf-8").splitlines():
            name, *values = line.split()
            file = file if name.endswith(":") else line
            if ".joblib" in file and name in ("Pss:", "Rss:"):
                shared, seen = (shared + int(values[0]), seen) if name == "Pss:" else (shared, seen + int(values[0]))
    return shared / 1024, seen / 1024


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()]


def figures() -> dict[str, float]:
    """All of them by name."""
    found: dict[str, float] = {}
    with serving() as (url, _):
        give_articles(url)
        for form, named in (("alone", False), ("under articles", True)):
            for connections in (16, 256):
                beside = beside_nothing(url, as_json(requests(named)), connections)
                found |= {f"{form}, {connections} connections: {name}": beside[name] for name in beside}
            found[f"{form}, in batches: comments a second"] = one = in_batches(url, named)
    with serving(workers=2) as (url, pid):
        give_articles(url)
        found["under articles, in batches: two workers' speed, times one's"] = in_batches(url, named=True) / one
        once, seen = bundle_in_memory(pid)
        found |= {"bundle in two workers' memory, MB": once, "the same, counted in each of them, MB": seen}
    return found


def main() -> None:
    """Measure and print."""
    table = Table("measured", "figure")
    for name, value in figures().items():
        table.add_row(name, f"{value:,.2f}" if value < 100 else f"{value:,.0f}")
    Console().print(table)


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(int(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
