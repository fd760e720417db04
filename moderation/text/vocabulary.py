"""The words met so far: each has a number, and what is to be known of it is found out once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import Any, Final, NamedTuple, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from moderation.text.hashing import hash_runs

_ROOM: Final = 1024


@dataclass(frozen=True)  # without slots, which would leave no place for what is cached
class Words:
    """Some distinct words.

    Attributes
    ----------
    spellings : sequence of bytes
        Normalised UTF-8.
    """

    spellings: Sequence[bytes]

    def __len__(self) -> int:
        return len(self.spellings)

    @cached_property
    def hashes(self) -> NDArray[np.uint64]:
        """Hash of each word, shape (n_words,)."""
        lengths = np.fromiter(map(len, self.spellings), dtype=np.intp, count=len(self))
        return hash_runs(np.frombuffer(b"".join(self.spellings), dtype=np.uint8), lengths)


Describe: TypeAlias = Callable[[Words], NDArray[Any]]
"""Gives a row, or a number, for each of some words, which depends on the word alone."""


class Numbers(dict[bytes, int]):
    """Number of each string, given when it is first asked for.

    Attributes
    ----------
    spellings : list of bytes
        The strings by their numbers.
    """

    def __init__(self) -> None:
        super().__init__()
        self.spellings: list[bytes] = []
        self._lock = Lock()

    def __missing__(self, spelling: bytes) -> int:
        with self._lock:
            if spelling not in self:
                self.spellings.append(spelling)
                self[spelling] = len(self.spellings) - 1
            return self[spelling]

    def of(self, spellings: Sequence[bytes]) -> NDArray[np.int32]:
        """Numbers of some strings, shape (n,)."""
        return np.fromiter(map(self.__getitem__, spellings), dtype=np.int32, count=len(spellings))


class Table(NamedTuple):
    """Rows that are filled from the top, of which there are more than needed as yet."""

    rows: NDArray[Any]
    filled: int

    @classmethod
    def like(cls, found: NDArray[Any]) -> Self:
        """An empty table for rows like these."""
        return cls(found[:0], 0)

    def with_rows(self, found: NDArray[Any]) -> Table:
        """The same table with further rows filled; readers of those that were are not disturbed."""
        rows, end = self.rows, self.filled + len(found)
        if end > len(rows):
            rows = np.empty((max(2 * end, _ROOM), *found.shape[1:]), dtype=found.dtype)
            rows[: self.filled] = self.rows[: self.filled]
        rows[self.filled : end] = found
        return Table(rows, end)


class Vocabulary:
    """Numbers words in the order in which they come, and keeps what was found out of each.

    Most words of a comment have been met before, so that a head has but to look them up. May be used by several threads
    at once.

    Attributes
    ----------
    numbers : Numbers
    """

    def __init__(self) -> None:
        self.numbers = Numbers()
        self._tables: dict[Describe, Table] = {}
        self._newest = 0, Words(())
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self.numbers.spellings)

    def words(self, numbers: NDArray[np.integer]) -> Words:
        """Words by their numbers, which are distinct."""
        return Words([self.numbers.spellings[number] for number in numbers.tolist()])

    def tabulated(self, describe: Describe) -> NDArray[Any]:
        """What `describe` says of each word, by its number.

        Parameters
        ----------
        describe : callable
            Asked about each word once. Functions that are equal share a table, as a method of one object does.

        Returns
        -------
        ndarray, shape (at least n_words, ...)
            Rows behind those of the words mean nothing.
        """
        table = self._tables.get(describe)
        if table is None or table.filled < len(self.numbers.spellings):
            with self._lock:
                table = self._tables[describe] = self._extended(describe)
        return table.rows

    def _extended(self, describe: Describe) -> Table:
        table = self._tables.get(describe)
        found = describe(self._since(table.filled if table else 0))
        return (table or Table.like(found)).with_rows(found)

    def _since(self, first: int) -> Words:
        """The words from a number on; one object for all tables that lack them, so that they are hashed once."""
        spellings = self.numbers.spellings[first:]
        if self._newest[0] != first or len(self._newest[1]) != len(spellings):
            self._newest = first, Words(spellings)
        return self._newest[1]
