"""Static embeddings and the features that rest on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from moderation.bundle import load_embeddings
from moderation.text.embeddings import StaticEmbeddings
from moderation.text.features import Featuriser
from moderation.text.tokens import tokenise

WORDS = ["goal", "match", "tax", "the"]
VECTORS = np.array([[2.0, 0.1], [1.0, 0.0], [0.0, 3.0], [0.02, 0.02]])
RARITY = [3.0, 2.0, 4.0, 0.1]


@pytest.fixture
def embeddings() -> StaticEmbeddings:
    """Four words in two dimensions."""
    return StaticEmbeddings.from_table(WORDS, VECTORS, RARITY)


def test_a_text_points_where_the_sum_of_its_words_does(embeddings: StaticEmbeddings) -> None:
    expected = VECTORS[0] + 2 * VECTORS[2]

    (made,) = embeddings.transform(["The goal: tax, TAX!"])

    np.testing.assert_allclose(made, expected / np.linalg.norm(expected), atol=0.01)
    assert np.linalg.norm(made) == pytest.approx(1)


def test_eight_bits_lose_less_than_half_a_percent_of_a_vector(embeddings: StaticEmbeddings) -> None:
    batch = tokenise(WORDS)

    restored = embeddings.sums(embeddings.rows(batch.hashes), batch.indptr)

    assert embeddings.codes_.dtype == np.int8
    assert (np.abs(restored - VECTORS).max(axis=1) <= 0.005 * np.abs(VECTORS).max(axis=1)).all()


def test_a_text_without_a_known_word_has_length_0(embeddings: StaticEmbeddings) -> None:
    np.testing.assert_array_equal(embeddings.transform(["unheard of", "", "😀"]), np.zeros((3, 2)))


def test_unknown_words_do_not_move_a_text(embeddings: StaticEmbeddings) -> None:
    np.testing.assert_array_equal(embeddings.transform(["goal zyx"]), embeddings.transform(["goal"]))


def test_no_text_is_no_row(embeddings: StaticEmbeddings) -> None:
    assert embeddings.transform([]).shape == (0, embeddings.n_dimensions)


def test_an_unknown_word_is_as_rare_as_the_rarest(embeddings: StaticEmbeddings) -> None:
    rows = embeddings.rows(tokenise(["the zyx goal"]).hashes)

    np.testing.assert_allclose(embeddings.rarity(rows), [0.1, 4.0, 3.0])


@pytest.mark.parametrize("entry", ["two words", "", "!"])
def test_every_entry_of_a_table_is_one_word(entry: str) -> None:
    with pytest.raises(ValueError, match="exactly one word"):
        StaticEmbeddings.from_table(["goal", entry], VECTORS[:2], RARITY[:2])


def test_features_are_the_tokens_with_their_vectors_and_rarities(embeddings: StaticEmbeddings) -> None:
    features = Featuriser(embeddings).transform(["the goal", "", "tax"])

    assert len(features) == 3
    np.testing.assert_array_equal(features.vectors, embeddings.transform(["the goal", "", "tax"]))
    np.testing.assert_allclose(features.rarity, [0.1, 3.0, 4.0])


def test_the_shipped_vectors_know_what_is_about_the_same_thing(bundle_path: Path) -> None:
    question, near, far = load_embeddings(bundle_path).transform(
        [
            "The goalkeeper saved a penalty in the last minute of the football match.",
            "Our striker scored twice and the team won the cup final.",
            "The central bank raised interest rates because of inflation.",
        ]
    )

    assert question @ near > question @ far + 0.2
