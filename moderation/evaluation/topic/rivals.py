"""Other ways of telling what is off topic: the comment is short, or unlike all that it stands under."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import normalize
from threadpoolctl import threadpool_limits

from moderation.comment import Article, Comment
from moderation.corpora import LabelledComments
from moderation.evaluation.topic.contexts import word_counts
from moderation.evaluation.topic.sides import Sides, whole
from moderation.evaluation.topic.transformer import Transformer

LSA_DIMENSIONS: Final = 300
LSA_TEXTS: Final = 8_000
"""Texts from which LSA learns, at most; more only take longer."""

Rival = Callable[[Sequence[Comment]], NDArray[np.float64]]
"""Says of each comment how far it is off topic, on a scale of its own."""


def shortness(comments: Sequence[Comment]) -> NDArray[np.float64]:
    """Minus the number of words."""
    return -word_counts(comments).astype(np.float64)


class Lexical:
    """Cosines of TF-IDF and LSA (Deerwester et al. 1990) that know the words of one corpus.

    Parameters
    ----------
    corpus : LabelledComments
        Its comments and articles, each once, are what both learn from.
    """

    def __init__(self, corpus: LabelledComments) -> None:
        articles: set[Article] = {comment.article for comment in corpus.comments if comment.article}
        of_articles = chain.from_iterable((article.title, article.text) for article in articles)
        texts = chain((comment.text for comment in corpus.comments), of_articles)
        self._texts = sorted({text for text in texts if text.strip()})

    @cached_property
    def _vectoriser(self) -> TfidfVectorizer:
        return TfidfVectorizer(sublinear_tf=True, stop_words="english", min_df=2).fit(self._texts)

    @cached_property
    def _projection(self) -> TruncatedSVD:
        drawn = np.random.default_rng(0).permutation(len(self._texts))[:LSA_TEXTS]
        counts = self._vectoriser.transform([self._texts[at] for at in drawn])
        with threadpool_limits(limits=1):  # threads that wait for each other take ten times as long
            return TruncatedSVD(min(LSA_DIMENSIONS, *counts.shape), random_state=0).fit(counts)

    def tfidf(self, comments: Sequence[Comment]) -> NDArray[np.float64]:
        """Minus the best cosine of TF-IDF vectors."""
        sides = Sides.of(comments, whole)
        return -sides.best(csr_array(self._vectoriser.transform(sides.texts)), len(comments))

    def lsa(self, comments: Sequence[Comment]) -> NDArray[np.float64]:
        """Minus the best cosine of their projections."""
        sides = Sides.of(comments, whole)
        projected = self._projection.transform(self._vectoriser.transform(sides.texts))
        return -sides.best(normalize(projected), len(comments))


def rivals(corpus: LabelledComments, transformer: Transformer | None) -> dict[str, Rival]:
    """All rivals on one corpus, by name."""
    lexical = Lexical(corpus)
    found: dict[str, Rival] = {"shortness": shortness, "tfidf": lexical.tfidf, "lsa": lexical.lsa}
    return found if transformer is None else {**found, "transformer": transformer.unlikeness}
