"""The store of articles gives back what it was given last, to several threads and processes."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from moderation import Article
from moderation.articles import ArticleStore
from moderation.decisions import DecisionStore
from moderation.errors import StoreError, UnknownArticleError

URL = "https://harbour.example/bridge?part=1#top"
BRIDGE = Article("New bridge \N{GRINNING FACE}", "The council\x00voted.\n", URL)
FERRY = Article(title="Night ferry", text="The ferry goes on.")
KEPT = 3


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "articles.sqlite3"


@pytest.fixture
def store(path: Path) -> ArticleStore:
    return ArticleStore(path, KEPT)


def known(store: ArticleStore, *ids: str) -> list[str]:
    """Those of some ids that the store knows."""

    def is_known(id_: str) -> bool:
        try:
            store.find("id", id_)
        except UnknownArticleError:
            return False
        return True

    return [id_ for id_ in ids if is_known(id_)]


@pytest.mark.parametrize("id_", ["bridge", "2026/11/bridge", "\N{GRINNING FACE}", "a\x00b", "'; DROP TABLE articles"])
def test_an_article_comes_back_by_its_id_as_it_was_given(store: ArticleStore, id_: str) -> None:
    store.put(id_, BRIDGE)
    store.put("ferry", FERRY)
    assert store.find("id", id_) == BRIDGE
    assert store.find("id", "ferry") == FERRY


def test_it_comes_back_by_its_url_as_well(store: ArticleStore) -> None:
    store.put("bridge", BRIDGE)
    assert store.find("url", URL) == BRIDGE
    with pytest.raises(UnknownArticleError, match="no article with this url is kept"):
        store.find("url", URL.removesuffix("#top"))


def test_of_two_with_one_url_the_one_given_last_is_found(store: ArticleStore) -> None:
    store.put("old", Article("Old", url=URL))
    store.put("new", Article("New", url=URL))
    assert store.find("url", URL).title == "New"
    store.put("old", Article("Old, again", url=URL))
    assert store.find("url", URL).title == "Old, again"


def test_an_article_given_again_takes_the_place_of_the_first(store: ArticleStore) -> None:
    store.put("bridge", BRIDGE)
    assert store.find("id", "bridge") == BRIDGE
    store.put("bridge", FERRY)
    assert store.find("id", "bridge") == FERRY
    with pytest.raises(UnknownArticleError):
        store.find("url", URL)


def test_a_deleted_article_is_unknown(store: ArticleStore) -> None:
    store.put("bridge", BRIDGE)
    store.put("ferry", FERRY)
    store.delete("bridge")
    assert known(store, "bridge", "ferry") == ["ferry"]


@pytest.mark.parametrize("act", [lambda store: store.delete("ferry"), lambda store: store.find("id", "ferry")])
def test_what_was_never_given_is_unknown(store: ArticleStore, act: Callable[[ArticleStore], object]) -> None:
    with pytest.raises(UnknownArticleError, match="no article with this id is kept; give it first"):
        act(store)
    assert not store.path.exists()
    store.put("bridge", BRIDGE)
    with pytest.raises(UnknownArticleError):
        act(store)


def test_one_too_many_takes_the_place_of_the_one_given_first(store: ArticleStore) -> None:
    for id_ in "abcd":
        store.put(id_, FERRY)
    assert known(store, *"abcd") == ["b", "c", "d"]
    store.put("b", FERRY)  # now c is the one
    store.put("e", FERRY)
    assert known(store, *"abcde") == ["b", "d", "e"]


def test_fewer_are_kept_of_a_file_that_held_more(store: ArticleStore, path: Path) -> None:
    for id_ in "abc":
        store.put(id_, FERRY)
    store.close()
    smaller = ArticleStore(path, 1)
    smaller.put("d", FERRY)
    assert known(smaller, *"abcd") == ["d"]


def test_articles_outlive_the_store_that_took_them(store: ArticleStore, path: Path) -> None:
    store.put("bridge", BRIDGE)
    store.close()
    assert ArticleStore(path, KEPT).find("url", URL) == BRIDGE
    assert store.find("id", "bridge") == BRIDGE


def test_one_store_finds_what_another_has_changed(store: ArticleStore, path: Path) -> None:
    other = ArticleStore(path, KEPT)
    assert known(other, "bridge") == []
    store.put("bridge", BRIDGE)
    assert other.find("id", "bridge") == BRIDGE
    store.put("bridge", FERRY)
    assert other.find("id", "bridge") == FERRY
    store.delete("bridge")
    assert known(other, "bridge") == []


def test_an_article_that_is_in_memory_is_not_read_anew(store: ArticleStore) -> None:
    store.put("bridge", BRIDGE)
    assert store.find("id", "bridge") is store.find("id", "bridge")


def test_nobody_who_reads_waits_for_one_who_writes(store: ArticleStore) -> None:
    store.put("bridge", BRIDGE)
    with store._written.writing() as connection:
        connection.execute("DELETE FROM articles")
        assert store.find("id", "bridge") == BRIDGE
    assert known(store, "bridge") == []


def test_threads_and_stores_share_a_file(path: Path) -> None:
    stores = [ArticleStore(path, 100), ArticleStore(path, 100)]
    numbers = [str(number) for number in range(100)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: stores[int(number) % 2].put(number, Article(number)), numbers))
    assert [stores[0].find("id", number).title for number in numbers] == numbers


def test_a_place_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "nowhere" / "articles.sqlite3"
    for path in (missing, tmp_path):
        with pytest.raises(StoreError, match=f"{path}: articles cannot be kept here"):
            ArticleStore(path, KEPT).put("bridge", BRIDGE)


def test_the_decisions_of_a_site_lie_in_another_file(path: Path) -> None:
    DecisionStore(path).open()
    with pytest.raises(StoreError, match="belongs to another program"):
        ArticleStore(path, KEPT).open()
