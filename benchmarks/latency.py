"""How long Coral would wait: Perspective's endpoint under 16 connections that never pause. Run by `make latency`.

Coral gives up after 800 ms and lets the comment pass. The connections share the machine's cores with the service, so
a forum on another machine waits less.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from http.client import HTTPConnection
from itertools import count

import httpx
from rich.console import Console
from texts import sample

PORT = 8917
CONNECTIONS = 16
SECONDS = 15.0
CORAL_WAITS = 0.8


@contextmanager
def service() -> Iterator[httpx.Client]:
    """The real service in a process of its own."""
    command = [sys.executable, "-m", "moderation", "serve", "--port", str(PORT)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{PORT}", timeout=30) as client:
                _wait(client)
                yield client
        finally:
            process.terminate()


def _wait(client: httpx.Client) -> None:
    for _ in range(100):
        try:
            if client.get("/readyz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise SystemExit("the service did not come up")


def request(text: str) -> bytes:
    """What Coral sends for a comment."""
    body = {
        "comment": {"text": text},
        "languages": ["en"],
        "doNotStore": True,
        "requestedAttributes": {"TOXICITY": {}},
    }
    return json.dumps(body).encode()


def waits(bodies: list[bytes], until: float, first: int) -> list[float]:
    """Seconds that each request over one connection took, up to a time of the clock `time.perf_counter`."""
    taken: list[float] = []
    connection = HTTPConnection("127.0.0.1", PORT, timeout=30)
    for number in count(first):
        start = time.perf_counter()
        if start >= until:
            return taken
        connection.request(
            "POST",
            "/v1alpha1/comments:analyze?key=any",
            bodies[number % len(bodies)],
            {"Content-Type": "application/json"},
        )
        answer = connection.getresponse()
        content = answer.read()
        taken.append(time.perf_counter() - start)
        if answer.status != 200:
            raise SystemExit(f"{answer.status}: {content!r}")
    raise AssertionError("a connection ends at its time")


def main() -> None:
    """Measure and print."""
    bodies = [request(comment.text) for comment in sample()]
    with service():
        waits(bodies, time.perf_counter() + 1, 0)  # what is loaded at the first request is not counted
        until = time.perf_counter() + SECONDS
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            starts = range(0, len(bodies), -(-len(bodies) // CONNECTIONS))
            taken = sorted(wait for found in pool.map(partial(waits, bodies, until), starts) for wait in found)
    milliseconds = {name: 1e3 * taken[int(share * len(taken))] for name, share in (("p50", 0.5), ("p99", 0.99))}
    in_time = sum(wait <= CORAL_WAITS for wait in taken) / len(taken)
    Console(highlight=False).print(
        f"comments:analyze over {CONNECTIONS} connections, {len(taken) / SECONDS:,.0f} requests a second: "
        f"p50 {milliseconds['p50']:,.0f} ms, p99 {milliseconds['p99']:,.0f} ms, longest {1e3 * taken[-1]:,.0f} ms; "
        f"{in_time:.2%} within the 800 ms that Coral waits",
        soft_wrap=True,
    )


if __name__ == "__main__":
    main()
