"""Excerpts of articles that stand in for comments under them."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from moderation.comment import Article, Comment
from moderation.corpora.labelled import LabelledComments
from moderation.errors import RecipeError

_SHORTEST_ARTICLE: Final = 120  # words
_SHORTEST, _LONGEST = 3, 40  # words of an excerpt
_PER_ARTICLE: Final = 2
_BODY_SHARE: Final = 0.6


def excerpts(corpus: LabelledComments, count: int, seed: int) -> LabelledComments:
    """Cut pieces out of articles, each of which belongs under what is left of its own.

    Few comments come with the whole article that they were written under; articles abound. The pieces come from the
    last third, of all lengths that comments have, and stand under the title; six in ten of them with the first two
    thirds as body.

    Parameters
    ----------
    corpus : LabelledComments
        Its texts are articles; their titles are those of the article of each.
    count : int
        How many articles to take.
    seed : int

    Raises
    ------
    RecipeError
        If fewer than two articles are long enough.
    """
    generator = np.random.default_rng(seed)
    split = [comment.text.split() for comment in corpus.comments]
    long = [row for row in generator.permutation(len(split)).tolist() if len(split[row]) >= _SHORTEST_ARTICLE]
    if len(long) < 2:
        raise RecipeError(f"{corpus.source}: fewer than two texts have {_SHORTEST_ARTICLE} words to cut excerpts from")
    chosen = np.repeat(long[:count], _PER_ARTICLE).tolist()
    return replace(
        corpus,
        comments=[_excerpt(corpus.comments[row], split[row], generator) for row in chosen],
        groups=[str(corpus.rows[row]) for row in chosen],
        columns={},
        rows=[corpus.rows[row] for row in chosen],
    )


def _excerpt(source: Comment, words: list[str], generator: np.random.Generator) -> Comment:
    kept = len(words) * 2 // 3
    length = int(np.exp(generator.uniform(np.log(_SHORTEST), np.log(_LONGEST))))
    start = kept + int(generator.integers(len(words) - kept - length + 1)) if len(words) - kept > length else kept
    title = source.article.title if source.article else ""
    body = " ".join(words[:kept]) if generator.random() < _BODY_SHARE else ""
    return Comment(" ".join(words[start : start + length]), Article(title, body))
