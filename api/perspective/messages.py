"""The JSON of `comments:analyze` and `comments:suggestscore`, in and out.

Read as Google's servers read JSON (protobuf's mapping, https://protobuf.dev/programming-guides/json): fields in either
spelling, null for what is not there, nothing unknown.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, FiniteFloat, JsonValue, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from api.schemas import Text

MAX_ATTRIBUTES: Final = 50
"""Google had some two dozen; each may be asked for in more than one version."""
MAX_ENTRIES: Final = 100
MAX_SPANS: Final = 1000

PROBABILITY: Final = "PROBABILITY"

_COMMENT: Final[dict[str, JsonValue]] = {"text": "You are an idiot. The bridge was never going to cost 3 million."}
_CONTEXT: Final[dict[str, JsonValue]] = {
    "entries": [
        {"text": "Council approves the new bridge. The council voted 7 to 4 on Tuesday to build ..."},
        {"text": "It will be worth every cent."},
    ]
}
_SCORE: Final[dict[str, JsonValue]] = {"value": 0.93, "type": PROBABILITY}


def _at_most(limit: int) -> BeforeValidator:
    """Refuse a long list or map before its members are looked at, each of which takes time and may be wrong."""

    def check(value: object) -> object:
        if isinstance(value, dict | list) and len(value) > limit:
            raise PydanticCustomError("too_many", "At most {limit} are accepted", {"limit": limit})
        return value

    return BeforeValidator(check)


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _without_nulls(value: object) -> object:
    if not isinstance(value, dict):
        return value
    return {name: {} if member is None else member for name, member in value.items()}


Languages = Annotated[
    list[Text], _at_most(MAX_ENTRIES), BeforeValidator(_listed, json_schema_input_type=list[str] | str)
]


class _Message(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _as_google_reads(cls, data: object) -> object:
        if not isinstance(data, dict):
            return data
        if not data.keys() <= _spellings(cls):
            known = ", ".join(map(to_camel, cls.model_fields))
            raise PydanticCustomError("unknown_field", "Fields other than {known} are not accepted", {"known": known})
        return {name: value for name, value in data.items() if value is not None}


@cache
def _spellings(message: type[_Message]) -> frozenset[str]:
    return frozenset(spelling for name in message.model_fields for spelling in (name, to_camel(name)))


class TextEntry(_Message):
    """A text with its type."""

    text: Text = ""
    type: Text = Field(default="", description="PLAIN_TEXT, which is the default; no other is supported.")


class ArticleAndParentComment(_Message):
    """What a comment stands under, and the comment that it answers."""

    article: TextEntry = TextEntry()
    parent_comment: TextEntry = TextEntry()


class Context(_Message):
    """The place of a comment, in one of two forms."""

    entries: Annotated[list[TextEntry], _at_most(MAX_ENTRIES)] = Field(
        default=[], description="The article first, then the parent comment; further ones are not read."
    )
    article_and_parent_comment: ArticleAndParentComment | None = None


class AttributeParameters(_Message):
    """How an attribute is wanted."""

    score_type: Text = Field(default="", description="PROBABILITY, which is the default; no other is supported.")
    score_threshold: FiniteFloat = Field(default=0.0, description="Scores below it are left out.")


class AnalyzeCommentRequest(_Message):
    """A comment, and the attributes to score it for."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "comment": _COMMENT,
                    "context": _CONTEXT,
                    "requestedAttributes": {"TOXICITY": {}, "OFF_TOPIC": {"scoreThreshold": 0.5}},
                    "languages": ["en"],
                }
            ]
        }
    )

    comment: TextEntry = Field(default=TextEntry(), description="At most 20,480 bytes of UTF-8.")
    context: Context = Field(default=Context(), description="Needed for OFF_TOPIC.")
    requested_attributes: Annotated[
        dict[Text, AttributeParameters], _at_most(MAX_ATTRIBUTES), BeforeValidator(_without_nulls)
    ] = Field(default={}, description="The attributes by name; {} asks for nothing special.")
    languages: Languages = Field(default=[], description="Of the comment; detected where none is given.")
    do_not_store: bool = Field(default=False, description="Without effect: nothing of such a request is stored.")
    client_token: Text | None = Field(default=None, description="Comes back in the answer.")
    session_id: Text | None = Field(default=None, description="Not read.")
    community_id: Text | None = Field(default=None, description="Not read.")
    span_annotations: bool = Field(default=False, description="Whether to score every sentence, too.")
    drop_unsupported_attributes: bool = Field(
        default=False, description="Whether to leave out attributes that cannot be scored, instead of refusing."
    )


class Score(_Message):
    """A score between 0 and 1."""

    value: FiniteFloat
    type: Text = PROBABILITY


class SpanScore(_Message):
    """The score of a part of the comment."""

    begin: int = Field(description="First UTF-16 code unit of the part, counted from 0.")
    end: int = Field(description="The code unit behind its last one.")
    score: Score


class AttributeScores(_Message):
    """The scores of one attribute."""

    span_scores: Annotated[list[SpanScore], _at_most(MAX_SPANS)] = []
    summary_score: Score | None = Field(default=None, description="Of the comment as a whole.")


class AnalyzeCommentResponse(_Message):
    """The scores that were asked for."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "attributeScores": {
                        "TOXICITY": {
                            "spanScores": [{"begin": 0, "end": 63, "score": _SCORE}],
                            "summaryScore": _SCORE,
                        }
                    },
                    "languages": ["en"],
                    "detectedLanguages": ["en"],
                }
            ]
        }
    )

    attribute_scores: dict[str, AttributeScores] = Field(description="By the names that were asked for.")
    languages: list[str] = Field(description="Those of the request, or else those detected.")
    detected_languages: list[str] = Field(description="Those that the text seems to be in.")
    client_token: str | None = Field(default=None, description="That of the request.")


class SuggestCommentScoreRequest(_Message):
    """A comment, and the scores that it should have got."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "comment": _COMMENT,
                    "attributeScores": {"TOXICITY": {"summaryScore": {"value": 1}}},
                    "communityId": "Coral:https://comments.example.org",
                    "clientToken": "comment:17",
                }
            ]
        }
    )

    comment: TextEntry = Field(default=TextEntry(), description="At most 20,480 bytes of UTF-8.")
    context: Context = Field(default=Context(), description="Kept with the comment.")
    attribute_scores: Annotated[
        dict[Text, AttributeScores], _at_most(MAX_ATTRIBUTES), BeforeValidator(_without_nulls)
    ] = Field(default={}, description="The scores by attribute, each from 0 to 1.")
    languages: Languages = Field(default=[], description="Of the comment.")
    community_id: Text | None = Field(default=None, description="Kept with the comment.")
    client_token: Text | None = Field(default=None, description="Kept with the comment; comes back in the answer.")
    session_id: Text | None = Field(default=None, description="Not read.")
    do_not_store: bool = Field(default=False, description="Whether to check the suggestion only and keep nothing.")


class SuggestCommentScoreResponse(_Message):
    """The suggestion was read and, unless that was not wanted, is kept."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"clientToken": "comment:17", "detectedLanguages": ["en"]}]}
    )

    client_token: str | None = Field(default=None, description="That of the request.")
    detected_languages: list[str] = Field(description="Those that the text seems to be in.")
    requested_languages: list[str] | None = Field(default=None, description="Those of the request, where it had any.")
