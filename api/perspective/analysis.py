"""What `comments:analyze` does: check the request, score the comment and, where wanted, each of its sentences."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from api.engine import Case, Engine
from api.perspective.attributes import label_of
from api.perspective.backend import Backend
from api.perspective.errors import InvalidArgumentError, invalid, no_attributes, unsupported_score_type
from api.perspective.languages import CommentLanguages
from api.perspective.messages import (
    PROBABILITY,
    AnalyzeCommentRequest,
    AnalyzeCommentResponse,
    AttributeParameters,
    AttributeScores,
    Score,
    SpanScore,
)
from api.perspective.place import comment_of
from api.perspective.spans import CodeUnits, sentences
from moderation import Comment
from moderation.labels import OFF_TOPIC

Part = tuple[int, int]
"""Start and end of a part of the comment, as offsets into a Python string."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A score that was asked for."""

    name: str
    label: str
    threshold: float


async def analyze(request: AnalyzeCommentRequest, backend: Backend) -> AnalyzeCommentResponse:
    """Answer a request.

    Raises
    ------
    InvalidArgumentError
        If the request cannot be answered; what Perspective refused is refused in its words.
    """
    comment = comment_of(request.comment, request.context, backend.settings)
    if not request.requested_attributes:
        raise no_attributes()
    languages = CommentLanguages.of(comment.text, request.languages, backend.detector)
    wanted = list(_wanted(request, comment, languages, backend.engine.moderator.labels))
    whole = (0, len(comment.text))
    parts = sentences(comment.text) if request.span_annotations else [whole]
    scored = await _scored(comment, [whole, *parts], backend.engine) if wanted else {}
    units = CodeUnits.of(comment.text)
    answers = {score.name: _answer(score, scored, parts, units) for score in wanted}
    return AnalyzeCommentResponse(
        attribute_scores={name: answer for name, answer in answers.items() if answer is not None},
        languages=list(languages.effective),
        detected_languages=list(languages.detected),
        client_token=request.client_token,
    )


def _wanted(
    request: AnalyzeCommentRequest, comment: Comment, languages: CommentLanguages, labels: Collection[str]
) -> Iterator[Wanted]:
    for name, parameters in request.requested_attributes.items():
        try:
            label = label_of(name, labels)
            if label == OFF_TOPIC and not comment.has_context:
                raise invalid(f"Attribute {name} needs a context: an article, a parent comment, or both.")
            languages.require_taught(name)
        except InvalidArgumentError:
            if not request.drop_unsupported_attributes:
                raise
        else:
            _require_probability(name, parameters)
            yield Wanted(name, label, parameters.score_threshold)


def _require_probability(name: str, parameters: AttributeParameters) -> None:
    if parameters.score_type.upper() not in ("", "SCORE_TYPE_UNSPECIFIED", PROBABILITY):
        raise unsupported_score_type(parameters.score_type, name)


async def _scored(comment: Comment, parts: Sequence[Part], engine: Engine) -> dict[Part, Mapping[str, float]]:
    """Scores by label of each part of a comment, in the comment's place."""
    distinct = list(dict.fromkeys(parts))
    cases = [Case(Comment(comment.text[start:end], comment.article, comment.parent)) for start, end in distinct]
    findings = await engine.judge(cases)
    return {part: finding.verdict.scores for part, finding in zip(distinct, findings, strict=True)}


def _answer(
    wanted: Wanted, scored: Mapping[Part, Mapping[str, float]], parts: Sequence[Part], units: CodeUnits
) -> AttributeScores | None:
    """The scores of an attribute that reach its threshold; None where none does."""
    values = {part: scores[wanted.label] for part, scores in scored.items() if scores[wanted.label] >= wanted.threshold}
    if not values:
        return None
    whole = values.get((0, units.count))
    return AttributeScores(
        summary_score=None if whole is None else Score(value=whole),
        span_scores=[
            SpanScore(begin=units.at(start), end=units.at(end), score=Score(value=values[start, end]))
            for start, end in parts
            if (start, end) in values
        ],
    )
