"""CSV in and out."""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from types import NoneType
from typing import Any, Final

from moderation.errors import InputError
from moderation.files.atomic import Output
from moderation.files.batch import Batch
from moderation.files.formats import Format
from moderation.files.reader import BATCH_BYTES, Reader, ReadOptions, Row, check_columns, gather
from moderation.files.streams import LineSource
from moderation.files.values import as_text, well_formed
from moderation.files.writer import Writer

FIELD_LIMIT: Final = 2_000_000
"""Most characters in a field."""

RECORD_LIMIT: Final = 8_000_000
"""Most bytes in a record, all its fields together."""

_TOO_LONG: Final = f"a field of more than {FIELD_LIMIT} characters; perhaps a quoted field is never closed"
_WRITTEN_ALIKE: Final = frozenset([str, float, int, NoneType])
_REASONS: Final = {
    "expected after": "a quote inside a quoted field; write it twice",
    "unexpected end of data": "a quoted field is never closed",
    "field larger than": _TOO_LONG,
    "new-line character": "a carriage return outside quotes; lines end in LF or CR LF",
}
"""What the csv module says, in part, and what it means."""


class CsvReader(Reader):
    """Reads CSV in UTF-8: commas, double quotes, a header line.

    Quoting is strict, except that a quote inside a field that does not begin with one stands for itself. Blank lines
    are no rows. After broken quoting reading goes on with the line behind the one on which the broken row began, so a
    quote that is never closed costs its own row and no other.
    """

    format = Format.CSV

    def __init__(self, source: LineSource, options: ReadOptions) -> None:
        self._source = source
        self._records = _Records(source.lines(RECORD_LIMIT))
        self._rows_read = 0
        super().__init__(source.name, self._header(), options)
        check_columns(source.name, self.columns, options.required)
        self.bytes_total = source.bytes_total

    @property
    def bytes_read(self) -> int:
        return self._source.bytes_read

    def close(self) -> None:
        self._source.close()

    def _header(self) -> tuple[str, ...]:
        try:
            header = self._records.read()
        except csv.Error as error:
            raise InputError(f"{self._source.name}: the header cannot be read: {error}") from error
        if header is None:
            raise InputError(f"{self._source.name}: is empty; its first line must name the columns")
        if any("\0" in name for name in header):
            raise InputError(f"{self._source.name}: the header holds NUL bytes; save the file as UTF-8")
        return tuple(header)

    def _read(self) -> Iterator[Batch]:
        while lines := self._records.block(self._options.batch_size):
            records = self._records.parsed(lines, len(self.columns))
            if records is None:
                self._records.put_back(lines)
                for rows in gather(self._rows_one_by_one(), self._options.batch_size):
                    yield self._batch([row.record for row in rows], [row.number for row in rows])
            elif records:
                yield self._batch(records, range(self._rows_read + 1, self._rows_read + len(records) + 1))
                self._rows_read += len(records)

    def _batch(self, records: Sequence[list[str]], numbers: Sequence[int]) -> Batch:
        columns = map(list, zip(*records, strict=True))
        return Batch(dict(zip(self.columns, columns, strict=True)), list(numbers))

    def _rows_one_by_one(self) -> Iterator[Row[list[str]]]:
        """Rows up to the last line that was put back; bad ones are rejected each by itself."""
        while self._records.are_put_back:
            self._rows_read += 1
            try:
                record = self._records.read()
                if record is None:
                    return
                self._check_width(record)
            except csv.Error as error:
                self._reject(self._rows_read, f"{error} (line {self._records.line})")
            else:
                yield Row(self._rows_read, record, self._records.size)

    def _check_width(self, record: list[str]) -> None:
        if len(record) != len(self.columns):
            kind = "few" if len(record) < len(self.columns) else "many"
            raise csv.Error(f"too {kind} fields: {len(record)} where the header has {len(self.columns)}")


class CsvWriter(Writer):
    """Writes CSV in UTF-8 with line feeds; see `as_text` for what is no string, U+FFFD for lone surrogates."""

    def __init__(self, output: Output, columns: Sequence[str], added: Mapping[str, type]) -> None:
        super().__init__(output)
        self._columns = (*columns, *added)
        self._write_rows([self._columns])

    def _write(self, batch: Batch) -> None:
        columns = [_cells(batch.column(name)) for name in self._columns]
        self._write_rows(list(zip(*columns, strict=True)))

    def _write_rows(self, rows: Sequence[Sequence[Any]]) -> None:
        text = _format(rows, quote_all=False)
        if "\r" in text:
            text = _format(rows, quote_all=True)  # Python 3.11 and 3.12 leave a lone carriage return unquoted
        self._stream.write(well_formed(text).encode())


