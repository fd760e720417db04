"""Decisions in a SQLite file."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from threading import Lock
from time import monotonic, sleep
from typing import Final

from moderation.comment import Article, Comment
from moderation.decisions.decision import Decision, LabelScore
from moderation.errors import StoreError
from moderation.verdict import Action

VERSION: Final = 1
_APPLICATION: Final = 0x6D6F6465  # "mode", by which SQLite files of this software are known
_BUSY_SECONDS: Final = 10.0  # other processes may write, too, each of them for milliseconds

_SCHEMA: Final = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS articles (
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    title TEXT NOT NULL,
    text TEXT NOT NULL,
    url TEXT
);
CREATE TABLE IF NOT EXISTS decisions (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    source TEXT NOT NULL,
    model TEXT NOT NULL,
    community TEXT,
    client TEXT,
    reference TEXT,
    languages TEXT NOT NULL,
    comment TEXT NOT NULL,
    article INTEGER REFERENCES articles,
    parent TEXT,
    action TEXT CHECK (action IN ('approve', 'review', 'reject'))
);
CREATE INDEX IF NOT EXISTS decisions_by_reference ON decisions (community, reference);
CREATE TABLE IF NOT EXISTS scores (
    decision INTEGER NOT NULL REFERENCES decisions ON DELETE CASCADE,
    label TEXT NOT NULL,
    value REAL NOT NULL CHECK (value BETWEEN 0 AND 1),
    span_start INTEGER,
    span_end INTEGER
);
CREATE INDEX IF NOT EXISTS scores_by_decision ON scores (decision);
PRAGMA application_id = {_APPLICATION};
PRAGMA user_version = {VERSION};
COMMIT;
"""
_SELECT: Final = """
SELECT decisions.*, articles.title, articles.text, articles.url
FROM decisions LEFT JOIN articles ON articles.id = decisions.article
ORDER BY decisions.id
"""


class DecisionStore:
    """Keeps decisions in a SQLite file, which several threads and processes may share.

    What `add` returned from is on the disk: each decision is a transaction of its own in a write-ahead log with
    ``synchronous = FULL`` (https://sqlite.org/wal.html), so neither a killed process nor a failing machine loses it.

    Parameters
    ----------
    path : Path
        On a local disk. Made, readable by its owner only, when it is first needed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None

    def open(self) -> None:
        """Make or check the file, which is otherwise done at the first use.

        Raises
        ------
        StoreError
            If the file cannot be used.
        """
        with self._session():
            pass

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def add(self, decision: Decision) -> None:
        """Keep a decision. Its texts must hold no lone surrogates.

        Raises
        ------
        StoreError
            If it cannot be written; then nothing of it is.
        """
        with self._session() as connection:
            connection.execute("BEGIN IMMEDIATE")
            with connection:
                _insert(connection, decision)

    def decisions(self) -> list[Decision]:
        """All decisions, in the order in which they came.

        Raises
        ------
        StoreError
            If the file cannot be read.
        """
        with self._session() as connection:
            return [_decision(connection, row) for row in connection.execute(_SELECT).fetchall()]

    @contextmanager
    def _session(self) -> Iterator[sqlite3.Connection]:
        """The connection, for one thread at a time."""
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = _connect(self.path)
                yield self._connection
            except (sqlite3.Error, OSError) as error:
                raise StoreError(f"{self.path}: decisions cannot be kept here: {error}") from error


def _connect(path: Path) -> sqlite3.Connection:
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, mode=0o600))  # SQLite would let others read it
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        connection.row_factory = sqlite3.Row
        _require_ours(connection)
        _write_ahead(connection)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.executescript(_SCHEMA)
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


def _require_ours(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN")  # one look at all three: another process may be making the file
    [application] = connection.execute("PRAGMA application_id").fetchone()
    [version] = connection.execute("PRAGMA user_version").fetchone()
    [tables] = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    connection.execute("COMMIT")
    if application != _APPLICATION and tables:
        raise sqlite3.DatabaseError("this database belongs to another program")
    if version > VERSION:
        raise sqlite3.DatabaseError("a later version of this software wrote it")


def _insert(connection: sqlite3.Connection, decision: Decision) -> None:
    comment = decision.comment
    row = {
        "at": decision.at.isoformat(),
        "source": decision.source,
        "model": decision.model,
        "community": decision.community,
        "client": decision.client,
        "reference": decision.reference,
        "languages": json.dumps(decision.languages),
        "comment": comment.text,
        "article": None if comment.article is None else _article(connection, comment.article),
        "parent": comment.parent,
        "action": decision.action,
    }
    names, places = ", ".join(row), ", ".join(f":{name}" for name in row)
    number = connection.execute(f"INSERT INTO decisions ({names}) VALUES ({places})", row).lastrowid
    connection.executemany(
        "INSERT INTO scores VALUES (?, ?, ?, ?, ?)",
        [(number, score.label, score.value, score.start, score.end) for score in decision.scores],
    )


def _article(connection: sqlite3.Connection, article: Article) -> int:
    """Number of an article, which is kept once however many comments stand under it."""
    digest = sha256(json.dumps([article.title, article.text, article.url]).encode()).digest()
    values = (digest, article.title, article.text, article.url)
    connection.execute(
        "INSERT INTO articles (digest, title, text, url) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", values
    )
    [number] = connection.execute("SELECT id FROM articles WHERE digest = ?", (digest,)).fetchone()
    return int(number)


def _decision(connection: sqlite3.Connection, row: sqlite3.Row) -> Decision:
    article = None if row["article"] is None else Article(row["title"], row["text"], row["url"])
    scores = connection.execute(
        "SELECT label, value, span_start, span_end FROM scores WHERE decision = ? ORDER BY rowid", (row["id"],)
    )
    return Decision(
        comment=Comment(row["comment"], article, row["parent"]),
        source=row["source"],
        model=row["model"],
        scores=tuple(LabelScore(*score) for score in scores),
        action=None if row["action"] is None else Action(row["action"]),
        community=row["community"],
        client=row["client"],
        reference=row["reference"],
        languages=tuple(json.loads(row["languages"])),
        at=datetime.fromisoformat(row["at"]),
    )
