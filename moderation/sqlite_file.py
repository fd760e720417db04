"""SQLite files of this software, which several threads and processes may share."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from time import monotonic, sleep
from typing import Final

from moderation.errors import StoreError

_BUSY_SECONDS: Final = 10.0  # other processes may write, too, each of them for milliseconds


@dataclass(frozen=True, slots=True)
class Form:
    """What a file holds.

    Parameters
    ----------
    kept : str
        In the plural, for messages.
    application : int
        SQLite's ``application_id``, by which such files are known.
    version : int
        Of the tables; files of a later one are left alone.
    tables : str
        SQL that makes those which are not there yet.
    """

    kept: str
    application: int
    version: int
    tables: str

    @property
    def script(self) -> str:
        """SQL that makes a new file one of this form, and does nothing to one that is."""
        return (
            f"BEGIN IMMEDIATE; {self.tables} PRAGMA application_id = {self.application}; "
            f"PRAGMA user_version = {self.version}; COMMIT;"
        )


class SQLiteFile:
    """A connection to a file, opened when it is first needed.

    What was committed is on the disk: the file has a write-ahead log with ``synchronous = FULL``
    (https://sqlite.org/wal.html), so neither a killed process nor a failing machine loses it.

    Parameters
    ----------
    path : Path
        On a local disk. Made, readable by its owner only, when it is first needed.
    form : Form
    """

    def __init__(self, path: Path, form: Form) -> None:
        self.path = path
        self._form = form
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None

    @property
    def exists(self) -> bool:
        """Whether the file has been made."""
        return self._connection is not None or self.path.exists()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, for one thread at a time.

        Raises
        ------
        StoreError
            If the file cannot be used.
        """
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = _connect(self.path, self._form)
                yield self._connection
            except (sqlite3.Error, OSError) as error:
                raise StoreError(f"{self.path}: {self._form.kept} cannot be kept here: {error}") from error

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The same for one transaction, of which nothing is left where it fails."""
        with self.reading() as connection:
            connection.execute("BEGIN IMMEDIATE")
            with connection:
                yield connection

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None


def _connect(path: Path, form: Form) -> sqlite3.Connection:
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, mode=0o600))  # SQLite would let others read it
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        connection.row_factory = sqlite3.Row
        is_new = _is_new(connection, form)
        _write_ahead(connection)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        if is_new:  # others need not wait until they may write
            connection.executescript(form.script)
    except BaseException:
        connection.close()
        raise
    return connection


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch to the write-ahead log; SQLite itself does not wait here for another process that is doing so."""
    deadline = monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if monotonic() > deadline:
                raise
            sleep(0.01)


def _is_new(connection: sqlite3.Connection, form: Form) -> bool:
    """Whether a file has still to be made one of a form; one of another is refused."""
    connection.execute("BEGIN")  # one look at all three: another process may be making the file
    [application] = connection.execute("PRAGMA application_id").fetchone()
    [version] = connection.execute("PRAGMA user_version").fetchone()
    [tables] = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    connection.execute("COMMIT")
    if application != form.application and tables:
        raise sqlite3.DatabaseError("this database belongs to another program")
    if version > form.version:
        raise sqlite3.DatabaseError("a later version of this software wrote it")
    return (application, version) != (form.application, form.version)
