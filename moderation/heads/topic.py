"""The topic head: does a comment belong under its article, or behind the comment that it answers?"""

from __future__ import annotations

from typing import Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from moderation.heads.aside import AsideHead
from moderation.heads.network import SmallNetwork
from moderation.heads.pairs import COMMON, ArticleFeatures, Pairs, marks_of, sums
from moderation.text.features import TextFeatures
from moderation.text.tokens import TokenBatch

_ASIDE: Final = -1.0  # log-odds from which on a comment as a whole is called an aside
_OTHERS: Final = 0.025  # what a comment counts that nobody judged, against one that somebody did, in what is an aside


class TopicHead(BaseEstimator):
    """How likely a comment is off topic, from three kinds of evidence.

    A small network over `Pairs` says whether the comment is closer to what it was written under than others are; it
    learns most from comments that were moved under another article. An `AsideHead` finds what belongs under no article,
    as people judged it: only where it is rather sure does it raise the log-odds, so that it leaves others alone. And a
    comment that says little is more likely to be called irrelevant than one that says much, whatever it says; where
    every comment was moved once, its length cannot teach that.

    Parameters
    ----------
    lowest : float
        Log-odds that no likeness passes, so that an aside which names the article's subject is still found.
    brevity : float
        Log-odds that a comment loses when it becomes e times as long.
    long : int
        Words from which on it loses no more.
    aside_weight : float
        How far the log-odds rise with those of being an aside,
    aside_from : float
        from there on.

    Attributes
    ----------
    network_ : SmallNetwork
    aside_ : AsideHead or None
        None where people called no comment off topic.
    """

    def __init__(
        self,
        lowest: float = -4.0,
        brevity: float = 0.5,
        long: int = 100,
        aside_weight: float = 1.5,
        aside_from: float = -2.4,
    ) -> None:
        self.lowest = lowest
        self.brevity = brevity
        self.long = long
        self.aside_weight = aside_weight
        self.aside_from = aside_from

    def fit(
        self, X: Pairs, y: ArrayLike, sample_weight: ArrayLike | None = None, judged: ArrayLike | None = None
    ) -> Self:
        """Learn.

        Parameters
        ----------
        X : Pairs
        y : array-like of bool, shape (n_comments,)
            Whether a comment is off topic where it stands.
        sample_weight : array-like of float, shape (n_comments,), optional
            A comment of weight 0 teaches nothing.
        judged : array-like of bool, shape (n_comments,), optional
            Of which comments people say so; all by default. Others that are off topic were moved, and are no asides.

        Raises
        ------
        ValueError
            If all comments are off topic, or none.
        """
        target = np.asarray(y, dtype=bool)
        weight = np.ones(len(X)) if sample_weight is None else np.asarray(sample_weight)
        by_people = np.ones(len(X), dtype=bool) if judged is None else np.asarray(judged)
        rows = np.flatnonzero(weight > 0)
        network = SmallNetwork(hidden=8, alpha=1e-2, passes=30, learning_rate=3e-3, batch_size=256, random_state=0)
        self.network_ = network.fit(X.table[rows], target[rows], sample_weight=weight[rows])
        teaches = (weight > 0) * np.where(by_people, 1.0, _OTHERS * ~target)
        aside = target & by_people
        self.aside_ = AsideHead().fit(X.tokens, aside, teaches) if aside[rows].any() else None
        return self

    def decision_function(self, X: Pairs) -> NDArray[np.float32]:
        """Log-odds of being off topic before calibration, shape (n_comments,)."""
        check_is_fitted(self)
        length = np.minimum(X.column("log_words"), np.log1p(self.long))
        raw = np.logaddexp(self.network_.log_odds(X.table), self.lowest) - self.brevity * length
        if self.aside_ is not None:
            raw += self.aside_weight * np.maximum(self.aside_.decision_function(X.tokens) - self.aside_from, 0)
        return np.asarray(raw, dtype=np.float32)

    def speaks_aside(self, tokens: TokenBatch) -> NDArray[np.bool_]:
        """Which parts of a comment make it an aside.

        Parameters
        ----------
        tokens : TokenBatch
            The comment, then its n parts as texts of their own.

        Returns
        -------
        ndarray of bool, shape (n,)
            Parts that speak for it, if the comment as a whole is one; at least half as much as the one that does most.
        """
        if self.aside_ is None:
            return np.zeros(len(tokens) - 1, dtype=bool)
        whole, *_ = self.aside_.decision_function(tokens)
        found = self.aside_.contributions(tokens)[1:]
        return np.asarray((found > 0) & (found >= found.max(initial=0) / 2) & (whole > _ASIDE))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.target_tags.required = True
        return tags


def unanswered(parts: TextFeatures, article: ArticleFeatures | None, parent: TextFeatures) -> NDArray[np.float32]:
    """Say how far each part of a comment stands alone: with words that neither article nor parent answers.

    That a comment is off topic is a matter of all its words, so leaving out one of them tells little.

    Parameters
    ----------
    parts : TextFeatures
        n parts of one comment.
    article : ArticleFeatures or None
    parent : TextFeatures
        One text, empty where there is no parent.

    Returns
    -------
    ndarray of float32, shape (n,)
        Rarity of a part's unanswered words times one minus its similarity to what is closest in article or parent;
        0 for common words. Words about the site itself count twice.
    """
    hashes = parts.tokens.hashes
    answered = np.concatenate([parent.tokens.hashes, article.words if article is not None else hashes[:0]])
    sides = np.concatenate([parent.vectors, article.vectors if article is not None else parent.vectors[:0]])
    counts = ~np.isin(hashes, answered) & (parts.rarity >= COMMON)
    weights = parts.rarity * counts * (1 + parts.tokens.look_up(marks_of)[:, 0])
    return np.asarray(sums(parts, weights)[0] * (1 - (parts.vectors @ sides.T).max(axis=1).clip(0, 1)))
