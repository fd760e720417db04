"""The words of a batch, found and numbered all at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from moderation.text.normalise import prepare
from moderation.text.reader import WORD, Atoms, Reader
from moderation.text.scopes import mark, punctuation
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
    places : ndarray of intp, shape (n_words,)
        Which atoms are words.
    numbers : ndarray of int32, shape (n_words,)
        Number of each word in `vocabulary`.
    indptr : ndarray of intp, shape (n_texts + 1,)
        Text i holds the words ``indptr[i]:indptr[i + 1]``.
    """

    atoms: NDArray[np.int32]
    kinds: NDArray[np.uint8]
    bounds: NDArray[np.intp]
    vocabulary: Vocabulary
    places: NDArray[np.intp]
    numbers: NDArray[np.int32]
    indptr: NDArray[np.intp]

    @classmethod
    def of(cls, atoms: Atoms, vocabulary: Vocabulary) -> Self:
        """Find the words among atoms."""
        places = (atoms.kinds & WORD).nonzero()[0]
        return cls(*atoms, vocabulary, places, atoms.numbers.take(places), places.searchsorted(atoms.bounds))

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def part(self, start: int, stop: int) -> TokenBatch:
        """Texts ``start:stop`` as a batch of their own."""
        bounds = self.bounds[start : stop + 1]
        chosen = slice(bounds[0], bounds[-1])
        return TokenBatch.of(Atoms(self.atoms[chosen], self.kinds[chosen], bounds - bounds[0]), self.vocabulary)

    @property
    def counts(self) -> NDArray[np.intp]:
        """Number of words of each text, shape (n_texts,)."""
        return np.asarray(self.indptr[1:] - self.indptr[:-1])

    @cached_property
    def hashes(self) -> NDArray[np.uint64]:
        """Hash of each word, shape (n_words,)."""
        return self.look_up(hashes_of)

    @cached_property
    def runs(self) -> NDArray[np.intp]:
        """Which atoms are runs of punctuation, shape (n_runs,)."""
        return np.asarray((self.kinds & WORD == 0).nonzero()[0])

    @cached_property
    def punctuation(self) -> NDArray[np.intp]:
        """What is known of each of `runs`, see `moderation.text.scopes.punctuation`; shape (n_runs,)."""
        return self.vocabulary.tabulated(punctuation).take(self.atoms.take(self.runs))

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
    return TokenBatch.of(known.read(prepare(texts)), known.vocabulary)


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
