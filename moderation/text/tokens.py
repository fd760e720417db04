"""The words of a batch, found and hashed all at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from moderation.text.normalise import SEPARATOR, normalise

_WORD = np.zeros(256, dtype=bool)
_WORD[[*b"abcdefghijklmnopqrstuvwxyz0123456789", *range(128, 256)]] = True
_POSITIONS: Final = 64
_FACTOR: Final = 0x9E3779B97F4A7C15  # 2**64 / golden ratio, Knuth's multiplicative hashing
_POWERS = np.array([pow(0x100000001B3, k, 2**64) for k in range(_POSITIONS)], dtype=np.uint64)


@dataclass(frozen=True, slots=True)
class TokenBatch:
    """Normalised texts and their words.

    Attributes
    ----------
    text : ndarray of uint8
        Normalised UTF-8, a separator before and behind each text.
    bounds : ndarray of intp, shape (n_texts + 1,)
        Positions of the separators in `text`.
    hashes : ndarray of uint64, shape (n_words,)
        Hash of each word.
    indptr : ndarray of intp, shape (n_texts + 1,)
        Text i holds the words ``indptr[i]:indptr[i + 1]``.
    """

    text: NDArray[np.uint8]
    bounds: NDArray[np.intp]
    hashes: NDArray[np.uint64]
    indptr: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def part(self, start: int, stop: int) -> TokenBatch:
        """Texts ``start:stop`` as a batch of their own, without copying."""
        bounds = self.bounds[start : stop + 1]
        indptr = self.indptr[start : stop + 1]
        text = self.text[bounds[0] : bounds[-1] + 1]
        return TokenBatch(text, bounds - bounds[0], self.hashes[indptr[0] : indptr[-1]], indptr - indptr[0])

    @property
    def counts(self) -> NDArray[np.intp]:
        """Number of words of each text, shape (n_texts,)."""
        return np.diff(self.indptr)


def tokenise(texts: Sequence[str]) -> TokenBatch:
    """Normalise texts and hash their words.

    A word is a run of letters, figures and bytes of non-Latin script, with apostrophes inside it.
    """
    text = normalise(texts)
    bounds = np.flatnonzero(text == ord(SEPARATOR))
    inside, starts, ends = _find_words(text)
    return TokenBatch(text, bounds, _hash_words(text[inside], ends - starts), np.searchsorted(starts, bounds))


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


def mix(values: NDArray[Any]) -> NDArray[np.uint64]:
    """Spread the bits of 64-bit values (finaliser of SplitMix64, shortened)."""
    mixed = values * np.uint64(_FACTOR)
    return mixed ^ (mixed >> np.uint64(29))


def _find_words(text: NDArray[np.uint8]) -> tuple[NDArray[np.bool_], NDArray[np.intp], NDArray[np.intp]]:
    """Which bytes belong to words; where each word starts and ends."""
    inside = _WORD[text]
    inside[1:-1] |= (text[1:-1] == ord("'")) & inside[:-2] & inside[2:]
    edges = np.flatnonzero(np.diff(inside)) + 1  # a separator stands on either end, so edges come in pairs
    return inside, edges[::2], edges[1::2]


def _hash_words(letters: NDArray[np.uint8], lengths: NDArray[np.intp]) -> NDArray[np.uint64]:
    """Polynomial hash of words that stand one behind the other; powers repeat after 64 letters."""
    if not len(lengths):
        return np.zeros(0, dtype=np.uint64)
    firsts = np.cumsum(lengths) - lengths
    positions = np.arange(len(letters)) - np.repeat(firsts, lengths)
    return mix(np.add.reduceat(letters * _POWERS[positions % _POSITIONS], firsts))
