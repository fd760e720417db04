"""What stands between blanks, taken apart into words and punctuation; what was read before is remembered."""

from __future__ import annotations

import re
from collections.abc import Iterable
from threading import Lock
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from moderation.text.disguise import read_piece
from moderation.text.normalise import SEPARATOR
from moderation.text.vocabulary import Numbers, Table, Vocabulary

WORD: Final = 1
MARKED: Final = 2
"""Punctuation with single quotation marks in it."""
OPENS: Final = 4
"""The last of them opens the word behind it."""
CLOSES: Final = 8
"""The first of them opens none."""

_LETTERS: Final = r"[a-z0-9\x80-\xff]+"
_ATOM: Final = re.compile(rf"{_LETTERS}(?:'{_LETTERS})*|[^a-z0-9\x80-\xff{SEPARATOR}]+".encode("latin-1"))
_FIRST_LETTERS: Final = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789") | set(range(128, 256))


class Atoms(NamedTuple):
    """Words and runs of punctuation of some texts.

    Attributes
    ----------
    numbers : ndarray of int32, shape (n_atoms,)
        In the reader's vocabulary.
    kinds : ndarray of uint8, shape (n_atoms,)
        The sum of what is true of `WORD`, `MARKED`, `OPENS` and `CLOSES`.
    bounds : ndarray of intp, shape (n_texts + 1,)
        Text i holds the atoms ``bounds[i]:bounds[i + 1]``.
    """

    numbers: NDArray[np.int32]
    kinds: NDArray[np.uint8]
    bounds: NDArray[np.intp]


class _Known(NamedTuple):
    """Atoms of the pieces read so far, by the piece's number."""

    firsts: Table
    counts: Table
    numbers: Table
    kinds: Table


class Reader:
    """Takes pieces of text apart, each the first time that it is met. May be used by several threads at once.

    Attributes
    ----------
    vocabulary : Vocabulary
        Of words and runs of punctuation.
    """

    def __init__(self) -> None:
        self.vocabulary = Vocabulary()
        self._pieces = Numbers()
        self._separator = self._pieces[SEPARATOR.encode()]
        none = np.zeros(0, dtype=np.int32)
        self._known = _Known(*(Table.like(none.astype(kind)) for kind in (np.int32, np.int32, np.int32, np.uint8)))
        self._lock = Lock()

    def __len__(self) -> int:
        """Number of pieces that were read."""
        return len(self._pieces.spellings)

    def read(self, text: bytes) -> Atoms:
        """Take texts apart.

        Parameters
        ----------
        text : bytes
            As `moderation.text.normalise.prepare` leaves them.
        """
        pieces = self._pieces.of(text.split())
        known = self._up_to_date()
        counts = known.counts.rows.take(pieces)
        ends = np.cumsum(counts, dtype=np.intp)
        places = np.repeat(known.firsts.rows.take(pieces) - ends + counts, counts) + np.arange(ends[-1])
        bounds = ends.take(np.flatnonzero(pieces == self._separator))
        return Atoms(known.numbers.rows.take(places), known.kinds.rows.take(places), bounds)

    def _up_to_date(self) -> _Known:
        if self._known.counts.filled < len(self):
            with self._lock:
                self._known = self._extended(self._known)
        return self._known

    def _extended(self, known: _Known) -> _Known:
        counts, spellings, kinds = _taken_apart(map(read_piece, self._pieces.spellings[known.counts.filled :]))
        return _Known(
            known.firsts.with_rows((np.cumsum(counts) - counts + known.numbers.filled).astype(np.int32)),
            known.counts.with_rows(counts),
            known.numbers.with_rows(self.vocabulary.numbers.of(spellings)),
            known.kinds.with_rows(kinds),
        )


def _taken_apart(readings: Iterable[bytes]) -> tuple[NDArray[np.int32], list[bytes], NDArray[np.uint8]]:
    """How many words and runs of punctuation each piece stands for, and all of these with their kinds."""
    counts: list[int] = []
    atoms: list[bytes] = []
    kinds: list[int] = []
    for reading in readings:
        before = len(atoms)
        for part in reading.split():
            found = _ATOM.findall(part)
            atoms += found
            kinds += _kinds(found)
        counts.append(len(atoms) - before)
    return np.array(counts, dtype=np.int32), atoms, np.array(kinds, dtype=np.uint8)


def _kinds(atoms: list[bytes]) -> list[int]:
    """Kinds of neighbours without blanks between them."""
    last = len(atoms) - 1
    return [
        WORD
        if atom[0] in _FIRST_LETTERS
        else _kind_of_marked(atom, behind_word=place > 0, before_word=place < last)
        if b"'" in atom
        else 0
        for place, atom in enumerate(atoms)
    ]


def _kind_of_marked(run: bytes, *, behind_word: bool, before_word: bool) -> int:
    """Kind of punctuation with single quotation marks; one opens the word right behind it, unless one is before it."""
    opens = before_word and run.endswith(b"'") and (len(run) > 1 or not behind_word)
    only_opens = opens and run.index(b"'") == len(run) - 1
    return MARKED + OPENS * opens + CLOSES * (not only_opens)
