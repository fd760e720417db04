"""Requests that are there at the same time are scored together, and none of them feels the others."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from api.batching import MOST_CHARACTERS, MOST_COMMENTS, Batcher
from moderation import Article, Comment, Moderator, Verdict

TEXTS = ["You clueless idiot.", "Thanks, well put.", "The bridge will cost 3 million.", "Check out my channel!"]
COMMENTS = [Comment(f"{text} {number}") for number in range(4) for text in TEXTS]
BROKEN = Comment("a", Article("b"), parent=5)  # type: ignore[arg-type]


class Recorder:
    """Scores with the shipped bundle and notes of how many comments each batch was."""

    def __init__(self, moderator: Moderator) -> None:
        self.moderator = moderator
        self.sizes: list[int] = []

    def score(self, comments: Sequence[Comment]) -> Sequence[Verdict]:
        self.sizes.append(len(comments))
        return self.moderator.score(comments)


@pytest.fixture
def recorder(moderator: Moderator) -> Recorder:
    return Recorder(moderator)


def run(recorder: Recorder, work: Callable[[Batcher], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        return await work(Batcher(recorder.score))

    return asyncio.run(main())


def alike(found: Iterable[Verdict], expected: Iterable[Verdict]) -> bool:
    """Whether verdicts are the same, but for what the order of sums does to the last digits."""
    return all(
        (one.flags, one.action) == (other.flags, other.action) and one.scores == pytest.approx(other.scores, abs=1e-6)
        for one, other in zip(found, expected, strict=True)
    )


def test_requests_that_are_there_together_are_scored_together(recorder: Recorder, moderator: Moderator) -> None:
    async def work(batcher: Batcher) -> list[Sequence[Verdict]]:
        return await asyncio.gather(*(batcher.score([comment], 1) for comment in COMMENTS))

    found = run(recorder, work)
    assert recorder.sizes == [len(COMMENTS)]
    assert alike([verdict for [verdict] in found], moderator.score(COMMENTS))


def test_each_request_gets_as_many_verdicts_as_it_has_comments(recorder: Recorder, moderator: Moderator) -> None:
    parts = [COMMENTS[:1], COMMENTS[1:4], [], COMMENTS[4:]]

    async def work(batcher: Batcher) -> list[Sequence[Verdict]]:
        return await asyncio.gather(*(batcher.score(part, 1) for part in parts))

    found = run(recorder, work)
    assert recorder.sizes == [len(COMMENTS)]
    assert list(map(len, found)) == list(map(len, parts))
    assert alike([verdict for part in found for verdict in part], moderator.score(COMMENTS))


def test_a_request_that_comes_alone_waits_for_nobody(recorder: Recorder) -> None:
    async def work(batcher: Batcher) -> int:
        scored = asyncio.ensure_future(batcher.score(COMMENTS[:1], 1))
        turns = 0
        while not scored.done():
            turns += 1
            await asyncio.sleep(0)
        return turns

    assert run(recorder, work) <= 4
    assert recorder.sizes == [1]


def test_those_who_come_turn_by_turn_come_along_and_those_after_a_pause_do_not(recorder: Recorder) -> None:
    async def after(turns: int, batcher: Batcher) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        await batcher.score(COMMENTS[:1], 1)

    async def work(batcher: Batcher) -> None:
        await asyncio.gather(*(after(turns, batcher) for turns in (0, 1, 2, 3, 50, 51)))

    run(recorder, work)
    assert recorder.sizes == [4, 2]


@pytest.mark.parametrize(
    ("requests", "sizes"),
    [
        pytest.param([(1, 1)] * (MOST_COMMENTS + 3), [MOST_COMMENTS, 3], id="many comments"),
        pytest.param([(1, MOST_CHARACTERS // 2)] * 5, [2, 2, 1], id="long comments"),
        pytest.param([(1, 1), (1, 2 * MOST_CHARACTERS), (1, 1)], [1, 1, 1], id="one too long for others"),
        pytest.param([(2 * MOST_COMMENTS, 1), (1, 1)], [2 * MOST_COMMENTS, 1], id="one too many for others"),
    ],
)
def test_a_batch_is_no_larger_than_others_can_wait_for(
    recorder: Recorder, requests: list[tuple[int, int]], sizes: list[int]
) -> None:
    turns: list[int] = []

    async def others() -> None:
        while True:
            turns.append(len(recorder.sizes))
            await asyncio.sleep(0)

    async def work(batcher: Batcher) -> None:
        other = asyncio.ensure_future(others())
        await asyncio.gather(*(batcher.score(COMMENTS[:1] * count, length) for count, length in requests))
        other.cancel()

    run(recorder, work)
    assert recorder.sizes == sizes
    assert set(turns) >= set(range(len(sizes)))


def test_a_request_that_is_cancelled_is_not_scored_and_harms_nobody(recorder: Recorder, moderator: Moderator) -> None:
    async def work(batcher: Batcher) -> list[Any]:
        tasks = [asyncio.ensure_future(batcher.score([comment], 1)) for comment in COMMENTS]
        await asyncio.sleep(0)
        tasks[0].cancel()
        tasks[7].cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    found = run(recorder, work)
    assert [isinstance(one, asyncio.CancelledError) for one in found] == [number in (0, 7) for number in range(16)]
    assert recorder.sizes == [14]
    expected = [verdict for number, verdict in enumerate(moderator.score(COMMENTS)) if number not in (0, 7)]
    assert alike([one[0] for one in found if not isinstance(one, BaseException)], expected)


def test_where_all_gave_up_nothing_is_scored_and_the_next_is(recorder: Recorder) -> None:
    async def work(batcher: Batcher) -> Sequence[Verdict]:
        task = asyncio.ensure_future(batcher.score(COMMENTS[:1], 1))
        await asyncio.sleep(0)
        task.cancel()
        for _ in range(5):
            await asyncio.sleep(0)
        return await batcher.score(COMMENTS[:2], 1)

    assert len(run(recorder, work)) == 2
    assert recorder.sizes == [2]


@pytest.mark.parametrize("place", [0, 5, 15])
def test_a_failure_is_told_to_the_request_that_brought_it_about_alone(
    recorder: Recorder, moderator: Moderator, place: int
) -> None:
    async def work(batcher: Batcher) -> list[Any]:
        comments = [*COMMENTS[:place], BROKEN, *COMMENTS[place + 1 :]]
        return await asyncio.gather(*(batcher.score([comment], 1) for comment in comments), return_exceptions=True)

    found = run(recorder, work)
    assert isinstance(found.pop(place), AttributeError | TypeError)
    assert alike([verdict for [verdict] in found], moderator.score([*COMMENTS[:place], *COMMENTS[place + 1 :]]))


# --- over HTTP


def test_everybody_gets_the_answer_to_his_own_comment(service: httpx.Client) -> None:
    bodies = [{"comment": {"text": text}, "article": {"title": str(number)}} for number in range(8) for text in TEXTS]
    expected = [service.post("/v1/score", json=body).json() for body in bodies]
    with ThreadPoolExecutor(16) as pool:
        for _ in range(3):
            found = list(pool.map(lambda body: service.post("/v1/score", json=body).json(), bodies))
            for one, other in zip(found, expected, strict=True):
                assert one | {"scores": None} == other | {"scores": None}
                assert one["scores"] == pytest.approx(other["scores"], abs=1e-6)


def test_clients_that_go_away_harm_nobody(service: httpx.Client) -> None:
    body = b'{"comment": {"text": "You clueless idiot."}}'
    head = b"POST /v1/score HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    expected = service.post("/v1/score", content=body, headers={"Content-Type": "application/json"}).json()

    def come_and_go(number: int) -> None:
        with socket.create_connection((service.base_url.host, service.base_url.port or 0)) as connection:
            connection.sendall(head % len(body) + body[: len(body) - number % 2])

    def ask(_: int) -> dict[str, Any]:
        answer = service.post("/v1/score", content=body, headers={"Content-Type": "application/json"})
        found: dict[str, Any] = answer.json()
        return found

    with ThreadPoolExecutor(8) as pool:
        gone, answers = pool.map(come_and_go, range(40)), pool.map(ask, range(40))
        assert len(list(gone)) == 40
        assert all(answer["flags"] == expected["flags"] for answer in answers)
