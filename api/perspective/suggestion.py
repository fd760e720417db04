"""What `comments:suggestscore` does: check what a client says a comment's scores should be, and keep it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from api.perspective.attributes import base_name, suggested_label
from api.perspective.backend import Backend
from api.perspective.errors import invalid, unsupported_score_type
from api.perspective.messages import PROBABILITY, AttributeScores, Score, SuggestCommentScoreRequest
from api.perspective.place import comment_of
from api.perspective.spans import CodeUnits
from api.schemas import mended
from moderation import Action, Article, Comment
from moderation.decisions import Decision, LabelScore

SOURCE: Final = "perspective"

_ACTIONS: Final = {"APPROVED": Action.APPROVE, "HIGHLIGHTED": Action.APPROVE, "DELETED": Action.REJECT}
"""What older versions of Coral name where an attribute belongs: what became of the comment."""
_TRUE: Final = 0.5


def decision_of(request: SuggestCommentScoreRequest, backend: Backend, client: str | None) -> Decision:
    """Read a suggestion.

    Parameters
    ----------
    request : SuggestCommentScoreRequest
    backend : Backend
        Whose model would have scored the comment.
    client : str or None
        Name of the API key.

    Raises
    ------
    InvalidArgumentError
        If it is not formed as a suggestion must be.
    """
    comment = comment_of(request.comment, request.context, backend.settings)
    if not request.attribute_scores:
        raise invalid("Missing attribute_scores")
    units = CodeUnits.of(comment.text)
    scores: list[LabelScore] = []
    action = None
    for name, suggested in request.attribute_scores.items():
        found = list(_label_scores(name, suggested, units))
        decided = _ACTIONS.get(base_name(name))
        if decided is None:
            scores += found
        elif found[0].value >= _TRUE:
            action = decided
    return Decision(
        comment=_linked(comment),
        source=SOURCE,
        model=backend.engine.moderator.model,
        scores=tuple(scores),
        action=action,
        community=request.community_id,
        client=client,
        reference=request.client_token,
        languages=tuple(request.languages),
    )


def _label_scores(name: str, suggested: AttributeScores, units: CodeUnits) -> Iterator[LabelScore]:
    label = suggested_label(name)
    if suggested.summary_score is None and not suggested.span_scores:
        raise invalid(f"Missing scores of attribute {name}")
    if suggested.summary_score is not None:
        yield LabelScore(label, _value(name, suggested.summary_score))
    for span in suggested.span_scores:
        start, end = units.offset(span.begin), units.offset(span.end)
        if start is None or end is None or start >= end:
            raise invalid(f"Span from {span.begin} to {span.end} of attribute {name} is no part of the comment")
        yield LabelScore(label, _value(name, span.score), start, end)


def _value(name: str, score: Score) -> float:
    if score.type.upper() not in ("", "SCORE_TYPE_UNSPECIFIED", PROBABILITY):
        raise unsupported_score_type(score.type, name)
    if not 0 <= score.value <= 1:
        raise invalid(f"Score of attribute {name} must be from 0 to 1")
    return score.value


def _linked(comment: Comment) -> Comment:
    """Read what Coral sends in the article's place: JSON with the address of the story and of the comment in it."""
    if comment.article is None or not comment.article.text.startswith("{"):
        return comment
    try:
        url = json.loads(comment.article.text)["url"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return comment
    return replace(comment, article=Article(url=mended(url))) if isinstance(url, str) else comment
