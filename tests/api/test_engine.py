"""Short work is done at once, long work leaves the event loop free."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from api.engine import INLINE_CHARACTERS, INLINE_COMMENTS, Case, Engine
from api.settings import Settings
from moderation import Article, Comment

SHORT = Case(Comment("You are a stupid idiot."))


@pytest.fixture(scope="module")
def engine(settings: Settings) -> Engine:
    return Engine.load(settings)


def _other_work_gets_a_turn(engine: Engine, cases: Sequence[Case]) -> bool:
    async def judge() -> bool:
        other = asyncio.create_task(asyncio.sleep(0))
        findings = await engine.judge(cases)
        assert len(findings) == len(cases)
        return other.done()

    return asyncio.run(judge())


@pytest.mark.parametrize("cases", [[SHORT], [SHORT] * INLINE_COMMENTS])
def test_short_work_takes_no_thread(engine: Engine, cases: list[Case]) -> None:
    assert not _other_work_gets_a_turn(engine, cases)


@pytest.mark.parametrize(
    "cases",
    [
        pytest.param([SHORT] * (INLINE_COMMENTS + 1), id="many comments"),
        pytest.param([Case(Comment("a " * (INLINE_CHARACTERS // 2 + 1)))], id="a long comment"),
        pytest.param([Case(Comment("a", Article("b", "c " * (INLINE_CHARACTERS // 2))))], id="a long article"),
        pytest.param([Case(Comment("a"), explain=True)], id="an explanation"),
    ],
)
def test_long_work_leaves_the_event_loop_free(engine: Engine, cases: list[Case]) -> None:
    assert _other_work_gets_a_turn(engine, cases)


def test_the_service_answers_others_while_it_scores_a_large_batch(service: httpx.Client) -> None:
    batch = {"comments": [{"comment": {"text": "What the council decided is not what was promised. " * 100}}] * 1000}
    slowest = 0.0
    with ThreadPoolExecutor(1) as pool, httpx.Client(base_url=service.base_url, trust_env=False) as other:
        scored = pool.submit(service.post, "/v1/score/batch", json=batch)
        while not scored.done():
            slowest = max(slowest, other.get("/healthz").elapsed.total_seconds())
    assert scored.result().status_code == 200
    assert slowest < scored.result().elapsed.total_seconds() / 2
