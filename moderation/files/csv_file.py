"""CSV in and out."""

from __future__ import annotations

import csv
import io
import itertools
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from moderation.errors import InputError
from moderation.files.atomic import Output
from moderation.files.batch import Batch
from moderation.files.formats import Format
from moderation.files.reader import Reader, ReadOptions, Row, check_columns, gather
from moderation.files.streams import LineSource
from moderation.files.values import as_text, well_formed
from moderation.files.writer import Writer

FIELD_LIMIT: Final = 2_000_000
"""Most characters in a field."""

RECORD_LIMIT: Final = 8_000_000
"""Most bytes in a record, all its fields together."""

_TOO_LONG: Final = f"a field of more than {FIELD_LIMIT} characters; perhaps a quoted field is never closed"
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
        for rows in gather(self._rows(), self._options.batch_size):
            values = map(list, zip(*(row.record for row in rows), strict=True))
            yield Batch(dict(zip(self.columns, values, strict=True)), [row.number for row in rows])

    def _rows(self) -> Iterator[Row[list[str]]]:
        for number in itertools.count(1):
            try:
                record = self._records.read()
                if record is None:
                    return
                self._check_width(record)
            except csv.Error as error:
                self._reject(number, f"{error} (line {self._records.line})")
            else:
                yield Row(number, record, self._records.size)

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
        columns = [map(as_text, batch.column(name)) for name in self._columns]
        self._write_rows(list(zip(*columns, strict=True)))

    def _write_rows(self, rows: Sequence[Sequence[str | None]]) -> None:
        text = _format(rows, quote_all=False)
        if "\r" in text:
            text = _format(rows, quote_all=True)  # Python 3.11 and 3.12 leave a lone carriage return unquoted
        self._stream.write(well_formed(text).encode())


def _format(rows: Sequence[Sequence[str | None]], *, quote_all: bool) -> str:
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
