"""Excerpts of articles stand in for comments."""

from __future__ import annotations

import pytest

from moderation import Article, Comment
from moderation.corpora import LabelledComments, excerpts
from moderation.errors import RecipeError


def articles(count: int, words: int) -> LabelledComments:
    """Articles whose words are all different."""
    texts = [" ".join(f"a{number}w{at}" for at in range(words)) for number in range(count)]
    comments = [Comment(text, Article(f"title {number}")) for number, text in enumerate(texts)]
    return LabelledComments("news.csv", comments, ["all"] * count, {}, list(range(1, count + 1)))


def test_an_excerpt_comes_from_the_end_and_stands_under_the_beginning_of_the_same_article() -> None:
    source = articles(50, 300)

    found = excerpts(source, 20, seed=0)

    assert len(found) == 40
    assert len(set(found.groups)) == 20
    for comment, row in zip(found.comments, found.rows, strict=True):
        assert comment.article is not None
        assert comment.article.title == f"title {row - 1}"
        assert comment.text in source.comments[row - 1].text
        assert not set(comment.text.split()) & set(comment.article.text.split())
        assert len(comment.article.text.split()) in (0, 200)
        assert 3 <= len(comment.text.split()) <= 40


def test_excerpts_have_all_lengths_and_both_kinds_of_articles() -> None:
    found = excerpts(articles(200, 300), 200, seed=0)

    lengths = [len(comment.text.split()) for comment in found.comments]
    with_body = [bool(comment.article and comment.article.text) for comment in found.comments]
    assert min(lengths) < 6
    assert max(lengths) > 30
    assert 0.5 < sum(with_body) / len(with_body) < 0.7


def test_the_same_seed_gives_the_same_excerpts() -> None:
    assert excerpts(articles(9, 200), 5, seed=1).comments == excerpts(articles(9, 200), 5, seed=1).comments
    assert excerpts(articles(9, 200), 5, seed=1).comments != excerpts(articles(9, 200), 5, seed=2).comments


def test_texts_too_short_to_cut_from_are_no_articles() -> None:
    with pytest.raises(RecipeError, match=r"news\.csv: fewer than two texts have 120 words"):
        excerpts(articles(9, 100), 5, seed=0)
