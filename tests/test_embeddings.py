"""Word vectors, summed over a text and over its scopes, and the features that rest on them."""

from __future__ import annotations

import pickle
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from moderation.bundle import load_distilled
from moderation.text.embeddings import ScopedEmbeddings, StaticEmbeddings, scoped_counts
from moderation.text.features import Featuriser
from moderation.text.scopes import N_MARKS, NEGATED, SCOPES
from moderation.text.tokens import TokenBatch, tokenise

WORDS = ["goal", "match", "tax", "the"]
VECTORS = np.array([[2.0, 0.1], [1.0, 0.0], [0.0, 3.0], [0.02, 0.02]])
RARITY = [3.0, 2.0, 4.0, 0.1]

TONE = ScopedEmbeddings.from_table(["idiot", "dear", "you"], [[1.0, 0.0], [0.0, 2.0], [0.5, 0.5]], [1.0, 1.0, 1.0])
PLAIN: Final = 0
NEGATION: Final = 1 + SCOPES.index(NEGATED)
QUOTATION: Final = N_MARKS
TEXTS = [
    "You idiot.",
    "I would never call you an idiot, my dear.",
    'They wrote "dear idiot", you know',
    "unheard of",
    "",
    "!?",
    "i d i o t",
    "All women, you idiot idiot idiot",
]


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

    restored = embeddings.sums(batch)

    assert embeddings.codes_.dtype == np.int8
    assert (np.abs(restored - VECTORS).max(axis=1) <= 0.005 * np.abs(VECTORS).max(axis=1)).all()


def test_a_text_without_a_known_word_has_length_0(embeddings: StaticEmbeddings) -> None:
    np.testing.assert_array_equal(embeddings.transform(["unheard of", "", "😀"]), np.zeros((3, 2)))


def test_unknown_words_do_not_move_a_text(embeddings: StaticEmbeddings) -> None:
    np.testing.assert_array_equal(embeddings.transform(["goal zyx"]), embeddings.transform(["goal"]))


def test_no_text_is_no_row(embeddings: StaticEmbeddings) -> None:
    assert embeddings.transform([]).shape == (0, embeddings.n_dimensions)


def test_an_unknown_word_is_as_rare_as_the_rarest(embeddings: StaticEmbeddings) -> None:
    batch = tokenise(["the zyx goal"])

    np.testing.assert_allclose(embeddings.rarity(batch), [0.1, 4.0, 3.0])


@pytest.mark.parametrize("entries", [["goal", "two words"], ["goal", ""], ["goal", "!"], ["two words", ""]])
def test_every_entry_of_a_table_is_one_word(entries: list[str]) -> None:
    with pytest.raises(ValueError, match="exactly one word"):
        StaticEmbeddings.from_table(entries, VECTORS[:2], RARITY[:2])


def test_a_table_may_be_made_from_hashes_alone(embeddings: StaticEmbeddings) -> None:
    order = [3, 1, 0, 2]
    hashes = tokenise([" ".join(WORDS)]).hashes[order]

    made = StaticEmbeddings.from_hashes(hashes, VECTORS[order], np.array(RARITY)[order])

    for name, value in vars(embeddings).items():
        np.testing.assert_array_equal(getattr(made, name), value)


def test_each_word_has_its_vector(embeddings: StaticEmbeddings) -> None:
    batch = tokenise(["tax zyx", "goal"])

    np.testing.assert_allclose(embeddings.of_words(batch), [VECTORS[2], [0, 0], VECTORS[0]], atol=0.02)


def test_what_was_computed_for_speed_is_not_stored(embeddings: StaticEmbeddings) -> None:
    fresh = pickle.dumps(embeddings)
    embeddings.transform(["goal"])

    assert pickle.dumps(embeddings) == fresh


# --- over scopes


def blocks(text: str) -> NDArray[np.float32]:
    """A text's tone: one row for all its words, one for each scope."""
    return TONE.transform([text]).reshape(1 + N_MARKS, TONE.n_dimensions)


def test_the_first_sum_is_of_all_known_words_over_the_root_of_the_length() -> None:
    expected = np.array([1, 2]) / np.sqrt(4)

    np.testing.assert_allclose(blocks("oh dear, what idiot")[PLAIN], expected, atol=0.01)


def test_a_word_is_summed_again_in_each_scope_that_it_stands_in() -> None:
    found = blocks('dear, never "idiot"')

    assert found.shape == (1 + N_MARKS, 2)
    np.testing.assert_allclose(found[PLAIN], np.array([1, 2]) / np.sqrt(3), atol=0.01)
    np.testing.assert_allclose(found[QUOTATION], np.array([1, 0]) / np.sqrt(3), atol=0.01)
    np.testing.assert_array_equal(np.delete(found, [PLAIN, QUOTATION], axis=0), 0)


