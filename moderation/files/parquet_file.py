"""Parquet in and out."""

from __future__ import annotations

import io
import itertools
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Final, overload

import pyarrow as pa
import pyarrow.parquet as pq

from moderation.errors import InputError
from moderation.files.atomic import Output
from moderation.files.batch import ABSENT, Batch
from moderation.files.formats import Format
from moderation.files.reader import BATCH_BYTES, TEXT_COLUMNS, Reader, ReadOptions, check_columns
from moderation.files.streams import STDIN, open_file, size_of
from moderation.files.values import as_text, well_formed
from moderation.files.writer import Writer

_READ_BUFFER: Final = 1 << 20
_GROUP_ROWS: Final = 32_768
_GROUP_BYTES: Final = 64_000_000
_TYPES: Final = {str: pa.string(), float: pa.float64(), int: pa.int64(), bool: pa.bool_()}


class ParquetReader(Reader):
    """Reads Parquet, one record batch after another.

    Standard input, which cannot be read from its end as Parquet has to be, is read into memory whole.

    Parameters
    ----------
    path : Path or None
        None is standard input.
    options : ReadOptions
        How to read.

    Attributes
    ----------
    schema : pyarrow.Schema
        The types of the columns.

    Raises
    ------
    InputError
        If this is no Parquet file, a required column is missing, or a text column holds something else than strings.
    """

    format = Format.PARQUET

    def __init__(self, path: Path | None, options: ReadOptions) -> None:
        name = STDIN if path is None else str(path)
        self._stream = io.BytesIO(sys.stdin.buffer.read()) if path is None else open_file(path)
        self._rows_read = 0
        try:
            size = size_of(self._stream)
            with _readable(name):
                # only so is a row group read piece by piece; otherwise all of it, or all of the file, is read ahead
                self._file = pq.ParquetFile(self._stream, pre_buffer=False, buffer_size=_READ_BUFFER)
            self.schema = self._file.schema_arrow
            super().__init__(name, tuple(self.schema.names), options)
            check_columns(name, self.columns, options.required)
            _check_types(name, self.schema)
        except BaseException:
            self._stream.close()
            raise
        self.bytes_total = size

    @property
    def bytes_read(self) -> int:
        return int((self.bytes_total or 0) * self._rows_read / max(self._file.metadata.num_rows, 1))

    def close(self) -> None:
        self._file.close()
        self._stream.close()

    def _read(self) -> Iterator[Batch]:
        batches = self._file.iter_batches(self._batch_size())
        while True:
            with _readable(self.name):
                table = next(batches, None)
            if table is None:
                return
            if batch := self._usable(table):
                yield batch

    def _batch_size(self) -> int:
        """As many rows as are wanted, fewer where they are large."""
        metadata = self._file.metadata
        groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
        largest = max((group.total_byte_size / group.num_rows for group in groups if group.num_rows), default=0)
        return max(1, min(self._options.batch_size, int(BATCH_BYTES / max(largest, 1))))

    def _usable(self, table: pa.RecordBatch) -> Batch:
        rows = list(range(self._rows_read + 1, self._rows_read + len(table) + 1))
        self._rows_read += len(table)
        if self._is_sound(table):
            return Batch({name: _Column(table.column(name)) for name in self.columns}, rows)
        columns = {name: _values(table.column(name)) for name in self.columns}
        faults = self._faults(columns)
        for index in sorted(faults):
            self._reject(rows[index], faults[index])
        usable = [index not in faults for index in range(len(rows))]
        return Batch(
            {name: list(itertools.compress(values, usable)) for name, values in columns.items()},
            list(itertools.compress(rows, usable)),
        )

    def _is_sound(self, table: pa.RecordBatch) -> bool:
        """Whether no row can be at fault: no null where a value must be, nothing that is not UTF-8."""
        try:
            table.validate(full=True)
        except pa.ArrowInvalid:
            return False
        return all(table.column(name).null_count == 0 for name in self._options.required)

    def _faults(self, columns: dict[str, list[Any]]) -> dict[int, str]:
        faults = {}
        for name, values in columns.items():
            if None in values and name in self._options.required:
                faults.update({index: f"{name!r} is null" for index, value in enumerate(values) if value is None})
            if ABSENT in values:
                faults.update(
                    {index: f"{name!r} is not UTF-8" for index, value in enumerate(values) if value is ABSENT}
                )
        return faults


