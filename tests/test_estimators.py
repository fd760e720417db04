"""The estimators keep scikit-learn's contract and their own promises."""

from __future__ import annotations

import doctest
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

from moderation.heads import linear, network
from moderation.heads.abuse import AbuseHead, harden
from moderation.heads.linear import NaiveBayesLogistic
from moderation.heads.network import SmallNetwork
from moderation.text.embeddings import StaticEmbeddings
from moderation.text.features import Featuriser, TextFeatures
from moderation.text.ngrams import NgramTfidf

XOR = np.array([[0, 0], [0, 1], [1, 0], [1, 1]] * 25, dtype=float)
ODD = (XOR.sum(axis=1) == 1).astype(int)


def failures_known(estimator: BaseEstimator) -> dict[str, str]:
    """Checks that an estimator cannot pass, with the reason."""
    if isinstance(estimator, SmallNetwork):
        return {
            "check_sample_weight_equivalence_on_dense_data": "minibatches are drawn by sample, whatever its weight; "
            "scikit-learn lists the same for its own MLPClassifier"
        }
    return {}


@parametrize_with_checks(  # type: ignore[untyped-decorator]
    [NaiveBayesLogistic(), SmallNetwork(random_state=0, passes=100)], expected_failed_checks=failures_known
)
def test_scikit_learns_contract_is_kept(estimator: BaseEstimator, check: Callable[[BaseEstimator], None]) -> None:
    check(estimator)


@pytest.mark.parametrize("module", [linear, network], ids=lambda module: module.__name__)
def test_the_examples_in_docstrings_run(module: Any) -> None:
    outcome = doctest.testmod(module)

    assert outcome.attempted > 0
    assert outcome.failed == 0


# --- NaiveBayesLogistic


def word_counts() -> tuple[csr_matrix, NDArray[np.intp]]:
    """Forty texts of 300 words, of which fifteen are rude ones; most words say nothing."""
    generator = np.random.default_rng(0)
    rude = np.arange(40) % 2
    counts = generator.poisson(0.15, size=(40, 300)).astype(float)
    counts[:, :15] = generator.poisson(0.02 + 0.12 * rude[:, None], size=(40, 15))
    return csr_matrix(counts), rude


def test_words_that_speak_for_a_class_weigh_more_than_in_plain_logistic_regression() -> None:
    counts, rude = word_counts()

    ours = NaiveBayesLogistic(C=1.0).fit(counts, rude).coef_
    plain = LogisticRegression(C=1.0).fit(counts, rude).coef_[0]

    assert np.abs(ours[:15]).mean() / np.abs(ours[15:]).mean() > 1.5 * (
        np.abs(plain[:15]).mean() / np.abs(plain[15:]).mean()
    )


def test_predicting_is_one_product_with_the_weights() -> None:
    counts, rude = word_counts()
    model = NaiveBayesLogistic().fit(counts, rude)

    np.testing.assert_allclose(model.decision_function(counts), counts @ model.coef_ + model.intercept_)
    np.testing.assert_allclose(model.predict_proba(counts)[:, 1], 1 / (1 + np.exp(-model.decision_function(counts))))


def test_sparse_and_dense_counts_teach_the_same() -> None:
    counts, rude = word_counts()

    np.testing.assert_allclose(
        NaiveBayesLogistic().fit(counts, rude).coef_, NaiveBayesLogistic().fit(counts.toarray(), rude).coef_, atol=1e-4
    )


