"""Comments of several requests, scored together: sixteen of them take little longer than one."""

from __future__ import annotations

from asyncio import Future, get_running_loop
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from moderation import Comment, Verdict

MOST_COMMENTS: Final = 64
MOST_CHARACTERS: Final = 65_536
"""Of one batch, as long as no request alone has more: for the milliseconds that it takes nobody else gets a turn."""

Score = Callable[[Sequence[Comment]], Sequence[Verdict]]


@dataclass(frozen=True, slots=True)
class _Request:
    comments: Sequence[Comment]
    characters: int
    verdicts: Future[Sequence[Verdict]]


class Batcher:
    """Scores in the event loop, together, the comments of all requests that are there.

    Requests that come while a batch is scored, or its answers are written, make the next one. One that comes alone is
    scored alone, and waits for nobody.

    Parameters
    ----------
    score : callable
        Verdicts on comments, in their order.
    """

    def __init__(self, score: Score) -> None:
        self._score = score
        self._waiting: deque[_Request] = deque()

    async def score(self, comments: Sequence[Comment], characters: int) -> Sequence[Verdict]:
        """Verdicts on the comments of one request, in their order.

        Parameters
        ----------
        comments : sequence of Comment
        characters : int
            That will be read.
        """
        loop = get_running_loop()
        request = _Request(comments, characters, loop.create_future())
        self._waiting.append(request)
        if len(self._waiting) == 1:
            loop.call_soon(self._gather, 0)
        return await request.verdicts

    def _gather(self, before: int) -> None:
        """Let the event loop take in what is already there, as long as each of its turns brings more."""
        if before < len(self._waiting) < MOST_COMMENTS:
            get_running_loop().call_soon(self._gather, len(self._waiting))
        else:
            self._score_next()

    def _score_next(self) -> None:
        self._answer(self._next())
        if self._waiting:  # others get a turn before it is theirs
            get_running_loop().call_soon(self._score_next)

    def _next(self) -> Sequence[_Request]:
        """The first of those who wait; without the ones who gave up."""
        batch: list[_Request] = []
        comments = characters = 0
        while self._waiting:
            request = self._waiting[0]
            comments, characters = comments + len(request.comments), characters + request.characters
            if batch and (comments > MOST_COMMENTS or characters > MOST_CHARACTERS):
                break
            self._waiting.popleft()
            if not request.verdicts.done():
                batch.append(request)
        return batch

    def _answer(self, batch: Sequence[_Request]) -> None:
        if not batch:
            return
        try:
            verdicts = iter(self._score([comment for request in batch for comment in request.comments]))
        except Exception as error:
            self._answer_failed(batch, error)
        else:
            for request in batch:
                request.verdicts.set_result([next(verdicts) for _ in request.comments])

    def _answer_failed(self, batch: Sequence[_Request], error: Exception) -> None:
        """Hand a failure to the request that brought it about, and to no other."""
        if len(batch) == 1:
            batch[0].verdicts.set_exception(error)
        else:
            for request in batch:
                self._answer([request])
