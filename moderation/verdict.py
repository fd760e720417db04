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


class Side(StrEnum):
    """A text that a comment is held against."""

    TITLE = "title"
    TEXT = "text"
    PARENT = "parent"


class MarkKind(StrEnum):
    """What a part of a comment that looks away from the article is about."""

    SITE = "site"
    """The site itself: its votes, moderators, accounts."""
    LINK = "link"
    PERSON = "person"
    """Somebody who is spoken to."""
    ASIDE = "aside"
    """What belongs under no article: adverts, private messages, appeals to anybody."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of the article, or the parent, that a comment is close to.

    Parameters
    ----------
    side : Side
    start, end : int
        Offsets into that text as a Python string, end exclusive.
    similarity : float
        Cosine of the embeddings, in [-1, 1].
    """

    side: Side
    start: int
    end: int
    similarity: float


@dataclass(frozen=True, slots=True)
class Mark:
    """A part of a comment that looks away from the article; offsets as in `Span`."""

    kind: MarkKind
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Placement:
    """Why a comment is, or is not, thought to belong where it stands.

    Parameters
    ----------
    closest : tuple of Passage
        What it is closest to, best first; at most three.
    marks : tuple of Mark
        By position.
    says_little : bool
        It is too short to say by itself where it belongs: unless it is an aside, its parent decides, or the usual rate.
    """

    closest: tuple[Passage, ...]
    marks: tuple[Mark, ...]
    says_little: bool


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
