"""What an off-topic score costs in a batch, beside the transformer's vectors of the same comments."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import median
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from moderation.bundle import Bundle
from moderation.comment import Comment
from moderation.evaluation.resampling import rounded
from moderation.evaluation.topic.transformer import Encode
from moderation.heads.abuse import AbuseHead
from moderation.moderator import Moderator
from moderation.text.features import TextFeatures

BEFORE: Final = 20_000

Action = Callable[[Sequence[Comment]], object]
_REPEATS: Final = 3
_WARM: Final = 256


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of one core for the same comments, in a batch; what other programs take of it does not count.

    Attributes
    ----------
    comments : int
    off_topic : float
        From texts to off-topic scores, the features of articles being known.
    all_labels : float
        All that `Moderator.probabilities` does, likewise.
    transformer : float
        The transformer's vectors of the comments alone.
    reach : float or None
        How many times as long as `off_topic` the transformer is to take.
    """

    comments: int
    off_topic: float
    all_labels: float
    transformer: float
    reach: float | None

    @property
    def times(self) -> float:
        """How many times as long the transformer takes."""
        return self.transformer / self.off_topic

    def figures(self) -> dict[str, float]:
        """The numbers by name, as a manifest holds them."""
        figures = {"comments": float(self.comments), "transformer_times": round(self.times, 1)}
        return figures if self.reach is None else {**figures, "transformer_times_reach": self.reach}

    def document(self) -> dict[str, Any]:
        """Everything as JSON holds it."""
        document: dict[str, Any] = rounded({**asdict(self), "times": self.times})
        return document


def measure_cost(
    bundle: Bundle, comments: Sequence[Comment], before: Sequence[Comment], encode: Encode, reach: float | None
) -> Cost:
    """Take the times of both, one after the other, in one thread.

    Parameters
    ----------
    bundle : Bundle
    comments : sequence of Comment
        In their contexts.
    before : sequence of Comment
        Others, of which `BEFORE` are scored before the time is taken: a moderator remembers the words it has met.
    encode : callable
        The transformer's.
    reach : float or None
    """
    earlier = before[:BEFORE]
    silent = replace(bundle, abuse=_Silent(bundle.abuse.lexical, bundle.abuse.tone))
    with threadpool_limits(limits=1):
        off_topic = median(_seconds(_scorer(silent, comments), earlier, comments) for _ in range(_REPEATS))
        all_labels = median(_seconds(_scorer(bundle, comments), earlier, comments) for _ in range(_REPEATS))
        transformer = _seconds(lambda some: encode([comment.text for comment in some]), comments[:_WARM], comments)
    return Cost(len(comments), off_topic, all_labels, transformer, reach)


class _Silent(AbuseHead):
    """Abuse heads that take no time: all that is left of a moderator's work is for off_topic."""

    def decision_function(self, X: TextFeatures) -> NDArray[np.float32]:
        return np.zeros((len(X), len(self.labels)), dtype=np.float32)


def _scorer(bundle: Bundle, comments: Sequence[Comment]) -> Action:
    """A moderator that has seen the articles of some comments."""
    moderator = Moderator(bundle)
    moderator.probabilities([Comment("", comment.article) for comment in comments])
    return moderator.probabilities


def _seconds(action: Action, before: Sequence[Comment], comments: Sequence[Comment]) -> float:
    """Time of an action on comments, as this process counts it, after it was done to others."""
    action(before)
    start = time.process_time()
    action(comments)
    return time.process_time() - start
