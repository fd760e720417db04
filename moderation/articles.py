"""Articles given once, under which comments come later, in a SQLite file."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

from moderation.comment import Article
from moderation.errors import UnknownArticleError
from moderation.sqlite_file import Form, SQLiteFile

READ_KEPT: Final = 1024
"""Articles read last that stay in memory."""

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS articles (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    text TEXT NOT NULL,
    url TEXT
);
CREATE INDEX IF NOT EXISTS articles_by_url ON articles (url);
"""
_FORM: Final = Form("articles", application=0x6D6F6461, version=1, tables=_TABLES)
_CROWDED_OUT: Final = """
DELETE FROM articles WHERE number <= (SELECT number FROM articles ORDER BY number DESC LIMIT 1 OFFSET ?)
"""

Name = Literal["id", "url"]
"""What an article is known by."""


class ArticleStore:
    """Keeps the articles given last in a SQLite file, which several threads and processes may share.

    What `put` and `delete` returned from is on the disk, see `SQLiteFile`, and what every process then finds.

    Parameters
    ----------
    path : Path
        On a local disk. Made, readable by its owner only, when the first article comes.
    kept : int
        Most articles; one more takes the place of the one that was given first.
    """

    def __init__(self, path: Path, kept: int) -> None:
        self.path = path
        self.kept = kept
        # two connections: one may have to wait until it can write, and to the other its writing is another's
        self._read, self._written = SQLiteFile(path, _FORM), SQLiteFile(path, _FORM)
        self._remembered = lru_cache(READ_KEPT)(self._select)

    def open(self) -> None:
        """Make or check the file, which is otherwise done at the first use.

        Raises
        ------
        StoreError
            If the file cannot be used.
        """
        with self._read.reading():
            pass

    def close(self) -> None:
        """Let go of the file."""
        self._read.close()
        self._written.close()

    def put(self, id_: str, article: Article) -> None:
        """Keep an article, instead of any other with its id. Its texts must hold no lone surrogates.

        Raises
        ------
        StoreError
            If it cannot be written; then the store is as it was.
        """
        row = (id_, article.title, article.text, article.url)
        with self._written.writing() as connection:
            connection.execute("REPLACE INTO articles (id, title, text, url) VALUES (?, ?, ?, ?)", row)
            connection.execute(_CROWDED_OUT, (self.kept,))

    def delete(self, id_: str) -> None:
        """Forget an article.

        Raises
        ------
        UnknownArticleError
            If there is none with this id.
        StoreError
            If the file cannot be written.
        """
        if not self._written.exists:
            raise UnknownArticleError("id")
        with self._written.writing() as connection:
            if connection.execute("DELETE FROM articles WHERE id = ?", (id_,)).rowcount == 0:
                raise UnknownArticleError("id")

    def find(self, name: Name, value: str) -> Article:
        """The article with an id, or the one given last with a URL; an article in memory is found in microseconds.

        Raises
        ------
        UnknownArticleError
            If there is none.
        StoreError
            If the file cannot be read.
        """
        if not self._read.exists:
            raise UnknownArticleError(name)
        with self._read.reading() as connection:
            [version] = connection.execute("PRAGMA data_version").fetchone()
        return self._remembered(version, name, value)

    def _select(self, version: int, name: Name, value: str) -> Article:  # noqa: ARG002  what was read of another is old
        with self._read.reading() as connection:
            row = connection.execute(
                f"SELECT title, text, url FROM articles WHERE {name} = ? ORDER BY number DESC LIMIT 1", (value,)
            ).fetchone()
        if row is None:
            raise UnknownArticleError(name)
        return Article(*row)
