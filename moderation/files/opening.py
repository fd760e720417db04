"""Opening files of any of the formats."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

from moderation.files.atomic import Output, gzipped, output_to, write_errors
from moderation.files.batch import refuse_taken
from moderation.files.csv_file import CsvReader, CsvWriter
from moderation.files.formats import Format, is_gzipped, resolve_format
from moderation.files.jsonl_file import JsonlReader, JsonlWriter
from moderation.files.parquet_file import ParquetReader, ParquetWriter
from moderation.files.reader import BATCH_SIZE, OnError, Reader, ReadOptions
from moderation.files.spool import MakeWriter, SpooledWriter
from moderation.files.streams import LineSource
from moderation.files.writer import Writer


def open_reader(
    source: Path | None,
    format: Format | None = None,
    *,
    required: Sequence[str] = ("text",),
    batch_size: int = BATCH_SIZE,
    on_row_error: OnError | None = None,
) -> Reader:
    """Open comments for reading, in batches whose size does not depend on that of the file.

    Parameters
    ----------
    source : Path or None
        None is standard input; Parquet from there is read into memory whole. ``.csv.gz`` and ``.jsonl.gz`` are
        decompressed.
    format : Format or None
        None: as the suffix of the file's name tells.
    required : sequence of str
        Columns that must be there and hold a value in every row. Whether required or not, ``text``,
        ``article_title``, ``article_text`` and ``parent_text`` must be strings where they are anything.
    batch_size : int
        Most rows in a batch; it has fewer where rows are large.
    on_row_error : callable or None
        Is handed a `RowError` for every unusable row, and reading goes on behind it. None: the first one is raised.

    Returns
    -------
    Reader
        An iterator of `Batch` and a context manager that closes the file.

    Raises
    ------
    InputError
        If the file cannot be opened, is not of its format, or lacks a required column.
    """
    found = resolve_format(source, format)
    options = ReadOptions(tuple(required), batch_size, on_row_error)
    if found is Format.PARQUET:
        return ParquetReader(source, options)
    lines = LineSource(source)
    try:
        return CsvReader(lines, options) if found is Format.CSV else JsonlReader(lines, options)
    except BaseException:
        lines.close()
        raise


@contextmanager
def open_writer(
    target: Path | None,
    format: Format | None,
    columns: Sequence[str],
    *,
    like: Reader | None = None,
    added: Mapping[str, type] | None = None,
) -> Iterator[Writer]:
    """Open a file for comments, to be used in a ``with`` statement.

    The file appears at `target`, or takes the place of the one there, when the statement ends without an exception.
    Standard output is written as the rows come and cannot be taken back.

    Parameters
    ----------
    target : Path or None
        None is standard output. What ends in ``.gz`` is compressed.
    format : Format or None
        None: as the suffix of the target's name tells.
    columns : sequence of str
        The read columns to write, in their order; others are left out. Empty where they are not known beforehand, as
        when reading JSON Lines: all are written. CSV and Parquet need to know them first, so the rows wait on disk,
        beside the target, until the last has been written.
    like : Reader or None
        Where the rows come from. From Parquet to Parquet, columns keep their types; otherwise Parquet gets strings, and
        the JSON text of what is none.
    added : mapping of str to type, optional
        The columns that come behind them, each str, float, int or bool; None is a missing value.

    Yields
    ------
    Writer
        Takes batches by `Writer.write`.

    Raises
    ------
    InputError
        If an added column is one that was read, or the target cannot be written.
    """
    found = resolve_format(target, format)
    added = added or {}
    refuse_taken(columns, added, like.name if like else "the input")
    make = _maker(found, like)
    with output_to(target) as plain, gzipped(plain) if is_gzipped(target) else nullcontext(plain) as output:
        with write_errors(output.name):
            spooled = found is not Format.JSONL and not columns
            writer = _spooled(output, make, added, target) if spooled else make(output, columns, added)
        with writer:
            yield writer


def _maker(format: Format, like: Reader | None) -> MakeWriter:
    if format is Format.CSV:
        return CsvWriter
    if format is Format.JSONL:
        return JsonlWriter
    return partial(ParquetWriter, like=like.schema if isinstance(like, ParquetReader) else None)


def _spooled(output: Output, make: MakeWriter, added: Mapping[str, type], target: Path | None) -> Writer:
    return SpooledWriter(output, make, added, None if target is None else target.resolve().parent)
