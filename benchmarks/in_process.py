"""Batches, single comments and long ones in one process on one core, beside other ways of scoring them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from typing import Final

from bert import classifier
from clock import on_each, one_core
from rows import Aim, Row
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from texts import distinct, sample

from moderation import Comment, Moderator

BATCH: Final = 6_000
BATCHES: Final = 4
"""One more than count."""
BEFORE: Final = 10_000
"""Comments that are scored before any time is taken: a moderator remembers the words it has met."""
ALONE: Final = 1_000
"""Comments that are scored one by one."""
FOR_BERT: Final = 128
"""Comments that BERT gets at a time: it takes its own."""
_BATCH_NAME: Final = "batch in process, all labels and off_topic, one core"
_SPEED: Final = "comments a second"


def rows(moderator: Moderator) -> list[Row]:
    """Measure; no comment is scored twice in the same way."""
    comments = distinct(BEFORE + BATCHES * BATCH + ALONE)
    before, batches, alone = comments[:BEFORE], comments[BEFORE:-ALONE], comments[-ALONE:]
    with one_core():
        moderator.score(before)
        ours, profanity, hashed = _in_batches(moderator, list(_batches(batches, BATCH)))
        others = [*_one_by_one(moderator, alone), _by_length(moderator)]
        bert = _bert(list(_batches(batches, FOR_BERT))[:3])
    return [
        Row(_BATCH_NAME, _SPEED, ours, "a BERT-base forward pass on two cores", bert, 4000),
        Row(_BATCH_NAME, _SPEED, ours, "alt-profanity-check, predict_prob", profanity, 1.5),
        Row(_BATCH_NAME, _SPEED, ours, "HashingVectorizer(char_wb, 2 to 5) and LogisticRegression", hashed, 8),
        *others,
    ]


def _batches(comments: Sequence[Comment], size: int) -> Iterator[Sequence[Comment]]:
    return (comments[start : start + size] for start in range(0, len(comments), size))


def _texts(comments: Sequence[Comment]) -> list[str]:
    return [comment.text for comment in comments]


def _in_batches(moderator: Moderator, batches: Sequence[Sequence[Comment]]) -> tuple[float, float | None, float]:
    """Comments a second: ours, alt-profanity-check's where it is installed, those of a hashed linear model."""
    hashed, profanity = _hashed_model(), _profanity_check()
    actions: list[Callable[[Sequence[Comment]], object]] = [
        moderator.score,
        lambda batch: hashed.predict_proba(_texts(batch)),
    ]
    if profanity is not None:
        actions.append(lambda batch: profanity(_texts(batch)))
    ours, theirs, *other = (BATCH / taken for taken in on_each(batches, *actions))
    return ours, other[0] if other else None, theirs


def _one_by_one(moderator: Moderator, comments: Sequence[Comment]) -> list[Row]:
    hashed = _hashed_model()
    third = len(comments) // 3
    ours, theirs = on_each(
        comments[:third],
        lambda comment: moderator.score([Comment(comment.text)]),
        lambda comment: hashed.predict_proba([comment.text]),
    )
    [in_place] = on_each(comments[third : 2 * third], lambda comment: moderator.score([comment]))
    [explained] = on_each(comments[2 * third :], lambda comment: moderator.explain(comment, ["insult"]))
    name, unit = "one comment in process", "microseconds"
    against = "HashingVectorizer(char_wb, 2 to 5) and one linear model"
    return [
        Row(f"{name}, all labels", unit, 1e6 * ours, against, 1e6 * theirs, 0.6, Aim.AT_MOST),
        Row(f"{name}, all labels and off_topic", unit, 1e6 * in_place),
        Row(f"{name}, explained", unit, 1e6 * explained),
    ]


def _by_length(moderator: Moderator) -> Row:
    """Texts that begin at one sentence of many after the other, so that none is another's beginning."""
    text = " ".join(comment.text for comment in distinct(4_000))
    starts = range(0, 300_000, 10_000)
    ours, theirs = on_each(
        starts,
        lambda start: moderator.score([Comment(text[start : start + 20_480])]),
        lambda start: moderator.score([Comment(text[-start - 205 : -start or None])]),
    )
    return Row("20,480 bytes, all labels", "microseconds", 1e6 * ours, "205 bytes", 1e6 * theirs, 110, Aim.AT_MOST)


def _bert(batches: Sequence[Sequence[Comment]]) -> float | None:
    """Comments a second on two cores: twice those on one, which is more than two would do."""
    scores = classifier()
    if scores is None:
        return None
    [taken] = on_each(batches, lambda batch: scores(_texts(batch)))
    return 2 * FOR_BERT / taken


def _profanity_check() -> Callable[[Sequence[str]], object] | None:
    if find_spec("profanity_check") is None:
        return None
    from profanity_check import predict_prob  # noqa: PLC0415 - in the extra `bench`

    return predict_prob


def _hashed_model() -> Pipeline:
    """A linear model as one would write it in three lines."""
    comments = sample()
    model = make_pipeline(HashingVectorizer(analyzer="char_wb", ngram_range=(2, 5)), LogisticRegression())
    return model.fit([comment.text for comment in comments], [len(comment.text) > 100 for comment in comments])
