"""Static embeddings: one vector per word, a text is their sum. A sentence transformer taught them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags

from moderation.text.hashing import places_of
from moderation.text.scopes import N_MARKS
from moderation.text.sums import row_sums
from moderation.text.tokens import TokenBatch, tokenise
from moderation.text.vocabulary import Words

_BITS = np.array([[1 << bit] for bit in range(N_MARKS)], dtype=np.uint8)


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
        batch = tokenise(list(words))
        if (batch.counts != 1).any():
            raise ValueError("every entry of `words` must be exactly one word")
        return cls.from_hashes(batch.hashes, vectors, idf)

    @classmethod
    def from_hashes(cls, hashes: NDArray[np.uint64], vectors: ArrayLike, idf: ArrayLike) -> Self:
        """Quantise a table of vectors whose words are known by their hashes alone."""
        self = cls()
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
        return unit_rows(self.sums(batch))

    def rows(self, hashes: NDArray[np.uint64]) -> NDArray[np.intp]:
        """Row of each word in the table, -1 for an unknown one."""
        return places_of(hashes, self.hashes_)

    def sums(self, batch: TokenBatch) -> NDArray[np.float32]:
        """Sum of the vectors of each text's words, shape (n_texts, n_dimensions)."""
        return row_sums(self._vectors, batch.look_up(self._places), batch.indptr)

    def of_words(self, batch: TokenBatch) -> NDArray[np.float32]:
        """Vector of each word, zeros for an unknown one, shape (n_words, n_dimensions)."""
        return self._vectors.take(batch.look_up(self._places), axis=0)

    def _places(self, words: Words) -> NDArray[np.int32]:
        """Rows of words in `_vectors`."""
        return (self.rows(words.hashes) + 1).astype(np.int32)

    @cached_property
    def _vectors(self) -> NDArray[np.float32]:
        """Zeros for all unknown words, then the vector of each known one: the table, as sums need it."""
        return np.concatenate([np.zeros((1, self.n_dimensions)), self.codes_ * self.scales_[:, None]], dtype=np.float32)

    @cached_property
    def _rarities(self) -> NDArray[np.float32]:
        """The same of `idf_`."""
        return np.concatenate([[self.idf_.max()], self.idf_], dtype=np.float32)

    def __getstate__(self) -> dict[str, Any]:
        """Everything but `_vectors` and `_rarities`, which a bundle shall not hold a second time."""
        return {name: value for name, value in super().__getstate__().items() if not name.startswith("_")}

    def rarity(self, batch: TokenBatch) -> NDArray[np.float32]:
        """Inverse document frequency of each word; an unknown word is as rare as the rarest known one."""
        return self._rarities.take(batch.look_up(self._places))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.requires_fit = False
        return tags


class ScopedEmbeddings(StaticEmbeddings):
    """Sums of word vectors, over all words of a text and over those in each scope of `moderation.text.scopes`.

    So "idiot" in "you idiot" and "idiot" in "I never said idiot" end in different columns, for all words alike. Sums
    are divided by the square root of the number of words: one harsh word in a long comment weighs less, but not little.
    """

    @property
    def n_columns(self) -> int:
        """Length of a text's vector."""
        return (1 + N_MARKS) * self.n_dimensions

    def transform(self, X: Sequence[str] | TokenBatch) -> NDArray[np.float32]:
        """Embed texts.

        Returns
        -------
        ndarray of float32, shape (n_texts, n_columns)
        """
        return self.embed(X if isinstance(X, TokenBatch) else tokenise(X))

    def embed(self, batch: TokenBatch) -> NDArray[np.float32]:
        """Do what `transform` does, without what scikit-learn does around it."""
        by_scope = self._sums_in_scopes(batch).reshape(N_MARKS, len(batch), self.n_dimensions)
        inside = by_scope.swapaxes(0, 1).reshape(len(batch), N_MARKS * self.n_dimensions)
        sums = np.concatenate([self.sums(batch), inside], axis=1)
        sums /= np.sqrt(np.maximum(batch.counts, 1, dtype=np.float32))[:, None]
        return sums

    def _sums_in_scopes(self, batch: TokenBatch) -> NDArray[np.float32]:
        """Sum over the words of each text that stand in a scope, shape (N_MARKS * n_texts, n_dimensions)."""
        inside = batch.marks & _BITS
        if len(batch) == 1:  # what follows takes longer to set up than a product
            return np.asarray((inside > 0).astype(np.float32) @ self.of_words(batch))
        n_words = len(batch.numbers)
        marked = inside.ravel().nonzero()[0]
        firsts = np.arange(N_MARKS)[:, None] * n_words + batch.indptr[:-1]
        indptr = np.concatenate([marked.searchsorted(firsts.ravel()), [len(marked)]])
        return row_sums(self._vectors, batch.look_up(self._places)[marked % max(n_words, 1)], indptr)

    def contributions(self, batch: TokenBatch) -> NDArray[np.float32]:
        """What each word adds to `transform`, shape (n_words, n_columns)."""
        shares = _in_scopes(batch) / np.sqrt(np.repeat(batch.counts, batch.counts))[:, None]
        by_scope = shares[:, :, None] * self.of_words(batch)[:, None, :]
        return np.asarray(by_scope.reshape(len(shares), self.n_columns), dtype=np.float32)


def scoped_counts(batch: TokenBatch, rows: NDArray[np.intp], n_known: int) -> csr_matrix:
    """How often each known word stands in each scope of each text, over the root of the text's length.

    Parameters
    ----------
    batch : TokenBatch
    rows : ndarray of intp, shape (n_words,)
        Row of each word in a table of `n_known`, -1 for an unknown one.

    Returns
    -------
    csr_matrix of float32, shape (n_texts * (1 + N_MARKS), n_known)
    """
    word, column = np.nonzero(_in_scopes(batch) & (rows >= 0)[:, None])
    texts = np.repeat(np.arange(len(batch)), batch.counts)[word]
    weights = (1 / np.sqrt(np.maximum(batch.counts, 1)))[texts].astype(np.float32)
    shape = (len(batch) * (1 + N_MARKS), n_known)
    return csr_matrix((weights, (texts * (1 + N_MARKS) + column, rows[word])), shape=shape)


def _in_scopes(batch: TokenBatch) -> NDArray[np.bool_]:
    """Which words count where: in their text, and in each of its scopes; shape (n_words, 1 + N_MARKS)."""
    return np.column_stack([np.ones(len(batch.marks), dtype=bool), (batch.marks & _BITS).T > 0])


def unit_rows(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale each row to length 1; rows of zeros stay."""
    return scaled(matrix, row_lengths(matrix))


def row_lengths(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """Euclidean length of each row."""
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", matrix, matrix)))


def scaled(matrix: NDArray[np.float32], lengths: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each row over a length of its own; over 0 it stays."""
    return np.asarray(matrix / (lengths + (lengths == 0))[:, None])
