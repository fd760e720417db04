"""Bytes in, line by line: files, gzipped files and standard input, counted for a progress bar."""

from __future__ import annotations

import codecs
import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from moderation.errors import InputError
from moderation.files.formats import is_gzipped

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

STDIN = "<stdin>"
_BUFFER = 1 << 16


def open_file(path: Path) -> io.BufferedReader:
    """Open a file for reading.

    Raises
    ------
    InputError
        If it is missing, is a directory or may not be read.
    """
    try:
        return path.open("rb")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error


def size_of(stream: io.BufferedIOBase) -> int | None:
    """Size of an open file in bytes; None where it has none beforehand, as a pipe."""
    return stream.seek(0, io.SEEK_END) - stream.seek(0) if stream.seekable() else None


class LineSource:
    """The lines of a file or of standard input.

    Parameters
    ----------
    path : Path or None
        None is standard input, which is left open. What ends in ``.gz`` is decompressed.

    Attributes
    ----------
    name : str
        For messages.
    bytes_total : int or None
        Size on disk; None where it cannot be known.

    Raises
    ------
    InputError
        If the file cannot be opened.
    """

    def __init__(self, path: Path | None) -> None:
        self._open = ExitStack()
        if path is None:
            self.name, self.bytes_total = STDIN, None
            self._counted = _Counted(cast("io.BufferedIOBase", sys.stdin.buffer))
        else:
            file = self._open.enter_context(open_file(path))
            self.name, self.bytes_total = str(path), size_of(file)
            self._counted = _Counted(file)
        plain = io.BufferedReader(self._counted, _BUFFER)
        self._stream = io.BufferedReader(_gunzipped(plain), _BUFFER) if is_gzipped(path) else plain

    @property
    def bytes_read(self) -> int:
        """How many bytes have been taken from the file, compressed ones where it is compressed."""
        return self._counted.count

    def lines(self, limit: int) -> Iterator[bytes]:
        r"""Lines with their ends, without a byte order mark.

        Parameters
        ----------
        limit : int
            Bytes. Of a longer line only a beginning that is longer than `limit` is given, so that a file without line
            ends does not fill the memory.

        Raises
        ------
        InputError
            If the file cannot be read on, such as a damaged gzip file.
        """
        line = self._readline(limit + 1 + len(codecs.BOM_UTF8)).removeprefix(codecs.BOM_UTF8)
        while line:
            yield line
            if len(line) > limit:
                self._finish(line)
            line = self._readline(limit + 1)

    def close(self) -> None:
        """Close the file; standard input stays open."""
        self._open.close()

    def _finish(self, line: bytes) -> None:
        """Skip what is left of a line."""
        while line and not line.endswith(b"\n"):
            line = self._readline(_BUFFER)

    def _readline(self, limit: int) -> bytes:
        try:
            return self._stream.readline(limit)
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(f"{self.name}: cannot be read on: {error}") from error


def _gunzipped(stream: BinaryIO) -> io.RawIOBase:
    return cast("io.RawIOBase", gzip.GzipFile(fileobj=stream))


class _Counted(io.RawIOBase):
    """Counts the bytes that are read through it; closing it leaves the inner stream open."""

    def __init__(self, inner: io.BufferedIOBase) -> None:
        self._inner = inner
        self.count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        size = self._inner.readinto1(buffer)
        self.count += size
        return size
