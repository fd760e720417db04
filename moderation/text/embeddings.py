"""Static embeddings: one vector per word, a text is their sum. A sentence transformer taught them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags

from moderation.text.tokens import TokenBatch, tokenise


class StaticEmbeddings(TransformerMixin, BaseEstimator):
    """A table of word vectors in 8 bits, and how rare each word is.

    Attributes
    ----------
    hashes_ : ndarray of uint64, shape (n_known,)
        Hashes of the known words, ascending.
    codes_ : ndarray of int8, shape (n_known, n_dimensions)
        Vectors; row i times ``scales_[i]`` is the vector of word i. A word's weight in a sum is its vector's length.
    scales_ : ndarray of float32, shape (n_known,)
    idf_ : ndarray of float32, shape (n_known,)
        Natural logarithm of (number of texts / number of texts with the word).
    """

    hashes_: NDArray[np.uint64]
    codes_: NDArray[np.int8]
    scales_: NDArray[np.float32]
    idf_: NDArray[np.float32]

    @classmethod
    def from_table(cls, words: Sequence[str], vectors: ArrayLike, idf: ArrayLike) -> Self:
        """Quantise a table of vectors.

        Parameters
        ----------
        words : sequence of str
            Distinct words as `moderation.text.tokens.words` gives them.
        vectors : array-like of float, shape (n_words, n_dimensions)
        idf : array-like of float, shape (n_words,)
        """
        self = cls()
        hashes = tokenise(list(words)).hashes
        if len(hashes) != len(words):
            raise ValueError("every entry of `words` must be exactly one word")
        order = np.argsort(hashes)
        table = np.asarray(vectors, dtype=np.float32)[order]
        scales = np.maximum(np.abs(table).max(axis=1), np.finfo(np.float32).tiny) / 127
        self.hashes_ = hashes[order]
        self.codes_ = np.round(table / scales[:, None]).astype(np.int8)
        self.scales_ = scales.astype(np.float32)
        self.idf_ = np.asarray(idf, dtype=np.float32)[order]
        return self

    @property
    def n_dimensions(self) -> int:
        """Length of a vector."""
        return int(self.codes_.shape[1])

    def fit(self, X: Sequence[str] | TokenBatch, y: object = None) -> Self:  # noqa: ARG002
        """Do nothing: the table comes from `from_table`."""
        return self

    def transform(self, X: Sequence[str] | TokenBatch) -> NDArray[np.float32]:
        """Embed texts.

        Returns
        -------
        ndarray of float32, shape (n_texts, n_dimensions)
            Of length 1; of length 0 for a text without a known word.
        """
        batch = X if isinstance(X, TokenBatch) else tokenise(X)
        return unit_rows(self.sums(self.rows(batch.hashes), batch.indptr))

    def rows(self, hashes: NDArray[np.uint64]) -> NDArray[np.intp]:
        """Row of each word in the table, -1 for an unknown one."""
        found = np.minimum(np.searchsorted(self.hashes_, hashes), len(self.hashes_) - 1)
        return np.where(self.hashes_[found] == hashes, found, -1)

    def rarity(self, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        """Inverse document frequency of words by their row; an unknown word is as rare as the rarest known one."""
        return np.where(rows >= 0, self.idf_[rows], self.idf_.max()).astype(np.float32)

    def sums(self, rows: NDArray[np.intp], indptr: NDArray[np.intp]) -> NDArray[np.float32]:
        """Sum of the vectors of ``rows[indptr[i]:indptr[i + 1]]`` for each i, shape (n, n_dimensions)."""
        known = rows >= 0
        ends = np.concatenate([[0], np.cumsum(known)])[indptr]
        picked = rows[known]
        used, columns = np.unique(picked, return_inverse=True)
        weights = csr_matrix((self.scales_[picked], columns, ends), shape=(len(indptr) - 1, len(used)))
        return np.asarray(weights @ self.codes_[used].astype(np.float32), dtype=np.float32)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.requires_fit = False
        return tags


def unit_rows(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale each row to length 1; rows of zeros stay."""
    lengths = np.sqrt(np.einsum("ij,ij->i", matrix, matrix))[:, None]
    return np.asarray(matrix / np.where(lengths > 0, lengths, 1), dtype=np.float32)
