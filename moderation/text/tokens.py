"""The words of a batch, found and hashed all at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from moderation.text.hashing import hash_runs
from moderation.text.normalise import SEPARATOR, normalise
from moderation.text.scopes import mark

_WORD = np.zeros(256, dtype=bool)
_WORD[[*b"abcdefghijklmnopqrstuvwxyz0123456789", *range(128, 256)]] = True


@dataclass(frozen=True)  # without slots, which would leave no place for what is cached
class TokenBatch:
    """Normalised texts and their words.

    Attributes
    ----------
    text : ndarray of uint8
        Normalised UTF-8, a separator before and behind each text.
    inside : ndarray of bool
        Which bytes of `text` belong to words.
    bounds : ndarray of intp, shape (n_texts + 1,)
        Positions of the separators in `text`.
    hashes : ndarray of uint64, shape (n_words,)
        Hash of each word.
    indptr : ndarray of intp, shape (n_texts + 1,)
        Text i holds the words ``indptr[i]:indptr[i + 1]``.
    """

    text: NDArray[np.uint8]
    inside: NDArray[np.bool_]
    bounds: NDArray[np.intp]
    hashes: NDArray[np.uint64]
    indptr: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def part(self, start: int, stop: int) -> TokenBatch:
        """Texts ``start:stop`` as a batch of their own, without copying."""
        bounds = self.bounds[start : stop + 1]
        indptr = self.indptr[start : stop + 1]
        letters = slice(bounds[0], bounds[-1] + 1)
        words = slice(indptr[0], indptr[-1])
        return TokenBatch(
            self.text[letters],
            self.inside[letters],
            bounds - bounds[0],
            self.hashes[words],
            indptr - indptr[0],
        )

    @property
    def counts(self) -> NDArray[np.intp]:
        """Number of words of each text, shape (n_texts,)."""
        return np.diff(self.indptr)

    @cached_property
    def starts(self) -> NDArray[np.intp]:
        """Where in `text` each word starts, shape (n_words,)."""
        return np.flatnonzero(self.inside[1:] & ~self.inside[:-1]) + 1

    @cached_property
    def marks(self) -> NDArray[np.uint8]:
        """In which scopes each word stands, see `mark`; found when first asked for: articles and parents need none."""
        return mark(self)


def tokenise(texts: Sequence[str]) -> TokenBatch:
    """Normalise texts and hash their words.

    A word is a run of letters, figures and bytes of non-Latin script, with apostrophes inside it.
    """
    text = normalise(texts)
    bounds = np.flatnonzero(text == ord(SEPARATOR))
    inside, starts, ends = _find_words(text)
    return TokenBatch(text, inside, bounds, hash_runs(text[inside], ends - starts), np.searchsorted(starts, bounds))


def words(text: str) -> list[str]:
    """The words that `tokenise` hashes, in their order; for looking at, not for speed."""
    normalised = normalise([text])
    _, starts, ends = _find_words(normalised)
    raw = normalised.tobytes()
    return [raw[start:end].decode() for start, end in zip(starts, ends, strict=True)]


def hash_word(word: str) -> int:
    """Hash of one word that `normalise` leaves as it is."""
    (value,) = tokenise([word]).hashes.tolist()
    return int(value)


def _find_words(text: NDArray[np.uint8]) -> tuple[NDArray[np.bool_], NDArray[np.intp], NDArray[np.intp]]:
    """Which bytes belong to words; where each word starts and ends."""
    inside = _WORD[text]
    inside[1:-1] |= (text[1:-1] == ord("'")) & inside[:-2] & inside[2:]
    edges = np.flatnonzero(np.diff(inside)) + 1  # a separator stands on either end, so edges come in pairs
    return inside, edges[::2], edges[1::2]
