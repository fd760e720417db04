"""The words of a batch, found and numbered all at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from moderation.text.normalise import prepare
from moderation.text.reader import WORD, Reader
from moderation.text.scopes import mark
from moderation.text.sums import row_sums
from moderation.text.vocabulary import Describe, Vocabulary, Words


@dataclass(frozen=True)  # without slots, which would leave no place for what is cached
class TokenBatch:
    """Texts as words and punctuation.

    Attributes
    ----------
    atoms : ndarray of int32, shape (n_atoms,)
        Number in `vocabulary` of every word and every run of punctuation, in their order.
    kinds : ndarray of uint8, shape (n_atoms,)
        What each atom is, see `moderation.text.reader.Atoms`.
    bounds : ndarray of intp, shape (n_texts + 1,)
        Text i holds the atoms ``bounds[i]:bounds[i + 1]``.
    vocabulary : Vocabulary
    """

    atoms: NDArray[np.int32]
    kinds: NDArray[np.uint8]
    bounds: NDArray[np.intp]
    vocabulary: Vocabulary

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def part(self, start: int, stop: int) -> TokenBatch:
        """Texts ``start:stop`` as a batch of their own, without copying."""
        bounds = self.bounds[start : stop + 1]
        chosen = slice(bounds[0], bounds[-1])
        return TokenBatch(self.atoms[chosen], self.kinds[chosen], bounds - bounds[0], self.vocabulary)

    @cached_property
    def places(self) -> NDArray[np.intp]:
        """Which atoms are words, shape (n_words,)."""
        return np.flatnonzero(self.kinds & WORD)

    @cached_property
    def numbers(self) -> NDArray[np.int32]:
        """Number of each word in `vocabulary`, shape (n_words,)."""
        return self.atoms.take(self.places)

    @cached_property
    def indptr(self) -> NDArray[np.intp]:
        """Text i holds the words ``indptr[i]:indptr[i + 1]``; shape (n_texts + 1,)."""
        return np.searchsorted(self.places, self.bounds)

    @property
    def counts(self) -> NDArray[np.intp]:
        """Number of words of each text, shape (n_texts,)."""
        return np.diff(self.indptr)

    @cached_property
    def hashes(self) -> NDArray[np.uint64]:
        """Hash of each word, shape (n_words,)."""
        return self.look_up(hashes_of)

    @cached_property
    def runs(self) -> NDArray[np.intp]:
        """Which atoms are runs of punctuation, shape (n_runs,)."""
        return np.flatnonzero((self.kinds & WORD) == 0)

    @cached_property
    def marks(self) -> NDArray[np.uint8]:
        """In which scopes each word stands, see `mark`; found when first asked for: articles and parents need none."""
        return mark(self)

    def look_up(self, describe: Describe) -> NDArray[Any]:
        """What `describe` says of each word, see `Vocabulary.tabulated`; shape (n_words, ...)."""
        return self.vocabulary.tabulated(describe).take(self.numbers, axis=0)

    def sums(self, describe: Describe) -> NDArray[np.float32]:
        """Sum over each text's words of what `describe` says of them, shape (n_texts, k)."""
        return row_sums(self.vocabulary.tabulated(describe), self.numbers, self.indptr)


def tokenise(texts: Sequence[str], reader: Reader | None = None) -> TokenBatch:
    """Normalise texts and number their words.

    A word is a run of letters, figures and bytes of non-Latin script, with apostrophes inside it.

    Parameters
    ----------
    texts : sequence of str
    reader : Reader, optional
        That remembers what it read; a new one by default.
    """
    known = Reader() if reader is None else reader
    return TokenBatch(*known.read(prepare(texts)), known.vocabulary)


def words(text: str) -> list[str]:
    """The words that `tokenise` finds, in their order; for looking at, not for speed."""
    batch = tokenise([text])
    return [batch.vocabulary.numbers.spellings[number].decode() for number in batch.numbers.tolist()]


def hash_word(word: str) -> int:
    """Hash of one word that `normalise` leaves as it is."""
    (value,) = tokenise([word]).hashes.tolist()
    return int(value)


def hashes_of(found: Words) -> NDArray[np.uint64]:
    """Hash of each word."""
    return found.hashes
