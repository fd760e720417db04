"""Short work is done in the event loop, long work leaves it free."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Thread, current_thread
from typing import Any

import httpx
import pytest
from threadpoolctl import threadpool_info

from api.engine import INLINE_CHARACTERS, INLINE_COMMENTS, Case, Engine
from moderation import Article, Comment, Moderator, Verdict
from moderation.policy import Policies

SHORT = Case(Comment("You are a stupid idiot."))
LONG_ARTICLE = Article("b", "c " * (INLINE_CHARACTERS // 2))


class Witness(Moderator):
    """A moderator that notes in which threads it scores."""

    def score(self, comments: Sequence[Comment], *rest: Any) -> list[Verdict]:
        self.threads.append(current_thread())
        return super().score(comments, *rest)

    threads: list[Thread]


@pytest.fixture
def witness(moderator: Moderator) -> Witness:
    witness = Witness(moderator.bundle)
    witness.threads = []
    return witness


@pytest.fixture
def engine(witness: Witness) -> Engine:
    return Engine(witness, Policies(witness.policy))


@pytest.mark.parametrize("cases", [[SHORT], [SHORT] * INLINE_COMMENTS])
def test_short_work_takes_no_thread(engine: Engine, witness: Witness, cases: list[Case]) -> None:
    assert len(asyncio.run(engine.judge(cases))) == len(cases)
    assert witness.threads == [current_thread()]


@pytest.mark.parametrize(
    "cases",
    [
        pytest.param([SHORT] * (INLINE_COMMENTS + 1), id="many comments"),
        pytest.param([Case(Comment("a " * (INLINE_CHARACTERS // 2 + 1)))], id="a long comment"),
        pytest.param([Case(Comment("a", LONG_ARTICLE))], id="a long article"),
        pytest.param([Case(Comment("a", parent="b " * (INLINE_CHARACTERS // 2)))], id="a long parent"),
        pytest.param([Case(Comment("a"), explain=True)], id="an explanation"),
    ],
)
def test_long_work_leaves_the_event_loop_free(engine: Engine, witness: Witness, cases: list[Case]) -> None:
    assert len(asyncio.run(engine.judge(cases))) == len(cases)
    assert witness.threads
    assert current_thread() not in witness.threads


def test_an_article_that_is_prepared_makes_no_work_long(engine: Engine, witness: Witness) -> None:
    async def judge() -> None:
        await engine.prepare(LONG_ARTICLE)
        await engine.judge([Case(Comment("a", LONG_ARTICLE))])

    asyncio.run(judge())
    assert witness.threads == [current_thread()]


def test_the_service_asks_for_one_thread_of_the_libraries_and_no_garbage_among_what_is_loaded(
    service: httpx.Client,
) -> None:
    assert {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"} == {1}
    assert gc.get_freeze_count() > 10_000


def test_the_service_answers_others_while_it_scores_a_large_batch(service: httpx.Client) -> None:
    batch = {"comments": [{"comment": {"text": "What the council decided is not what was promised. " * 100}}] * 1000}
    slowest = 0.0
    with ThreadPoolExecutor(1) as pool, httpx.Client(base_url=service.base_url, trust_env=False) as other:
        scored = pool.submit(service.post, "/v1/score/batch", json=batch)
        while not scored.done():
            slowest = max(slowest, other.get("/healthz").elapsed.total_seconds())
    assert scored.result().status_code == 200
    assert slowest < scored.result().elapsed.total_seconds() / 2
