"""Work shared by processes comes back in order, in bounded memory, and ends when anything goes wrong."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import joblib
import pytest

from moderation.cli.workers import ALONE, in_order
from moderation.errors import WorkerError

MANY = 5 * ALONE


def itself(item: int) -> int:
    """What is sent of an item: all of it."""
    return item


def tenfold(item: int) -> tuple[int, int]:
    """Some work, and who did it."""
    return 10 * item, os.getpid()


def fail_late(item: int) -> int:
    """Work that goes wrong in another process."""
    if item == 2 * ALONE:
        raise ValueError("no such item")
    return item


def vanish(item: int) -> int:
    """Work in which a process is ended, as one that takes too much memory is."""
    if item >= ALONE:
        os.kill(os.getpid(), signal.SIGKILL)
    return item


@pytest.fixture(params=[1, 3])
def cores(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """As many cores as there may be."""
    monkeypatch.setattr(joblib, "cpu_count", lambda: request.param)
    return int(request.param)


@pytest.fixture
def several(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joblib, "cpu_count", lambda: 2)


@pytest.mark.parametrize("count", [0, 1, ALONE, ALONE + 1, MANY])
def test_results_come_in_the_order_of_their_items(cores: int, count: int) -> None:
    found = list(in_order(tenfold, range(count), sent=itself))

    assert [(item, result) for item, (result, _) in found] == [(item, 10 * item) for item in range(count)]


def test_what_is_soon_done_is_done_here(several: None) -> None:
    assert {process for _, (_, process) in in_order(tenfold, range(ALONE), sent=itself)} == {os.getpid()}


def test_what_takes_longer_is_done_by_others(several: None) -> None:
    done_by = [process for _, (_, process) in in_order(tenfold, range(MANY), sent=itself)]

    assert set(done_by[:ALONE]) == {os.getpid()}
    assert os.getpid() not in done_by[ALONE:]


def test_only_what_the_work_needs_is_sent(several: None) -> None:
    found = in_order(tenfold, range(MANY), sent=lambda item: item % 2)

    assert [result for _, (result, _) in found][ALONE:] == [10 * (item % 2) for item in range(ALONE, MANY)]


def test_few_items_are_held_at_a_time(several: None) -> None:
    taken = []

    def items() -> Iterator[int]:
        for item in range(MANY):
            taken.append(item)
            yield item

    for item, _ in in_order(tenfold, items(), sent=itself):
        assert len(taken) - item <= 6


def test_an_error_in_another_process_is_raised_here(several: None) -> None:
    with pytest.raises(ValueError, match="no such item"):
        list(in_order(fail_late, range(MANY), sent=itself))


def test_a_process_that_vanishes_is_no_riddle(several: None) -> None:
    with pytest.raises(WorkerError, match="ended from outside"):
        list(in_order(vanish, range(MANY), sent=itself))
