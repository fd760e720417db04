"""What an off-topic score rests on: the passages that a comment is closest to, and the marks that speak against it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from moderation.comment import Comment
from moderation.heads.pairs import MARKS, ArticleFeatures, marks_of, passages_of
from moderation.heads.topic import TopicHead
from moderation.text.features import TextFeatures
from moderation.verdict import Mark, MarkKind, Passage, Side

FEW_WORDS: Final = 6
"""A comment of fewer words is too short to say where it belongs."""
_MOST: Final = 3
_KINDS: Final = {MarkKind.SITE: "meta", MarkKind.LINK: "link", MarkKind.PERSON: "second_person"}


def closest(
    comment: Comment, vector: NDArray[np.float32], article: ArticleFeatures | None, parent: TextFeatures
) -> tuple[Passage, ...]:
    """Find what a comment is closest to, best first; at most three passages.

    Parameters
    ----------
    comment : Comment
    vector : ndarray of float32, shape (n_dimensions,)
        Its unit embedding.
    article : ArticleFeatures or None
    parent : TextFeatures
        One text, empty where there is no parent.
    """
    found = sorted(_passages(comment, vector, article, parent), key=lambda passage: -passage.similarity)
    return tuple(found[:_MOST])


def _passages(
    comment: Comment, vector: NDArray[np.float32], article: ArticleFeatures | None, parent: TextFeatures
) -> Iterator[Passage]:
    if article is not None and comment.article is not None:
        near = (article.vectors @ vector).tolist()
        if comment.article.title:
            yield Passage(Side.TITLE, 0, len(comment.article.title), near[0])
        for (start, end), similarity in zip(passages_of(comment.article.text), near[2:], strict=True):
            yield Passage(Side.TEXT, start, end, similarity)
    if comment.parent:
        yield Passage(Side.PARENT, 0, len(comment.parent), float(parent.vectors[0] @ vector))


def marks(parts: Sequence[tuple[int, int]], texts: TextFeatures, head: TopicHead) -> Iterator[Mark]:
    """Find the parts of a comment that look away from the article, by position.

    Parameters
    ----------
    parts : sequence of (int, int)
        Of its text, see `moderation.explanation.parts_of`.
    texts : TextFeatures
        The comment, then each of its parts as a text of its own.
    head : TopicHead
    """
    found = texts.tokens.sums(marks_of)[1:]
    named = {kind: found[:, list(MARKS).index(name)] > 0 for kind, name in _KINDS.items()}
    named[MarkKind.ASIDE] = head.speaks_aside(texts.tokens)
    for at, (start, end) in enumerate(parts):
        yield from (Mark(kind, start, end) for kind in MarkKind if named[kind][at])
