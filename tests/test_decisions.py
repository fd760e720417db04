"""The store of decisions keeps what it was given, for several threads and processes, and no other program's files."""

from __future__ import annotations

import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from moderation import Action, Article, Comment
from moderation.decisions import Decision, DecisionStore, LabelScore
from moderation.errors import StoreError

ARTICLE = Article("New bridge", "The council voted to build a bridge.", "https://example.org/bridge")
FULL = Decision(
    comment=Comment("a\x00b \N{GRINNING FACE}\n", ARTICLE, "Will it ever be built?"),
    source="perspective",
    model="default 0.1.0",
    scores=(LabelScore("toxicity", 1.0), LabelScore("insult", 0.25, 2, 5)),
    action=Action.REJECT,
    community="Coral:https://comments.example.org",
    client="forum",
    reference="comment:17",
    languages=("en", "de"),
    at=datetime(2026, 11, 21, 10, 30, 0, 123000, tzinfo=timezone(timedelta(hours=1))),
)
BARE = Decision(comment=Comment("a"), source="perspective", model="default 0.1.0")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "decisions.sqlite3"


def test_decisions_come_back_as_they_were_given_in_their_order(path: Path) -> None:
    store = DecisionStore(path)
    store.add(FULL)
    store.add(BARE)
    assert store.decisions() == [FULL, BARE]


def test_a_decision_is_made_now() -> None:
    before = datetime.now(UTC)
    assert before <= Decision(Comment("a"), "perspective", "default 0.1.0").at <= datetime.now(UTC)


def test_they_outlive_the_store_that_took_them(path: Path) -> None:
    store = DecisionStore(path)
    store.add(FULL)
    store.close()
    assert DecisionStore(path).decisions() == [FULL]
    store.add(BARE)
    assert len(store.decisions()) == 2


def test_an_article_is_kept_once_for_all_its_comments(path: Path) -> None:
    store = DecisionStore(path)
    for text in ("a", "b", "c"):
        store.add(Decision(Comment(text, ARTICLE), "perspective", "default 0.1.0"))
    store.close()
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM articles").fetchone() == (1,)
    assert {decision.comment.article for decision in store.decisions()} == {ARTICLE}


def test_each_decision_is_on_the_disk_before_it_counts_as_kept(path: Path) -> None:
    store = DecisionStore(path)
    store.add(BARE)
    with store._file.reading() as connection:
        assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2  # FULL
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_nothing_is_left_of_a_decision_that_cannot_be_kept(path: Path, value: float) -> None:
    store = DecisionStore(path)
    wrong = Decision(Comment("a", ARTICLE), "perspective", "m", (LabelScore("toxicity", value),))
    with pytest.raises(StoreError, match="decisions cannot be kept here"):
        store.add(wrong)
    assert store.decisions() == []
    store.add(BARE)
    assert len(store.decisions()) == 1


def test_threads_and_stores_share_a_file(path: Path) -> None:
    stores = [DecisionStore(path), DecisionStore(path)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: stores[number % 2].add(BARE), range(100)))
    assert len(stores[0].decisions()) == 100


@pytest.mark.parametrize("number", range(10))
def test_several_stores_may_make_the_file_at_once(path: Path, number: int) -> None:
    stores = [DecisionStore(path) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda store: store.add(BARE), stores))
    assert len(stores[0].decisions()) == 4


def test_others_on_the_machine_cannot_read_them(path: Path) -> None:
    store = DecisionStore(path)
    store.add(BARE)
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_store_makes_no_file_before_it_is_used(path: Path) -> None:
    store = DecisionStore(path)
    assert not path.exists()
    store.open()
    assert path.exists()


def test_a_place_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "nowhere" / "decisions.sqlite3"
    text = tmp_path / "decisions.txt"
    text.write_text("These are notes, not a database of any kind. " * 50)
    for path in (missing, tmp_path, text):
        with pytest.raises(StoreError, match=str(path)):
            DecisionStore(path).open()
    assert text.read_text().startswith("These are notes")


def test_the_database_of_another_program_is_left_alone(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE decisions (ours TEXT)")
    with pytest.raises(StoreError, match="belongs to another program"):
        DecisionStore(path).add(BARE)


def test_a_database_of_a_later_version_is_left_alone(path: Path) -> None:
    store = DecisionStore(path)
    store.add(BARE)
    store.close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="a later version"):
        store.add(BARE)