def test_what_is_negated_ends_in_other_columns_than_what_is_said() -> None:
    said, negated = blocks("an idiot"), blocks("never idiot")

    np.testing.assert_array_equal(said[PLAIN], negated[PLAIN])
    np.testing.assert_array_equal(said[NEGATION], 0)
    np.testing.assert_array_equal(negated[NEGATION], negated[PLAIN])


def test_a_word_that_occurs_twice_counts_twice() -> None:
    np.testing.assert_allclose(blocks("idiot idiot")[PLAIN], [2 / np.sqrt(2), 0], atol=0.01)


def test_a_text_has_a_column_for_each_scope_and_dimension() -> None:
    assert TONE.transform(TEXTS).shape == (len(TEXTS), TONE.n_columns)
    assert TONE.n_columns == (1 + N_MARKS) * TONE.n_dimensions


def test_texts_without_a_known_word_have_no_tone() -> None:
    np.testing.assert_array_equal(TONE.transform(["unheard of", "", "!"]), 0)


def test_no_text_has_no_tone() -> None:
    assert TONE.transform([]).shape == (0, TONE.n_columns)
    assert TONE.contributions(tokenise([])).shape == (0, TONE.n_columns)


def test_counts_in_scopes_times_the_vectors_are_the_sums() -> None:
    batch = tokenise(TEXTS)
    table = TONE.codes_ * TONE.scales_[:, None]

    counts = scoped_counts(batch, TONE.rows(batch.hashes), len(table))

    assert counts.shape == (len(TEXTS) * (1 + N_MARKS), len(table))
    np.testing.assert_allclose((counts @ table).reshape(len(TEXTS), -1), TONE.transform(batch), atol=1e-6)


def summed(by_word: NDArray[np.float32], batch: TokenBatch) -> NDArray[np.float32]:
    """What the words of each text add up to."""
    return np.array([by_word[start:stop].sum(axis=0) for start, stop in pairwise(batch.indptr)])


ANY_TEXTS = st.lists(st.text(max_size=30) | st.sampled_from(TEXTS), min_size=1, max_size=5)


@settings(deadline=None)
@given(ANY_TEXTS)
def test_words_contribute_their_share_of_the_tone(texts: list[str]) -> None:
    batch = tokenise(texts)

    by_word = TONE.contributions(batch)

    assert by_word.shape == (len(batch.hashes), TONE.n_columns)
    np.testing.assert_allclose(summed(by_word, batch), TONE.transform(batch), atol=1e-5)


# --- features


def test_features_are_the_tokens_with_their_vectors_and_rarities(embeddings: StaticEmbeddings) -> None:
    features = Featuriser(embeddings).transform(["the goal", "", "tax"])

    assert len(features) == 3
    np.testing.assert_array_equal(features.vectors, embeddings.transform(["the goal", "", "tax"]))
    np.testing.assert_allclose(features.rarity, [0.1, 3.0, 4.0])


def test_no_text_has_no_features(embeddings: StaticEmbeddings) -> None:
    featuriser = Featuriser(embeddings)

    assert featuriser.transform([]).vectors.shape == featuriser.contributions(tokenise([])).shape == (0, 2)
    assert len(featuriser.transform([])) == 0


@settings(deadline=None)
@given(ANY_TEXTS)
def test_words_contribute_their_share_of_a_texts_vector(texts: list[str]) -> None:
    featuriser = Featuriser(StaticEmbeddings.from_table([*WORDS, "idiot"], [*VECTORS, [-1, 1]], [*RARITY, 2.0]))
    features = featuriser.transform(texts)

    by_word = featuriser.contributions(features.tokens)

    np.testing.assert_allclose(summed(by_word, features.tokens), features.vectors, atol=1e-5)


def test_unknown_words_contribute_nothing(embeddings: StaticEmbeddings) -> None:
    by_word = Featuriser(embeddings).contributions(tokenise(["zyx goal", "zyx"]))

    assert by_word.any(axis=1).tolist() == [False, True, False]


def test_the_shipped_vectors_know_what_is_about_the_same_thing(bundle_path: Path) -> None:
    question, near, far = load_distilled(bundle_path).embeddings.transform(
        [
            "The goalkeeper saved a penalty in the last minute of the football match.",
            "Our striker scored twice and the team won the cup final.",
            "The central bank raised interest rates because of inflation.",
        ]
    )

    assert question @ near > question @ far + 0.2
