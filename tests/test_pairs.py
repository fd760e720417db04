"""What is compared of a comment, its article and its parent."""

from __future__ import annotations

import numpy as np
import pytest

from moderation.comment import Article
from moderation.heads.pairs import FEATURE_NAMES, PASSAGE_WORDS, ArticleFeatures, Contexts, Pairs, passages_of
from moderation.text.embeddings import StaticEmbeddings
from moderation.text.features import Featuriser

WORDS = "ferry harbour boat council vote night fare goal striker penalty you the a i agree moderator".split()
COMMON = {"you", "the", "a", "i"}
TITLE = "Council vote on the night ferry"
OF_THE_COMMENT_ALONE = {
    "log_words",
    "log_rare_words",
    "mean_rarity",
    "focus",
    "meta_share",
    "has_link",
    "second_person_share",
    "first_person_share",
}


@pytest.fixture(scope="module")
def featuriser() -> Featuriser:
    """A table in which each word points its own way."""
    rarity = [0.5 if word in COMMON else 4.0 for word in WORDS]
    return Featuriser(StaticEmbeddings.from_table(WORDS, np.eye(len(WORDS)), rarity))


def compared(
    featuriser: Featuriser, text: str, article: Article | None = None, parent: str | None = None
) -> dict[str, float]:
    """Features of one comment by name."""
    contexts = Contexts(
        [ArticleFeatures.of(article, featuriser)] if article is not None else [],
        np.array([0 if article is not None else -1]),
        featuriser.transform([parent] if parent is not None else []),
        np.array([0 if parent is not None else -1]),
    )
    (row,) = Pairs.of(featuriser.transform([text]), contexts).table.tolist()
    return dict(zip(FEATURE_NAMES, row, strict=True))


def test_a_comment_that_repeats_the_title_has_similarity_1(featuriser: Featuriser) -> None:
    found = compared(featuriser, TITLE, Article(TITLE))

    for name in ("similarity_title", "similarity_best", "overlap_article", "overlap_best", "tfidf_best"):
        assert found[name] == pytest.approx(1, abs=1e-5), name
    assert (found["has_article"], found["has_parent"]) == (1, 0)


def test_a_comment_about_something_else_has_similarity_0(featuriser: Featuriser) -> None:
    found = compared(featuriser, "striker goal penalty", Article(TITLE, "The boat and its fare"))

    for name in FEATURE_NAMES:
        if name.startswith(("similarity", "overlap", "tfidf")):
            assert found[name] == pytest.approx(0, abs=1e-6), name


def test_without_context_all_comparisons_are_0(featuriser: Featuriser) -> None:
    found = compared(featuriser, "the night ferry")

    assert {name for name, value in found.items() if value != 0} <= OF_THE_COMMENT_ALONE
    assert found["log_words"] == pytest.approx(np.log(4))


def test_a_reply_is_held_against_its_parent(featuriser: Featuriser) -> None:
    found = compared(featuriser, "striker penalty", parent="The striker penalty")

    assert (found["has_article"], found["has_parent"]) == (0, 1)
    assert found["similarity_parent"] == found["similarity_best"] > 0.7
    assert found["overlap_parent"] == found["overlap_best"] == pytest.approx(1)
    assert found["tfidf_parent"] == found["tfidf_best"] > 0.9


def test_the_better_of_article_and_parent_counts(featuriser: Featuriser) -> None:
    found = compared(featuriser, "striker penalty", Article(TITLE), parent="striker penalty")

    assert found["similarity_title"] == pytest.approx(0, abs=1e-6)
    assert found["similarity_best"] == pytest.approx(1, abs=1e-5)


def test_rare_words_count_more_in_an_overlap(featuriser: Featuriser) -> None:
    article = Article("the ferry")

    rare = compared(featuriser, "ferry goal", article)["overlap_article"]
    common = compared(featuriser, "the goal", article)["overlap_article"]

    assert rare == pytest.approx(4 / 8)
    assert common == pytest.approx(0.5 / 4.5)


def test_a_comment_on_one_passage_of_a_long_article_is_on_topic(featuriser: Featuriser) -> None:
    body = " ".join(["council vote"] * PASSAGE_WORDS + ["striker"] * PASSAGE_WORDS)

    found = compared(featuriser, "striker", Article(TITLE, body))

    assert found["similarity_passage"] == pytest.approx(1, abs=1e-5)
    assert found["similarity_article"] < 0.6


def test_what_an_article_often_says_weighs_more(featuriser: Featuriser) -> None:
    article = Article("Ferry", "The ferry, the ferry and the harbour")

    often = compared(featuriser, "ferry", article)["tfidf_article"]
    once = compared(featuriser, "harbour", article)["tfidf_article"]

    assert often > 1.5 * once > 0


