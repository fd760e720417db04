"""Rows of a file, column by column."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from moderation.errors import InputError


class Absent(Enum):
    """Type of `ABSENT`; an enum, so that a copy or a pickle of the value is still the value."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT
"""Stands in a column where a JSON object had no such key, which is not the same as null."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of a file.

    Parameters
    ----------
    columns : dict of str to sequence
        The values of every column, all equally many. Plain Python values; `ABSENT` where a row has no such key.
    rows : list of int
        Number of each data row in its file, counted from 1 without the header.

    Raises
    ------
    ValueError
        If a column is shorter or longer than `rows`.
    """

    columns: dict[str, Sequence[Any]]
    rows: list[int]

    def __post_init__(self) -> None:
        for name, values in self.columns.items():
            if len(values) != len(self.rows):
                raise ValueError(f"column {name!r} has {len(values)} values for {len(self.rows)} rows")

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.rows)

    def column(self, name: str) -> Sequence[Any]:
        """The values of a column as they are; all `ABSENT` where the batch has no such column."""
        return self.columns.get(name, [ABSENT] * len(self))

    def strings(self, name: str) -> list[str | None]:
        """The values of a text column; None where one is absent, null or empty."""
        return [value if isinstance(value, str) and value else None for value in self.column(name)]

    def with_columns(self, added: Mapping[str, Sequence[Any]]) -> Batch:
        """The same rows with more columns behind theirs.

        Raises
        ------
        InputError
            If there is a column of that name already.
        """
        refuse_taken(self.columns, added)
        return Batch({**self.columns, **added}, self.rows)


def refuse_taken(columns: Collection[str], added: Iterable[str], source: str = "the input") -> None:
    """Check that no added column would overwrite one that was read.

    Raises
    ------
    InputError
        Naming the columns in question.
    """
    taken = [repr(name) for name in added if name in columns]
    if taken:
        raise InputError(f"{source}: has the column {', '.join(taken)} already, where the results go; rename it there")
