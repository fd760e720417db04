"""Decisions in a SQLite file."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

from moderation.comment import Article, Comment
from moderation.decisions.decision import Decision, LabelScore
from moderation.sqlite_file import Form, SQLiteFile
from moderation.verdict import Action

_TABLES: Final = """
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
"""
_FORM: Final = Form("decisions", application=0x6D6F6465, version=1, tables=_TABLES)
_SELECT: Final = """
SELECT decisions.*, articles.title, articles.text, articles.url
FROM decisions LEFT JOIN articles ON articles.id = decisions.article
ORDER BY decisions.id
"""


class DecisionStore:
    """Keeps decisions in a SQLite file, which several threads and processes may share.

    What `add` returned from is on the disk, see `SQLiteFile`: each decision is a transaction of its own.

    Parameters
    ----------
    path : Path
        On a local disk. Made, readable by its owner only, when it is first needed.
    """

    def __init__(self, path: Path) -> None:
        self._file = SQLiteFile(path, _FORM)

    def open(self) -> None:
        """Make or check the file, which is otherwise done at the first use.

        Raises
        ------
        StoreError
            If the file cannot be used.
        """
        with self._file.reading():
            pass

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def add(self, decision: Decision) -> None:
        """Keep a decision. Its texts must hold no lone surrogates.

        Raises
        ------
        StoreError
            If it cannot be written; then nothing of it is.
        """
        with self._file.writing() as connection:
            _insert(connection, decision)

    def decisions(self) -> list[Decision]:
        """All decisions, in the order in which they came.

        Raises
        ------
        StoreError
            If the file cannot be read.
        """
        with self._file.reading() as connection:
            return [_decision(connection, row) for row in connection.execute(_SELECT).fetchall()]


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
