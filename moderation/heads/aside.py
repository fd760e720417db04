"""The aside head: words of comments that belong under no article at all."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from moderation.text.hashing import places_of
from moderation.text.tokens import TokenBatch
from moderation.text.vocabulary import Words


class AsideHead(BaseEstimator):
    """Logistic regression on the TF-IDF of words: talk about the site, adverts, private messages, appeals to anybody.

    Repeated words are counted one by one, in a text's length as well, see `NgramTfidf`.

    Parameters
    ----------
    C : float
        Inverse strength of the ridge penalty.
    rarest : int
        Texts that a word must stand in to be known.

    Attributes
    ----------
    hashes_ : ndarray of uint64, shape (n_known,)
        Of the known words, ascending.
    table_ : ndarray of float32, shape (n_known + 1, 2)
        Coefficient times IDF, and IDF squared, of each known word; a last row of zeros for all others.
    intercept_ : float
    """

    def __init__(self, C: float = 3.0, rarest: int = 2) -> None:
        self.C = C
        self.rarest = rarest

    def fit(self, X: TokenBatch, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Learn.

        Parameters
        ----------
        X : TokenBatch
        y : array-like of bool, shape (n_texts,)
        sample_weight : array-like of float, shape (n_texts,), optional
            A text of weight 0 teaches nothing, not even a word.

        Raises
        ------
        ValueError
            If there are texts of one class only.
        """
        weight = np.ones(len(X)) if sample_weight is None else np.asarray(sample_weight)
        rows = np.flatnonzero(weight > 0)
        words, columns = np.unique(X.hashes, return_inverse=True)
        counts = csr_matrix((np.ones(len(columns)), columns, X.indptr), shape=(len(X), len(words)))[rows]
        counts.sum_duplicates()
        found = np.bincount(counts.indices, minlength=len(words))
        known = np.flatnonzero(found >= self.rarest)
        idf = np.log(len(rows) / found[known]) + 1
        counts = counts[:, known]
        lengths = np.sqrt(counts @ idf**2)
        scaled = counts.multiply(idf).multiply(1 / np.where(lengths > 0, lengths, 1)[:, None]).tocsr()
        inner = LogisticRegression(C=self.C, max_iter=300).fit(scaled, np.asarray(y)[rows], sample_weight=weight[rows])
        table = np.column_stack([inner.coef_[0] * idf, idf**2])
        self.hashes_ = words[known]
        self.table_ = np.concatenate([table, np.zeros((1, 2))]).astype(np.float32)
        self.intercept_ = float(inner.intercept_[0])
        return self

    def of_words(self, words: Words) -> NDArray[np.float32]:
        """Rows of `table_` for some words, shape (n_words, 2)."""
        return self.table_[places_of(words.hashes, self.hashes_)]  # -1, for a word not known, is the last row

    def decision_function(self, X: TokenBatch) -> NDArray[np.float32]:
        """Log-odds of belonging nowhere, shape (n_texts,); those of a text without known words are the intercept."""
        check_is_fitted(self)
        sums, squares = X.sums(self.of_words).T
        return np.asarray(sums / np.sqrt(np.where(squares > 0, squares, 1)) + self.intercept_)

    def contributions(self, X: TokenBatch) -> NDArray[np.float32]:
        """What the words of each text would add to the log-odds of a text of length 1, shape (n_texts,)."""
        return np.asarray(X.sums(self.of_words)[:, 0])

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.target_tags.required = True
        return tags