@pytest.mark.parametrize(
    "estimator", [NaiveBayesLogistic(), SmallNetwork(random_state=0)], ids=lambda e: type(e).__name__
)
@pytest.mark.parametrize(("target", "reason"), [([0, 0, 0, 0], "only one class"), ([0, 1, 2, 0], "Only binary")])
def test_other_than_two_classes_are_refused(estimator: BaseEstimator, target: list[int], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        clone(estimator).fit(np.eye(4), target)


# --- SmallNetwork


def test_a_small_network_learns_what_no_line_can() -> None:
    model = SmallNetwork(passes=200, learning_rate=0.02, random_state=0).fit(XOR, ODD)

    assert (model.predict(XOR) == ODD).all()


def test_standardisation_is_folded_into_the_weights() -> None:
    far = XOR * [1e4, 1e-3] + [500, -7]

    near = SmallNetwork(passes=50, random_state=0).fit(XOR, ODD)
    moved = SmallNetwork(passes=50, random_state=0).fit(far, ODD)

    np.testing.assert_allclose(moved.decision_function(far), near.decision_function(XOR), atol=0.01)


def test_only_the_weights_are_kept() -> None:
    model = SmallNetwork(hidden=5, random_state=0).fit(XOR, ODD)

    learned = {name for name in vars(model) if name.endswith("_")}
    assert learned == {"classes_", "n_features_in_", "hidden_", "hidden_bias_", "output_", "output_bias_"}
    assert (model.hidden_.shape, model.hidden_bias_.shape, model.output_.shape) == ((2, 5), (5,), (5,))


def test_the_same_seed_gives_the_same_network() -> None:
    first, second = (SmallNetwork(random_state=3).fit(XOR, ODD) for _ in range(2))
    other = SmallNetwork(random_state=4).fit(XOR, ODD)

    np.testing.assert_array_equal(first.hidden_, second.hidden_)
    assert not np.array_equal(first.hidden_, other.hidden_)


def test_a_chosen_number_of_passes_warns_of_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        SmallNetwork(passes=1, random_state=0).fit(XOR, ODD)


def test_sound_features_need_no_validation() -> None:
    model = SmallNetwork(random_state=0).fit(XOR, ODD)

    np.testing.assert_array_equal(model.log_odds(XOR), model.decision_function(XOR))


# --- AbuseHead

INSULTS = [f"you {word} {noun}" for word in ("stupid", "dumb", "daft") for noun in ("idiot", "moron", "fool", "clown")]
THREATS = [f"i will {verb} {whom}" for verb in ("hurt", "find", "beat") for whom in ("you", "him", "her", "them")]
CALM = [f"the {noun} was {word} today" for word in ("good", "late", "fine") for noun in ("bus", "soup", "match", "sea")]
TEXTS = [*INSULTS, *THREATS, *CALM]
SHARES = np.array([[1.0, 0.0]] * 12 + [[0.0, 1.0]] * 12 + [[0.0, 0.0]] * 12)


def features(texts: list[str]) -> TextFeatures:
    """Features over a table in which every word of the texts has a vector of its own."""
    known = sorted({word for text in TEXTS for word in text.split()})
    return Featuriser(StaticEmbeddings.from_table(known, np.eye(len(known)), np.ones(len(known)))).transform(texts)


def small_head(**parameters: Any) -> AbuseHead:
    """A head of two labels that trains at once."""
    return AbuseHead(
        ("insult", "threat"),
        ngrams=NgramTfidf(word_bits=12, char_bits=12),
        network=SmallNetwork(hidden=4, passes=20, random_state=0),
        **parameters,
    )


@pytest.fixture(scope="module")
def head() -> AbuseHead:
    """A head that has learned insults and threats."""
    return small_head().fit(features(TEXTS), SHARES)


def test_each_label_is_learned_apart(head: AbuseHead) -> None:
    scores = head.predict_proba(features(["you stupid clown", "i will beat them", "the sea was late today"]))

    assert scores.shape == (3, 2)
    assert scores.argmax(axis=0).tolist() == [0, 1]
    assert ((scores > 0.5) == [[True, False], [False, True], [False, False]]).all()


def test_one_product_for_all_labels_gives_what_each_model_would(head: AbuseHead) -> None:
    seen = features(TEXTS)
    matrix = head.ngrams_.transform(seen.tokens)
    alone = [
        (1 - head.network_share) * NaiveBayesLogistic().fit(matrix, SHARES[:, column]).decision_function(matrix)
        + head.network_share * clone(head.network).fit(seen.vectors, SHARES[:, column]).decision_function(seen.vectors)
        for column in range(2)
    ]

    np.testing.assert_allclose(head.decision_function(seen), np.column_stack(alone), atol=0.02)


def test_the_share_of_the_network_goes_from_none_to_all() -> None:
    seen = features(TEXTS)
    halves = [small_head(network_share=share).fit(seen, SHARES).decision_function(seen) for share in (0.0, 0.5, 1.0)]

    np.testing.assert_allclose(halves[1], (halves[0] + halves[2]) / 2, atol=1e-4)
    assert not np.allclose(halves[0], halves[2])


def test_a_label_learns_nothing_from_texts_for_which_it_is_not_defined() -> None:
    seen = features(TEXTS)
    unknown, flipped = SHARES.copy(), SHARES.copy()
    unknown[:6, 1] = np.nan
    flipped[:6, 1] = 1
    weights = np.ones_like(SHARES)
    weights[:6, 1] = 0

    left_out = small_head().fit(seen, unknown).decision_function(seen)
    weightless = small_head().fit(seen, flipped, weights).decision_function(seen)
    believed = small_head().fit(seen, flipped).decision_function(seen)

    np.testing.assert_array_equal(left_out, weightless)
    assert not np.allclose(left_out[:, 1], believed[:, 1])


def test_each_label_is_announced_before_it_is_learned() -> None:
    told: list[str] = []

    small_head().fit(features(TEXTS), SHARES, on_label=told.append)

    assert told == ["insult", "threat"]


def test_no_text_is_no_row(head: AbuseHead) -> None:
    assert head.decision_function(features([])).shape == (0, 2)


@pytest.mark.parametrize(("value", "missing"), [(0.0, "positive"), (1.0, "negative"), (np.nan, "positive")])
def test_a_label_of_one_kind_cannot_be_learned(value: float, missing: str) -> None:
    shares = SHARES.copy()
    shares[:, 1] = value

    with pytest.raises(ValueError, match=f"threat cannot be learned: no {missing} text"):
        small_head().fit(features(TEXTS), shares)


def test_a_share_of_votes_is_a_positive_and_a_negative() -> None:
    rows, target, weights = harden(np.array([0.7, np.nan, 1.0, 0.0]), np.array([2.0, 1.0, 1.0, 1.0]), "insult")

    found = sorted(zip(rows.tolist(), target.tolist(), weights.round(6).tolist(), strict=True))
    assert found == [(0, False, 0.6), (0, True, 1.4), (2, True, 1.0), (3, False, 1.0)]
