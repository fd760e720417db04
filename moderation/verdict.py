"""What goes out: scores, flags, an action and, where asked for, the reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """What to do with a comment, mildest first."""

    APPROVE = "approve"
    REVIEW = "review"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a comment that speaks for a label.

    Parameters
    ----------
    start, end : int
        Offsets into the comment's text as a Python string, end exclusive.
    label : str
        One of `moderation.labels.LABELS`.
    weight : float
        By how much the part raises the label's log-odds; above 0.
    """

    start: int
    end: int
    label: str
    weight: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer for one comment.

    Parameters
    ----------
    scores : mapping of str to float
        Probability per label, in [0, 1]. ``off_topic`` is absent where there was
        neither article nor parent.
    flags : tuple of str
        Labels whose score reached their threshold, in the order of `LABELS`.
    action : Action
        What the policy says to do.
    """

    scores: Mapping[str, float]
    flags: tuple[str, ...]
    action: Action
