"""One decision: a comment in its place, and what people said it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from moderation.comment import Comment
from moderation.verdict import Action


@dataclass(frozen=True, slots=True)
class LabelScore:
    """How far a label holds, as a moderator sees it.

    Parameters
    ----------
    label : str
        One of `moderation.labels.LABELS`, or what another vocabulary names.
    value : float
        From 0, it does not hold, to 1, it does.
    start, end : int or None
        The part of the comment that is meant, as offsets into a Python string; None for all of it.
    """

    label: str
    value: float
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about a comment.

    Parameters
    ----------
    comment : Comment
        With the article and the parent, as far as they are known.
    source : str
        The interface that it came through.
    model : str
        Name and version of the bundle that was serving.
    scores : sequence of LabelScore
        The labels that were judged.
    action : Action or None
        What became of the comment, where that was said.
    community, client : str or None
        The forum, and the name of the API key that it used.
    reference : str or None
        The client's own name for the comment; a later decision with the same one takes the place of this.
    languages : sequence of str
        ISO 639-1 or BCP 47.
    at : datetime
        With a time zone; now by default.
    """

    comment: Comment
    source: str
    model: str
    scores: tuple[LabelScore, ...] = ()
    action: Action | None = None
    community: str | None = None
    client: str | None = None
    reference: str | None = None
    languages: tuple[str, ...] = ()
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
