"""Work on one item after another, done by several processes and handed back in order."""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain, islice
from typing import Final, TypeVar

import joblib
from threadpoolctl import threadpool_limits

from moderation.errors import WorkerError

ALONE: Final = 8
"""Items after which processes are started: with fewer there is nothing to gain."""

_AHEAD: Final = 2
"""Items for each process that are taken before the result of the first is waited for."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    work: Callable[[Item], Result], items: Iterable[Item], sent: Callable[[Item], Item]
) -> Generator[tuple[Item, Result], None, None]:
    """Each item with what `work` makes of it; few of them are held at any time.

    Parameters
    ----------
    work : callable
        Goes to other processes, as do parts of items and results.
    items : iterable
    sent : callable
        The part of an item that `work` needs.

    Raises
    ------
    WorkerError
        If something ends one of the processes.
    """
    rest = iter(items)
    yield from ((item, work(item)) for item in islice(rest, ALONE))
    processes = joblib.cpu_count()
    for item in islice(rest, 1):
        many = chain([item], rest)
        yield from _shared(work, many, sent, processes) if processes > 1 else ((item, work(item)) for item in many)


def _shared(
    work: Callable[[Item], Result], items: Iterable[Item], sent: Callable[[Item], Item], processes: int
) -> Iterator[tuple[Item, Result]]:
    pending: deque[tuple[Item, Future[Result]]] = deque()
    pool = ProcessPoolExecutor(processes, initializer=_begin)
    try:
        for item in items:
            pending.append((item, pool.submit(work, sent(item))))
            if len(pending) > _AHEAD * processes:
                done, future = pending.popleft()
                yield done, future.result()
        yield from ((done, future.result()) for done, future in pending)
    except BrokenProcessPool as error:
        raise WorkerError("a process was ended from outside, perhaps for lack of memory; run it again") from error
    finally:
        pool.shutdown(cancel_futures=True)


def _begin() -> None:
    """What each process does first: the processes themselves are the threads, and who interrupts means their parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threadpool_limits(1)
