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
from moderation.heads.linear import NaiveBayesLogistic
from moderation.heads.network import SmallNetwork

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
