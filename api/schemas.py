"""The JSON of `/v1`, in and out."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Annotated, ClassVar, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError

from api.engine import Case, Finding
from moderation import Article, Comment, Placement, Span
from moderation.articles import Name
from moderation.labels import LABELS
from moderation.verdict import Action, MarkKind, Side

_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")

_ARTICLE: dict[str, JsonValue] = {
    "title": "Council approves the new bridge",
    "text": "The council voted 7 to 4 on Tuesday to build ...",
}
_URL = "https://harbour.example/bridge"
_REQUEST: dict[str, JsonValue] = {
    "comment": {"text": "You are an idiot. The bridge was never going to cost 3 million."},
    "article": _ARTICLE,
    "parent": {"text": "It will be worth every cent."},
    "community": "local-news",
}
_RESULT: dict[str, JsonValue] = {
    "scores": {
        "toxicity": 0.93,
        "severe_toxicity": 0.04,
        "identity_attack": 0.01,
        "insult": 0.95,
        "profanity": 0.08,
        "threat": 0.01,
        "spam": 0.002,
        "off_topic": 0.03,
    },
    "flags": ["toxicity", "insult"],
    "action": "review",
}
_SPANS: list[JsonValue] = [{"start": 11, "end": 16, "label": "insult", "weight": 2.4}]
_PLACEMENT: JsonValue = {
    "closest": [{"side": "title", "start": 0, "end": 31, "similarity": 0.61}],
    "marks": [{"kind": "person", "start": 0, "end": 3}],
    "says_little": False,
}
_MODEL = "default 0.1.0"


def mended(text: str) -> str:
    """Replace halves of characters, which programs that cut strings at UTF-16 units send, one for one."""
    return text if text.isascii() else _LONE_SURROGATE.sub("\ufffd", text)


Text = Annotated[str, BeforeValidator(lambda value: mended(value) if isinstance(value, str) else value)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    _known: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def __pydantic_init_subclass__(cls, **_: object) -> None:
        """Note the fields once; pydantic takes as long to name them as to read a comment."""
        cls._known = frozenset(cls.model_fields)

    @model_validator(mode="before")
    @classmethod
    def _knows_every_field(cls, data: object) -> object:
        # pydantic alone would collect one complaint, with the field's name, for each of a million unknown fields
        if isinstance(data, dict) and not data.keys() <= cls._known:
            known = ", ".join(cls.model_fields)
            raise PydanticCustomError("unknown_field", "Fields other than {known} are not accepted", {"known": known})
        return data


class CommentIn(_Strict):
    """A comment as its author typed it; may be empty."""

    text: Text


class _Article(_Strict):
    title: Text = ""
    text: Text = ""
    url: Text | None = None

    def to_article(self) -> Article:
        """The same for the model."""
        return Article(self.title, self.text, self.url)


class ArticleGiven(_Article):
    """An article under which comments will be judged."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**_ARTICLE, "url": _URL}]})

    url: Text | None = Field(default=None, description="Names it, too, exactly as it stands here.")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.to_article():
            raise PydanticCustomError("empty_article", "There must be a title or a text to compare comments with")
        return self


class ArticleKept(BaseModel):
    """An article as it was given."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"id": "bridge", **_ARTICLE, "url": _URL}]})

    id: str
    title: str
    text: str
    url: str | None = None

    @classmethod
    def of(cls, id_: str, article: Article) -> Self:
        """The same as JSON."""
        return cls(id=id_, title=article.title, text=article.text, url=article.url)


class ArticleIn(_Article):
    """What the comment stands under: the article itself, or `id` or `url` alone of one given before."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ARTICLE, {"id": "bridge"}, {"url": _URL}]})

    url: Text | None = Field(default=None, description="Read only where it stands alone.")
    id: Text | None = Field(default=None, description="Of an article given before; stands alone.")

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        if self.id is not None and (self.title or self.text or self.url):
            raise PydanticCustomError("article_twice", "An id stands alone: it names an article given before")
        return self

    @property
    def name(self) -> tuple[Name, str] | None:
        """By what the article is to be found; None where it is itself here."""
        if self.id is not None:
            return "id", self.id
        if self.url is not None and self.model_fields_set == {"url"}:
            return "url", self.url
        return None


