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

from moderation.text.hashing import mix
from moderation.text.scopes import NEGATED, QUOTED, SCOPES
from moderation.text.sums import row_sums
from moderation.text.tokens import TokenBatch, tokenise
from moderation.text.vocabulary import Words

_CHAR_FACTOR = np.uint32(0x01000193)  # FNV-1a's prime
_SPREAD = np.uint32(0x9E3779B1)
_ONE = np.uint64(1)
_PART = 4096
_TINY = np.finfo(np.float32).tiny
_SCOPES = (SCOPES.index(NEGATED), QUOTED)  # the others cost more on other people's corpora than they bring
_SCOPE_BITS = np.array([1 << bit for bit in _SCOPES], dtype=np.uint8)


class NgramTfidf(TransformerMixin, BaseEstimator):
    """TF-IDF of hashed n-grams in two blocks of columns, each normalised apart.

    The first block holds words, pairs of words, words that are negated or quoted, and the punctuation behind a word;
    the second windows of characters inside words (their edges count as blanks, see scikit-learn's ``char_wb``). Every
    occurrence is an entry of its own: entries of one column are meant to be summed, as every sparse product does. A
    row's norm counts occurrences one by one as well, so no n-gram has to be looked for twice.

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

    def project(
        self, batch: TokenBatch, table: NDArray[np.float32], windows: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Multiply the weighed batch with a matrix, in one sparse product for all columns of either block.

        Parameters
        ----------
        batch : TokenBatch
        table : ndarray of float32, shape (n_columns, k + 1)
            As `folded` makes it.
        windows : ndarray of float32, shape (at least n_words, k + 1)
            As `windows` makes it, for the words of the batch's vocabulary.

        Returns
        -------
        ndarray of float32, shape (n_texts, k)
        """
        columns, present = self._word_columns(batch)
        words = row_sums(table, columns.ravel(), batch.indptr * columns.shape[1], present.ravel())
        return _unit(words) + _unit(row_sums(windows, batch.numbers, batch.indptr))

    def windows(self, words: Words, table: NDArray[np.float32]) -> NDArray[np.float32]:
        """Sum of a table's rows over the windows of each word, which lie within it: a property of the word alone.

        Parameters
        ----------
        words : Words
        table : ndarray of float32, shape (n_columns, k + 1)

        Returns
        -------
        ndarray of float32, shape (n_words, k + 1)
        """
        return row_sums(table, *self._columns_within(words))

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
        words, present = self._word_columns(batch)
        chars, of_char = self._window_columns(batch)
        of_word = present > 0
        word_ends = np.concatenate([[0], np.cumsum(of_word.sum(axis=1))])[batch.indptr]
        char_ends = of_char[batch.indptr]
        indptr = np.empty(2 * len(batch) + 1, dtype=np.intp)
        indptr[::2] = word_ends + char_ends
        indptr[1::2] = word_ends[1:] + char_ends[:-1]
        in_words = _rows(indptr) % 2 == 0
        columns = np.empty(len(in_words), dtype=np.int32)
        columns[in_words] = words[of_word]
        columns[~in_words] = chars
        return columns, indptr

    def _window_columns(self, batch: TokenBatch) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
        """Columns of all windows, those of word i in ``indptr[i]:indptr[i + 1]``."""
        used, which = np.unique(batch.numbers, return_inverse=True)
        columns, ends = self._columns_within(batch.vocabulary.words(used))
        counts = np.diff(ends)[which]
        indptr = np.concatenate([[0], np.cumsum(counts)])
        places = np.repeat(ends[which] - indptr[:-1], counts) + np.arange(indptr[-1])
        return columns[places], indptr

    def _columns_within(self, words: Words) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
        """Columns of the windows of some words, those of word i in ``indptr[i]:indptr[i + 1]``."""
        text = np.frombuffer(b" ".join([b"", *words.spellings, b""]), dtype=np.uint8)
        blank = text == ord(" ")
        columns, present = _char_columns(text, blank, self.char_bits, self.char_sizes)
        ends = np.concatenate([[0], np.cumsum(present.sum(axis=1))])
        return columns[present] + np.int32(1 << self.word_bits), ends[np.flatnonzero(blank)[: len(words) + 1]]

    def contributions(
        self, batch: TokenBatch, table: NDArray[np.float32], windows: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Say what each word adds to `project`; a pair's part goes to its words by halves.

        Parameters
        ----------
        batch, table, windows
            As for `project`.

        Returns
        -------
        ndarray of float32, shape (n_words, k)
            Summed over the words of a text they are its row of `project`.
        """
        columns, present = self._word_columns(batch)
        by_part = table[columns] * present[:, :, None]
        by_part[:, 0] /= 2
        by_part[1:, 1] += by_part[:-1, 0]
        texts = np.repeat(np.arange(len(batch)), batch.counts)
        return _unit_share(by_part.sum(axis=1), texts, len(batch)) + _unit_share(
            windows[batch.numbers], texts, len(batch)
        )

    def _word_columns(self, batch: TokenBatch) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Columns of all that a word brings, and 1 for those that are there: both of shape (n_words, 4 + len(_SCOPES)).

        The pair that it opens, the word itself, itself in each scope, the punctuation behind it, and both together.
        """
        words, shift = batch.hashes, np.uint64(64 - self.word_bits)
        columns = np.zeros((len(words), 4 + len(_SCOPES)), dtype=np.int32)
        present = np.zeros(columns.shape, dtype=np.float32)
        if not len(words):
            return columns, present
        columns[:-1, 0] = mix(words[:-1] + (words[1:] << _ONE)) >> shift
        present[:, :2] = 1
        present[batch.indptr[1:] - 1, 0] = 0
        columns[:, 1:-2] = batch.look_up(self._own_columns)
        present[:, 2:-2] = batch.marks[:, None] & _SCOPE_BITS > 0
        follows, runs = _punctuation(batch)
        marks = batch.vocabulary.tabulated(_mixed_hashes).take(runs)
        columns[follows, -2] = marks >> shift
        columns[follows, -1] = mix(marks + (words[follows] << _ONE)) >> shift
        present[follows, -2:] = 1
        return columns, present

    def _own_columns(self, words: Words) -> NDArray[np.int32]:
        """Columns of words, and of words in each scope."""
        scoped = [mix(words.hashes ^ np.uint64(bit + 1)) for bit in _SCOPES]
        return (np.column_stack([words.hashes, *scoped]) >> np.uint64(64 - self.word_bits)).astype(np.int32)

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


def _unit_share(parts: NDArray[np.float32], texts: NDArray[np.intp], count: int) -> NDArray[np.float32]:
    """Divide by the norm of each part's text, whose square is the sum of the last column."""
    squares = np.bincount(texts, weights=parts[:, -1], minlength=count)
    norms = np.sqrt(np.maximum(squares, _TINY))[texts]
    return np.asarray(parts[:, :-1] / norms[:, None], dtype=np.float32)


def _unit(sums: NDArray[np.float32]) -> NDArray[np.float32]:
    """Divide by the norm, whose square is the last column."""
    return np.asarray(sums[:, :-1] / np.sqrt(np.maximum(sums[:, -1:], _TINY)))


def _mixed_hashes(words: Words) -> NDArray[np.uint64]:
    return mix(words.hashes)


def _punctuation(batch: TokenBatch) -> tuple[NDArray[np.intp], NDArray[np.int32]]:
    """Words that punctuation follows in the same text, and the number of each such run; the last of several counts."""
    words = batch.places.searchsorted(batch.runs) - 1
    follows = words >= batch.indptr[batch.bounds.searchsorted(batch.runs, "right") - 1]
    return words[follows], batch.atoms.take(batch.runs[follows])


def _char_columns(
    text: NDArray[np.uint8], blank: NDArray[np.bool_], bits: int, sizes: tuple[int, ...]
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Columns of the windows that open at each character, and which of them lie within a word and its edges.

    Both have the shape (n_bytes, len(sizes)).
    """
    letters = text.astype(np.uint32)
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
    return ((hashes * _SPREAD) >> np.uint32(32 - bits)).astype(np.int32), inside
