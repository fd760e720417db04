"""Word and character n-grams of a whole batch, hashed as arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from moderation.text.tokens import TokenBatch, mix, tokenise

_CHAR_FACTOR = np.uint32(0x01000193)  # FNV-1a's prime
_SPREAD = np.uint32(0x9E3779B1)
_PART = 4096


class NgramTfidf(TransformerMixin, BaseEstimator):
    """TF-IDF of hashed n-grams in two blocks of columns, each normalised apart.

    The first block holds words and pairs of words, the second windows of characters inside words (a word's edge counts
    as a blank, as in scikit-learn's ``char_wb``). Every occurrence is an entry of its own: entries of one column are
    meant to be summed, as every sparse product does. A row's norm counts occurrences one by one as well, so no
    n-gram has to be looked for twice.

    Parameters
    ----------
    word_bits, char_bits : int
        Each block has ``2 ** bits`` columns.
    char_sizes : tuple of int
        Lengths of the character windows, in UTF-8 bytes of the normalised text.

    Attributes
    ----------
    idf_ : ndarray of float32, shape (n_columns,)
        Smoothed inverse document frequency.
    """

    def __init__(self, word_bits: int = 17, char_bits: int = 18, char_sizes: tuple[int, ...] = (2, 3, 4, 5)) -> None:
        self.word_bits = word_bits
        self.char_bits = char_bits
        self.char_sizes = char_sizes

    @property
    def n_columns(self) -> int:
        """Columns of both blocks together."""
        return int((1 << self.word_bits) + (1 << self.char_bits))

    def fit(self, X: Sequence[str] | TokenBatch, y: object = None) -> Self:  # noqa: ARG002
        """Count in how many texts each column occurs.

        Parameters
        ----------
        X : sequence of str, or TokenBatch
        """
        batch = X if isinstance(X, TokenBatch) else tokenise(X)
        found = np.zeros(self.n_columns, dtype=np.intp)
        for part in _parts(batch):
            counts = self._matrix(*self.hash(part))
            counts.sum_duplicates()
            found += np.bincount(counts.indices, minlength=self.n_columns)
        self.idf_ = (np.log((1 + len(batch)) / (1 + found)) + 1).astype(np.float32)
        return self

    def transform(self, X: Sequence[str] | TokenBatch) -> csr_matrix:
        """Weigh a batch.

        Returns
        -------
        csr_matrix of float32, shape (n_texts, n_columns)
            With duplicate entries, see the class.
        """
        check_is_fitted(self)
        batch = X if isinstance(X, TokenBatch) else tokenise(X)
        parts = [self._transform(part) for part in _parts(batch)]
        return vstack(parts, format="csr") if parts else csr_matrix((0, self.n_columns), dtype=np.float32)

    def _transform(self, batch: TokenBatch) -> csr_matrix:
        columns, indptr = self.hash(batch)
        weights = self.idf_[columns]
        norms = np.sqrt(np.bincount(_rows(indptr), weights=weights**2, minlength=len(indptr) - 1))
        scaled = (weights / norms[_rows(indptr)]).astype(np.float32)
        return self._matrix(columns, indptr[::2], scaled)

    def project(self, batch: TokenBatch, table: NDArray[np.float32]) -> NDArray[np.float32]:
        """Multiply the weighed batch with a matrix, in one sparse product for all its columns.

        Parameters
        ----------
        batch : TokenBatch
        table : ndarray of float32, shape (n_columns, k + 1)
            As `folded` makes it.

        Returns
        -------
        ndarray of float32, shape (n_texts, k)
        """
        columns, indptr = self.hash(batch)
        sums = self._matrix(columns, indptr) @ table
        norms = np.sqrt(np.maximum(sums[:, -1:], np.finfo(np.float32).tiny))
        return np.asarray((sums[:, :-1] / norms).reshape(len(batch), 2, table.shape[1] - 1).sum(axis=1))

    def folded(self, coefficients: NDArray[np.floating]) -> NDArray[np.float32]:
        """Coefficients (n_columns, k) times IDF, with a last column from which `project` takes the norms."""
        return np.column_stack([coefficients * self.idf_[:, None], self.idf_**2]).astype(np.float32)

    def hash(self, batch: TokenBatch) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
        """Columns of all n-grams.

        Returns
        -------
        columns : ndarray of int32
        indptr : ndarray of intp, shape (2 * n_texts + 1,)
            Text i has its words in ``columns[indptr[2 * i]:indptr[2 * i + 1]]`` and its characters behind them.
        """
        words, word_ends = _word_columns(batch, self.word_bits)
        chars, char_ends = _char_columns(batch, self.char_bits, self.char_sizes)
        indptr = np.empty(2 * len(batch) + 1, dtype=np.intp)
        indptr[::2] = word_ends + char_ends
        indptr[1::2] = word_ends[1:] + char_ends[:-1]
        of_words = _rows(indptr) % 2 == 0
        columns = np.empty(len(words) + len(chars), dtype=np.int32)
        columns[of_words] = words
        columns[~of_words] = chars + (1 << self.word_bits)
        return columns, indptr

    def _matrix(
        self, columns: NDArray[np.int32], indptr: NDArray[np.intp], data: NDArray[np.float32] | None = None
    ) -> csr_matrix:
        values = np.ones(len(columns), dtype=np.float32) if data is None else data
        return csr_matrix((values, columns, indptr), shape=(len(indptr) - 1, self.n_columns))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags


def _parts(batch: TokenBatch) -> Iterator[TokenBatch]:
    """A large batch in pieces, so that training does not need memory for all windows at once."""
    return (batch.part(start, min(start + _PART, len(batch))) for start in range(0, len(batch), _PART))


def _rows(indptr: NDArray[np.intp]) -> NDArray[np.intp]:
    """Row of every entry of a compressed matrix."""
    return np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))


def _word_columns(batch: TokenBatch, bits: int) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
    """Each word, followed by the pair that it opens; and where each text's columns end."""
    words = batch.hashes
    columns = np.empty((len(words), 2), dtype=np.uint64)
    columns[:, 0] = words
    columns[:-1, 1] = mix(words[:-1] + (words[1:] << np.uint64(1)))
    paired = np.ones((len(words), 2), dtype=bool)
    lasts = batch.indptr[1:][batch.counts > 0] - 1
    paired[lasts, 1] = False
    ends = 2 * batch.indptr - np.cumsum(np.concatenate([[False], batch.counts > 0]))
    return (columns[paired] >> np.uint64(64 - bits)).astype(np.int32), ends


def _char_columns(batch: TokenBatch, bits: int, sizes: tuple[int, ...]) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
    """All windows that open at one character, then those of the next; and where each text's columns end."""
    blank = batch.text <= ord(" ")
    letters = np.where(blank, np.uint8(ord(" ")), batch.text).astype(np.uint32)
    hashes = np.zeros((len(letters), len(sizes)), dtype=np.uint32)
    inside = np.zeros((len(letters), len(sizes)), dtype=bool)
    rolling = letters.copy()
    whole = np.ones(len(letters), dtype=bool)
    for size in range(2, max(sizes) + 1):
        last = len(letters) - size + 1
        if last <= 0:
            break
        rolling = rolling[:last] * _CHAR_FACTOR + letters[size - 1 :]
        whole = whole[:last] & (~blank[size - 2 : size - 2 + last] if size > 2 else ~(blank[:last] & blank[1:]))
        if size in sizes:
            hashes[:last, sizes.index(size)] = rolling ^ np.uint32(size)
            inside[:last, sizes.index(size)] = whole
    columns = (hashes[inside] * _SPREAD) >> np.uint32(32 - bits)
    ends = np.concatenate([[0], np.cumsum(inside.sum(axis=1))])[batch.bounds]
    return columns.astype(np.int32), ends.astype(np.intp)
