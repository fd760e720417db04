"""Hashes of words, made for whole arrays."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_POSITIONS: Final = 64
_FACTOR: Final = 0x9E3779B97F4A7C15  # 2**64 / golden ratio, Knuth's multiplicative hashing
_POWERS = np.array([pow(0x100000001B3, k, 2**64) for k in range(_POSITIONS)], dtype=np.uint64)


def mix(values: NDArray[Any]) -> NDArray[np.uint64]:
    """Spread the bits of 64-bit values (finaliser of SplitMix64, shortened)."""
    mixed = values * np.uint64(_FACTOR)
    return mixed ^ (mixed >> np.uint64(29))


def hash_runs(letters: NDArray[np.uint8], lengths: NDArray[np.intp]) -> NDArray[np.uint64]:
    """Polynomial hash of words that stand one behind the other; powers repeat after 64 letters.

    Parameters
    ----------
    letters : ndarray of uint8
        UTF-8 of the words without anything between them.
    lengths : ndarray of intp, shape (n_words,)
        Each above 0.

    Returns
    -------
    ndarray of uint64, shape (n_words,)
    """
    if not len(lengths):
        return np.zeros(0, dtype=np.uint64)
    firsts = np.cumsum(lengths) - lengths
    positions = np.arange(len(letters)) - np.repeat(firsts, lengths)
    return mix(np.add.reduceat(letters * _POWERS[positions % _POSITIONS], firsts))


@cache
def hash_list(words: str) -> NDArray[np.uint64]:
    """Hashes of words that are normalised already and separated by blanks."""
    parts = [word.encode() for word in words.split()]
    return hash_runs(np.frombuffer(b"".join(parts), dtype=np.uint8), np.array([len(part) for part in parts]))


def places_of(hashes: NDArray[np.uint64], known: NDArray[np.uint64]) -> NDArray[np.intp]:
    """Where each hash stands among known ones, which are ascending and at least one; -1 where it does not."""
    found = np.minimum(known.searchsorted(hashes), len(known) - 1)
    return np.where(known[found] == hashes, found, -1)
