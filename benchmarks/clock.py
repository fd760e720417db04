"""Taking times on a machine that does other things as well."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from statistics import median
from typing import Final, TypeVar

from threadpoolctl import threadpool_limits

_Thing = TypeVar("_Thing")

Clock = Callable[[], float]
CPU: Final[Clock] = time.process_time
"""Counts what this process computes, and not how long it waits for others to leave it the core."""


def seconds(action: Callable[[], object], clock: Clock = time.perf_counter) -> float:
    """Time of an action."""
    start = clock()
    action()
    return clock() - start


def in_turn(*actions: Callable[[], object], repeats: int) -> list[float]:
    """Median times of actions that take turns, after one turn that is not counted.

    What slows the machine down for a while slows all of them.
    """
    turns = [[seconds(action) for action in actions] for _ in range(repeats + 1)]
    return [median(times) for times in zip(*turns[1:], strict=True)]


def on_each(things: Iterable[_Thing], *actions: Callable[[_Thing], object]) -> list[float]:
    """Median times that the processor takes for actions, in turn, on one thing after the other.

    No thing comes twice, so that nothing is remembered of it; after the first, which is not counted.
    """
    turns = [[seconds(partial(action, thing), CPU) for action in actions] for thing in things]
    return [median(times) for times in zip(*turns[1:], strict=True)]


def python(code: str) -> None:
    """Run code in a process of its own."""
    subprocess.run([sys.executable, "-c", code], check=True)


@contextmanager
def one_core() -> Iterator[None]:
    """Keep the process on one core, and its libraries in one thread."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        with threadpool_limits(limits=1):
            yield
    finally:
        os.sched_setaffinity(0, allowed)
