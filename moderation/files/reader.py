"""What all readers have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import ClassVar, Final, Generic, NamedTuple, Self, TypeVar

from moderation.errors import InputError, RowError
from moderation.files.batch import Batch
from moderation.files.formats import Format

OnError = Callable[[RowError], None]
"""Is told of every unusable row; reading goes on behind it."""

TEXT_COLUMNS: Final = ("text", "article_title", "article_text", "parent_text")
"""Columns that hold strings wherever a file has them."""

BATCH_SIZE: Final = 2048
BATCH_BYTES: Final = 16_000_000
"""A batch of fewer rows is handed out once its rows are this large together."""

Record = TypeVar("Record")


class Row(NamedTuple, Generic[Record]):
    """A row before it joins a batch: its number, what it holds, and its size in bytes."""

    number: int
    record: Record
    size: int


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How to read.

    Parameters
    ----------
    required : tuple of str
        Columns without which a file, or a row of JSON Lines, is refused.
    batch_size : int
        Most rows in a batch, at least 1.
    on_row_error : callable or None
        Is handed the `RowError` of every bad row. None: the first one is raised.
    """

    required: tuple[str, ...] = ("text",)
    batch_size: int = BATCH_SIZE
    on_row_error: OnError | None = None

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, not {self.batch_size}")


class Reader(Iterator[Batch]):
    """Gives the batches of a file, once, from first to last; a context manager that closes it.

    Attributes
    ----------
    format : Format
        What is being read.
    name : str
        The file's name as the user gave it, or ``<stdin>``.
    columns : tuple of str
        Names known before the first row; empty for JSON Lines, where every row names its own.
    bytes_total : int or None
        Size of the file; None where it cannot be known.

    Raises
    ------
    InputError
        While iterating, if the file cannot be read on.
    RowError
        While iterating, for the first bad row, where nobody asked to be handed them.
    """

    format: ClassVar[Format]

    def __init__(self, name: str, columns: tuple[str, ...], options: ReadOptions) -> None:
        self.name = name
        self.columns = columns
        self.bytes_total: int | None = None
        self._options = options
        self._batches = self._read()

    @property
    @abstractmethod
    def bytes_read(self) -> int:
        """How much of `bytes_total` has been read; exact or, for Parquet, in proportion to its rows."""

    @abstractmethod
    def close(self) -> None:
        """Close the file; standard input stays open."""

    @abstractmethod
    def _read(self) -> Iterator[Batch]:
        """The batches from the first to the last; runs after the reader is set up."""

    def __next__(self) -> Batch:
        return next(self._batches)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _reject(self, row: int, reason: str) -> None:
        error = RowError(self.name, row, reason)
        if self._options.on_row_error is None:
            raise error
        self._options.on_row_error(error)


def check_columns(name: str, columns: tuple[str, ...], required: tuple[str, ...]) -> None:
    """Check the columns that a file declares.

    Raises
    ------
    InputError
        If a required one is missing or a name occurs twice.
    """
    found = ", ".join(map(repr, columns))
    missing = [repr(column) for column in required if column not in columns]
    if missing:
        raise InputError(f"{name}: has no column {', '.join(missing)}; its columns are {found}")
    twice = sorted({repr(column) for column in columns if columns.count(column) > 1})
    if twice:
        raise InputError(f"{name}: has more than one column {', '.join(twice)}; rename all but one")


def gather(rows: Iterable[Row[Record]], batch_size: int) -> Iterator[list[Row[Record]]]:
    """Rows in lists of `batch_size`, or of fewer where they are large."""
    gathered: list[Row[Record]] = []
    size = 0
    for row in rows:
        gathered.append(row)
        size += row.size
        if len(gathered) >= batch_size or size >= BATCH_BYTES:
            yield gathered
            gathered, size = [], 0
    if gathered:
        yield gathered