def test_likeness_of_many_words_is_told_from_that_of_few(featuriser: Featuriser) -> None:
    few = compared(featuriser, "ferry", Article("ferry"))
    many = compared(featuriser, "ferry ferry ferry ferry", Article("ferry"))

    for name in ("similarity_best", "tfidf_best"):
        assert few[name] == pytest.approx(many[name])
        assert few[f"{name}_by_words"] == pytest.approx(np.log(2))
        assert many[f"{name}_by_words"] == pytest.approx(np.log(5))


def test_words_that_point_one_way_have_focus(featuriser: Featuriser) -> None:
    one_way = compared(featuriser, "ferry ferry ferry ferry")["focus"]
    many_ways = compared(featuriser, "ferry harbour boat council")["focus"]

    assert one_way == pytest.approx(2)
    assert many_ways == pytest.approx(1)


def test_passages_are_found_where_they_stand() -> None:
    text = " one\ntwo  three " + "word " * PASSAGE_WORDS

    found = passages_of(text)

    assert [len(text[start:end].split()) for start, end in found] == [PASSAGE_WORDS, 3]
    assert text[found[0][0] :].startswith("one")


def test_a_body_is_cut_into_passages(featuriser: Featuriser) -> None:
    short = ArticleFeatures.of(Article(TITLE, "ferry " * PASSAGE_WORDS), featuriser)
    long = ArticleFeatures.of(Article(TITLE, "ferry " * (PASSAGE_WORDS + 1)), featuriser)

    assert (len(short.vectors), len(long.vectors)) == (3, 4)


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("moderator", "meta_share", 1),
        ("the moderator", "meta_share", 0.5),
        ("see https://example.org and http://example.org", "has_link", 1),
        ("I agree, you you", "second_person_share", 0.5),
        ("I say, you", "first_person_share", 1 / 3),
        ("the ferry harbour", "log_rare_words", np.log(3)),
        ("the ferry", "mean_rarity", 2.25),
    ],
)
def test_a_comments_own_words_are_looked_at(featuriser: Featuriser, text: str, name: str, value: float) -> None:
    assert compared(featuriser, text)[name] == pytest.approx(value)


@pytest.mark.parametrize("text", ["", "  ", "!?", "😀", "\ud800", "unheard of", "ferry"])
@pytest.mark.parametrize("article", [None, Article(), Article("!"), Article("", "😀"), Article(TITLE)])
@pytest.mark.parametrize("parent", [None, "", "...", "boat"])
def test_texts_without_words_give_finite_numbers(
    featuriser: Featuriser, text: str, article: Article | None, parent: str | None
) -> None:
    assert np.isfinite(list(compared(featuriser, text, article, parent).values())).all()


def test_no_comment_is_no_row(featuriser: Featuriser) -> None:
    nothing, none = featuriser.transform([]), np.zeros(0, dtype=np.intp)

    assert Pairs.of(nothing, Contexts([], none, nothing, none)).table.shape == (0, len(FEATURE_NAMES))


def test_each_comment_of_a_batch_is_held_against_its_own_article_and_parent(featuriser: Featuriser) -> None:
    articles = [Article(TITLE, "fare " * 100), Article("Goal", "The striker")]
    parents = ["boat fare", "harbour boat", "goal", "ferry"]
    batch = [
        ("ferry fare", 0, 0),
        ("striker", 1, -1),
        ("the harbour", -1, 1),
        ("", 0, 2),
        ("goal ferry", 0, -1),
        ("ferry", 1, 3),
        ("ferry fare ferry", 1, 0),
    ]
    texts, article_of, parent_of = zip(*batch, strict=True)
    contexts = Contexts(
        [ArticleFeatures.of(article, featuriser) for article in articles],
        np.array(article_of),
        featuriser.transform(parents),
        np.array(parent_of),
    )

    together = Pairs.of(featuriser.transform(texts), contexts)

    for row, (text, number, parent) in zip(together.table, batch, strict=True):
        article = articles[number] if number >= 0 else None
        alone = compared(featuriser, text, article, parents[parent] if parent >= 0 else None)
        np.testing.assert_allclose(row, list(alone.values()), atol=1e-6)


def test_words_of_one_letter_are_not_taken_for_those_of_another_parent(featuriser: Featuriser) -> None:
    letters = [chr(letter) for letter in range(ord("a"), ord("z") + 1)]
    none = np.full(128, -1)
    parents = featuriser.transform([letters[at % 26] for at in range(128)])

    found = Pairs.of(featuriser.transform(["q"] * 128), Contexts([], none, parents, np.arange(128)))

    same = [letters[at % 26] == "q" for at in range(128)]
    np.testing.assert_array_equal(found.column("overlap_parent") > 0, same)