def _cells(values: Sequence[Any]) -> Iterable[Any]:
    """The values as the csv module writes them as we would; what it writes otherwise as text."""
    return values if _WRITTEN_ALIKE.issuperset(map(type, values)) else map(as_text, values)


def _format(rows: Sequence[Sequence[Any]], *, quote_all: bool) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL).writerows(rows)
    return text.getvalue()


class _Records:
    """Splits lines into records and survives the broken ones.

    Attributes
    ----------
    line : int
        Number of the line on which the last record began, from 1.
    size : int
        Its bytes.
    """

    def __init__(self, lines: Iterator[bytes]) -> None:
        # The limit holds for the whole process: it is never lowered, so fields are measured again in `read`.
        csv.field_size_limit(max(csv.field_size_limit(), FIELD_LIMIT))
        self._feed = _Feed(lines)
        self._csv = csv.reader(self._feed, strict=True)

    @property
    def line(self) -> int:
        return self._feed.first

    @property
    def size(self) -> int:
        return self._feed.size

    @property
    def are_put_back(self) -> bool:
        """Whether there are lines that were put back and not read since."""
        return self._feed.has_again

    def put_back(self, lines: Sequence[bytes]) -> None:
        """Make lines that a `block` held the next ones."""
        self._feed.put_back(lines)

    def block(self, count: int) -> list[bytes]:
        """Lines of at most so many records, few bytes more than `BATCH_BYTES`; the last one seems to end a record."""
        return self._feed.block(count)

    def parsed(self, lines: Sequence[bytes], width: int) -> list[list[str]] | None:
        """All records of a block at once, without blank lines; None where one of them has to be looked at by itself."""
        size = sum(map(len, lines))
        try:
            records = list(filter(None, csv.reader(map(bytes.decode, lines), strict=True)))
        except (csv.Error, UnicodeDecodeError):
            return None
        long = size > FIELD_LIMIT and (size > RECORD_LIMIT or max(map(len, chain.from_iterable(records))) > FIELD_LIMIT)
        return None if long or not {width}.issuperset(map(len, records)) else records

    def read(self) -> list[str] | None:
        """The next record that is no blank line; None behind the last.

        Raises
        ------
        csv.Error
            If it is broken; the next call goes on behind it.
        """
        record = self._next()
        while record == []:
            record = self._next()
        if self._feed.undecodable:
            raise csv.Error("is not UTF-8; save the file as UTF-8")
        if record and self.size > FIELD_LIMIT and max(map(len, record)) > FIELD_LIMIT:
            raise csv.Error(_TOO_LONG)
        return record

    def _next(self) -> list[str] | None:
        self._feed.begin()
        try:
            return next(self._csv, None)
        except csv.Error as error:
            self._feed.rewind()
            message = str(error)
            known = (reason for part, reason in _REASONS.items() if part in message)
            raise csv.Error(next(known, message)) from error


class _Feed(Iterator[str]):
    """Hands lines to the csv module and remembers those of the record that is being read."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines = lines
        self._again: deque[bytes] = deque()
        self._record: list[bytes] = []
        self.first = 1
        self.size = 0
        self.undecodable = False

    def begin(self) -> None:
        """The next line begins a record."""
        self.first += len(self._record)
        self._record = []
        self.size = 0
        self.undecodable = False

    @property
    def has_again(self) -> bool:
        return bool(self._again)

    def put_back(self, lines: Sequence[bytes]) -> None:
        self._again.extendleft(reversed(lines))
        self.first -= len(lines)

    def block(self, count: int) -> list[bytes]:
        self.begin()
        lines: list[bytes] = []
        size = open_quotes = 0
        for line in self._lines:
            lines.append(line)
            size += len(line)
            open_quotes ^= line.count(b'"') & 1
            full = len(lines) >= count or size >= BATCH_BYTES
            if full and (not open_quotes or len(lines) >= 2 * count or size >= 2 * BATCH_BYTES):
                break
        self.first += len(lines)
        return lines

    def rewind(self) -> None:
        """Make the line behind the first of this record the next one."""
        self._again.extendleft(reversed(self._record[1:]))
        del self._record[1:]

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self._record.append(line)
        self.size += len(line)
        if self.size > RECORD_LIMIT:
            raise csv.Error(f"a row of more than {RECORD_LIMIT} bytes; perhaps a quoted field is never closed")
        try:
            return line.decode()
        except UnicodeDecodeError:
            self.undecodable = True
            return line.decode(errors="replace")  # its quotes still tell where the record ends