class ParquetWriter(Writer):
    """Writes Parquet with types that are known before the first row.

    Read columns keep the type that they have in a Parquet input and are strings otherwise, see `as_text`: which type
    the values of JSON Lines have in common is not known until the last of them. Added columns have the type declared.
    Every column but those that the input declares otherwise may hold nulls; lone surrogates become U+FFFD.
    """

    def __init__(
        self, output: Output, columns: Sequence[str], added: Mapping[str, type], like: pa.Schema | None = None
    ) -> None:
        super().__init__(output)
        self._schema = _schema(columns, added, like or pa.schema([]))
        self._file = pq.ParquetWriter(output.stream, self._schema)
        self._group: list[pa.RecordBatch] = []

    def _write(self, batch: Batch) -> None:
        arrays = [_array(batch.column(field.name), field.type) for field in self._schema]
        self._group.append(pa.RecordBatch.from_arrays(arrays, schema=self._schema))
        if sum(map(len, self._group)) >= _GROUP_ROWS or sum(part.nbytes for part in self._group) >= _GROUP_BYTES:
            self._flush()

    def _finish(self) -> None:
        self._flush()

    def _close(self) -> None:
        self._file.close()

    def _flush(self) -> None:
        if self._group:
            self._file.write_table(pa.Table.from_batches(self._group))
            self._group = []


class _Column(Sequence[Any]):
    """A column as it was read, whose Python values are made when somebody looks at them."""

    def __init__(self, array: pa.Array) -> None:
        self.array = array

    @cached_property
    def _list(self) -> list[Any]:
        return _values(self.array)

    def __len__(self) -> int:
        return len(self.array)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._list)

    @overload
    def __getitem__(self, at: int) -> Any: ...

    @overload
    def __getitem__(self, at: slice) -> list[Any]: ...

    def __getitem__(self, at: int | slice) -> Any:
        return self._list[at]

    def __eq__(self, other: object) -> bool:
        return self._list == other

    __hash__ = None  # type: ignore[assignment]


@contextmanager
def _readable(name: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{name}: cannot be read as Parquet: {' '.join(str(error).split())}") from error


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return _is_text(kind.value_type)
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _check_types(name: str, schema: pa.Schema) -> None:
    for field in schema:
        if field.name in TEXT_COLUMNS and not (_is_text(field.type) or pa.types.is_null(field.type)):
            raise InputError(f"{name}: the column {field.name!r} is of type {field.type}; it must hold strings")


def _values(array: pa.Array) -> list[Any]:
    """Python values; pyarrow's own scalars where Python's types are too narrow, `ABSENT` for what is not UTF-8."""
    if "time64[ns]" in str(array.type):
        return list(array)
    try:
        return array.to_pylist()  # type: ignore[no-any-return]
    except (UnicodeDecodeError, OverflowError):
        return [_value(scalar) for scalar in array]


def _value(scalar: pa.Scalar) -> Any:
    try:
        return scalar.as_py()
    except UnicodeDecodeError:
        return ABSENT
    except OverflowError:
        return scalar


def _schema(columns: Sequence[str], added: Mapping[str, type], like: pa.Schema) -> pa.Schema:
    read = [like.field(name) if name in like.names else pa.field(name, pa.string()) for name in columns]
    return pa.schema([*read, *(pa.field(name, _TYPES[kind]) for name, kind in added.items())], metadata=like.metadata)


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if isinstance(values, _Column) and values.array.type == kind:
        return values.array
    if _is_text(kind):
        texts = map(as_text, values)
        return pa.array([text if text is None else well_formed(text) for text in texts], type=kind)
    return pa.array([None if value is ABSENT else value for value in values], type=kind)