class ScoreRequest(_Strict):
    """One comment to be judged, with what is known of its place."""

    model_config = ConfigDict(json_schema_extra={"examples": [_REQUEST]})

    comment: CommentIn
    article: ArticleIn | None = Field(default=None, description="With it, or a parent, there is an off-topic score.")
    parent: CommentIn | None = Field(default=None, description="The comment that this one answers.")
    community: Text | None = Field(default=None, description="Whose thresholds apply; an unknown one gets the site's.")
    explain: bool = Field(
        default=False, description="Whether to name the parts of the comment that speak for its flags."
    )

    def to_case(self, article: Article | None) -> Case:
        """The same for the engine, with the article that was sent or is named."""
        comment = Comment(self.comment.text, article, self.parent.text if self.parent else None)
        return Case(comment, self.community, self.explain)


class BatchRequest(_Strict):
    """Comments to be judged together, which takes far less time than one by one."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"comments": [_REQUEST, {"comment": {"text": "Thanks, well put."}}]}]}
    )

    comments: list[ScoreRequest]


class SpanOut(BaseModel):
    """A part of the comment that speaks for a label."""

    start: int = Field(description="First character, counted from 0 in Unicode code points.")
    end: int = Field(description="The character behind the last one.")
    label: str
    weight: float = Field(description="By how much the part raises the label's log-odds.")

    @classmethod
    def of(cls, span: Span) -> Self:
        """The same as JSON."""
        return cls(start=span.start, end=span.end, label=span.label, weight=span.weight)


class PassageOut(BaseModel):
    """A part of the article, or the parent, that the comment is close to."""

    side: Side
    start: int = Field(description="First character in that text, counted from 0 in Unicode code points.")
    end: int = Field(description="The character behind the last one.")
    similarity: float = Field(description="Cosine of the embeddings, from -1 to 1.")


class MarkOut(BaseModel):
    """A part of the comment that looks away from the article."""

    kind: MarkKind
    start: int = Field(description="First character, counted from 0 in Unicode code points.")
    end: int = Field(description="The character behind the last one.")


class PlacementOut(BaseModel):
    """Why the comment is, or is not, thought to belong where it stands."""

    closest: list[PassageOut] = Field(description="What it is closest to, best first.")
    marks: list[MarkOut] = Field(description="What looks away from the article, by position.")
    says_little: bool = Field(description="Too short to say by itself where it belongs.")

    @classmethod
    def of(cls, placement: Placement) -> Self:
        """The same as JSON."""
        return cls.model_validate(asdict(placement))


class Result(BaseModel):
    """What was found about one comment."""

    model_config = ConfigDict(json_schema_extra={"examples": [_RESULT]})

    scores: dict[str, float] = Field(
        description="Probability per label; off_topic is absent where there was neither article nor parent."
    )
    flags: list[str] = Field(description="Labels at or above their threshold.")
    action: Action = Field(description="What the thresholds say to do with the comment.")
    spans: list[SpanOut] | None = Field(default=None, description="Only where `explain` was true.")
    placement: PlacementOut | None = Field(
        default=None, description="Only where `explain` was true and there is an off-topic score."
    )

    @classmethod
    def of(cls, finding: Finding, **more: str) -> Self:
        """The same as JSON, with `more` fields of a subclass."""
        verdict, spans = finding.verdict, finding.spans
        return cls(
            scores=dict(verdict.scores),
            flags=list(verdict.flags),
            action=verdict.action,
            spans=None if spans is None else [SpanOut.of(span) for span in spans],
            placement=None if finding.placement is None else PlacementOut.of(finding.placement),
            **more,
        )


class ScoreResponse(Result):
    """What was found, and by which model."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{**_RESULT, "spans": _SPANS, "placement": _PLACEMENT, "model": _MODEL}]}
    )

    model: str = Field(description="Name and version of the bundle.")


class BatchResponse(BaseModel):
    """What was found, in the order of the comments, and by which model."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"results": [_RESULT], "model": _MODEL}]})

    results: list[Result]
    model: str = Field(description="Name and version of the bundle.")


class Alive(BaseModel):
    """The process answers."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "ok"}]})

    status: str = "ok"


class Ready(BaseModel):
    """The bundle is loaded and verified."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"status": "ready", "model": _MODEL, "labels": list(LABELS)}]}
    )

    status: str = "ready"
    model: str = Field(description="Name and version of the bundle.")
    labels: list[str] = Field(description="The labels that answers may hold.")
