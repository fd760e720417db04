"""JSON Lines in and out."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NoReturn

from moderation.files.atomic import Output
from moderation.files.batch import ABSENT, Batch
from moderation.files.formats import Format
from moderation.files.reader import TEXT_COLUMNS, Reader, ReadOptions, Row, gather
from moderation.files.streams import LineSource
from moderation.files.values import to_json
from moderation.files.writer import Writer

LINE_LIMIT: Final = 16_000_000
"""Most bytes in a line."""

NESTING_LIMIT: Final = 100
"""Most objects and arrays within each other; far from where Python's own limits would stop a writer."""

_KINDS: Final = {dict: "an object", list: "an array", str: "a string", bool: "a truth value", type(None): "null"}


class JsonlReader(Reader):
    """Reads one JSON object a line, in UTF-8.

    Keys that a row lacks are `ABSENT` in its batch. Values of any kind pass through, numbers at double precision.
    Blank lines are no rows, but lines.
    """

    format = Format.JSONL

    def __init__(self, source: LineSource, options: ReadOptions) -> None:
        self._source = source
        super().__init__(source.name, (), options)
        self.bytes_total = source.bytes_total

    @property
    def bytes_read(self) -> int:
        return self._source.bytes_read

    def close(self) -> None:
        self._source.close()

    def _read(self) -> Iterator[Batch]:
        for rows in gather(self._rows(), self._options.batch_size):
            names = dict.fromkeys(itertools.chain.from_iterable(row.record for row in rows))
            columns: dict[str, Sequence[Any]] = {name: [row.record.get(name, ABSENT) for row in rows] for name in names}
            yield Batch(columns, [row.number for row in rows])

    def _rows(self) -> Iterator[Row[dict[str, Any]]]:
        lines = enumerate(self._source.lines(LINE_LIMIT), start=1)
        filled = ((number, line) for number, line in lines if not line.isspace())
        for row, (number, line) in enumerate(filled, start=1):
            try:
                record = _parse(line)
                _check(record, self._options.required)
            except _LineError as error:
                self._reject(row, f"{error} (line {number})")
            else:
                yield Row(row, record, len(line))


class JsonlWriter(Writer):
    """Writes one JSON object a line, in UTF-8; lone surrogates as escapes.

    Without `columns` it writes every key that a row has.
    """

    def __init__(self, output: Output, columns: Sequence[str], added: Mapping[str, type]) -> None:
        super().__init__(output)
        self._columns = (*columns, *added) if columns else ()

    def _write(self, batch: Batch) -> None:
        names = self._columns or tuple(batch.columns)
        rows = zip(*(batch.column(name) for name in names), strict=True)
        records = ({name: value for name, value in zip(names, row, strict=True) if value is not ABSENT} for row in rows)
        text = "".join(f"{to_json(record)}\n" for record in records)
        # what UTF-8 cannot hold are lone surrogates, and Python's escape of them is JSON's
        self._stream.write(text.encode(errors="backslashreplace"))


class _LineError(Exception):
    """Why a line is no usable row."""


def _parse(line: bytes) -> dict[str, Any]:
    if len(line) > LINE_LIMIT:
        raise _LineError(f"longer than {LINE_LIMIT} bytes; JSON Lines has one object on each line")
    try:
        record = _DECODER.decode(line.decode().rstrip())
    except UnicodeDecodeError:
        raise _LineError("is not UTF-8; save the file as UTF-8") from None
    except json.JSONDecodeError as error:
        what = error.msg.removesuffix(" at")
        raise _LineError(f"is not JSON: {what} at column {error.colno}; every line is one JSON object") from None
    except RecursionError:
        raise _LineError("is nested too deeply") from None
    except ValueError as error:  # an integer of thousands of digits
        raise _LineError(f"is not usable JSON: {error}") from None
    if line.count(b"[") + line.count(b"{") > NESTING_LIMIT and _is_nested(record, NESTING_LIMIT):
        raise _LineError("is nested too deeply")
    if not isinstance(record, dict):
        raise _LineError(f"is {_kind(record)}, not a JSON object")
    return record


def _check(record: dict[str, Any], required: tuple[str, ...]) -> None:
    for name in required:
        if record.get(name) is None:
            raise _LineError(f"{name!r} is null" if name in record else f"has no {name!r}")
    for name in TEXT_COLUMNS:
        value = record.get(name)
        if value is not None and not isinstance(value, str):
            raise _LineError(f"{name!r} is {_kind(value)}, not a string")


def _is_nested(value: Any, levels: int) -> bool:
    """Whether a value has more than so many objects and arrays within each other."""
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_nested(item, levels - 1) for item in inner)


def _kind(value: Any) -> str:
    return _KINDS.get(type(value), "a number")


def _number(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise _LineError(f"the number {digits[:20]} is out of range")
    return value


def _no_number(name: str) -> NoReturn:
    raise _LineError(f"is not JSON: {name} is no JSON number")


_DECODER: Final = json.JSONDecoder(parse_float=_number, parse_constant=_no_number)
