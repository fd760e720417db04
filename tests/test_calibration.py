"""Raw log-odds become probabilities, at a site's own rate or at half and half."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from moderation.heads.calibration import Calibration, CalibrationKind, LabelCalibration, rescale

SITE, BALANCED = CalibrationKind.SITE, CalibrationKind.BALANCED


def held_out(rate: float, rows: int = 20_000) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Raw log-odds that are three times too sure and half a unit off, with the truth."""
    generator = np.random.default_rng(0)
    truth = generator.random(rows) < rate
    evidence = generator.normal(np.where(truth, 1, -1), 1)  # whose log-likelihood ratio is twice itself
    return 3 * (2 * evidence) + 0.5, truth.astype(float)


def probabilities(line: LabelCalibration, raw: NDArray[np.float64], kind: CalibrationKind) -> NDArray[np.float64]:
    return Calibration.of({"insult": line}, ["insult"], kind).probabilities(raw[:, None])[:, 0]


def test_a_calibrated_score_is_how_often_it_is_right() -> None:
    raw, truth = held_out(0.2)

    scores = probabilities(LabelCalibration.fit(raw, truth, "insult"), raw, SITE)

    assert scores.mean() == pytest.approx(truth.mean(), abs=0.002)
    for low in (0.0, 0.2, 0.4, 0.6, 0.8):
        chosen = (scores >= low) & (scores < low + 0.2)
        assert truth[chosen].mean() == pytest.approx(scores[chosen].mean(), abs=0.05)


def test_a_site_where_a_label_is_rarer_gets_lower_scores_that_are_right_there() -> None:
    raw, truth = held_out(0.5)
    raw_there, truth_there = held_out(0.02)

    line = LabelCalibration.fit(raw, truth, "insult", rate=0.02)

    assert line.rate == 0.02
    assert probabilities(line, raw_there, SITE).mean() == pytest.approx(truth_there.mean(), abs=0.005)


def test_balanced_scores_are_those_of_a_world_of_half_and_half() -> None:
    line = LabelCalibration.fit(*held_out(0.02), "insult")
    raw, truth = held_out(0.5)

    scores = probabilities(line, raw, BALANCED)

    assert scores.mean() == pytest.approx(truth.mean(), abs=0.03)


def test_balanced_scores_of_a_rare_label_are_higher_and_of_a_common_one_lower() -> None:
    raw = np.linspace(-5, 5, 11)
    rare, common = LabelCalibration(1, 0, rate=0.01), LabelCalibration(1, 0, rate=0.8)

    assert (probabilities(rare, raw, BALANCED) > probabilities(rare, raw, SITE)).all()
    assert (probabilities(common, raw, BALANCED) < probabilities(common, raw, SITE)).all()


def test_a_text_counts_what_it_weighs() -> None:
    raw, truth = held_out(0.5)

    line = LabelCalibration.fit(raw, truth, "insult", weights=np.where(truth == 1, 1.0, 9.0))

    assert line.rate == pytest.approx(0.1, abs=0.005)


def test_texts_without_a_label_are_left_out() -> None:
    raw, truth = held_out(0.2, rows=2000)
    more_raw = np.concatenate([raw, np.full(500, 99.0)])
    more_truth = np.concatenate([truth, np.full(500, np.nan)])

    assert LabelCalibration.fit(more_raw, more_truth, "insult") == LabelCalibration.fit(raw, truth, "insult")


def test_the_order_of_scores_is_kept_even_where_the_head_was_wrong() -> None:
    raw, truth = held_out(0.5, rows=2000)

    line = LabelCalibration.fit(-raw, truth, "insult")

    assert line.slope > 0


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_one_kind_of_text_calibrates_nothing(share: float) -> None:
    with pytest.raises(ValueError, match="insult cannot be learned: no (positive|negative) text"):
        LabelCalibration.fit(np.arange(5.0), np.full(5, share), "insult")


def test_several_labels_are_calibrated_at_once() -> None:
    lines = {"insult": LabelCalibration(2, 1, 0.1), "threat": LabelCalibration(1, -1, 0.1)}

    both = Calibration.of(lines, ["threat", "insult"], SITE)

    np.testing.assert_allclose(both.log_odds(np.array([[1.0, 1.0]])), [[0, 3]])
    np.testing.assert_allclose(both.probabilities(np.array([[1.0, 1.0]])), [[0.5, 1 / (1 + np.exp(-3))]])


def test_a_score_that_cannot_be_given_stays_so_and_no_score_leaves_0_to_1() -> None:
    one = Calibration.of({"insult": LabelCalibration(1, 0, 0.1)}, ["insult"], SITE)

    scores = one.probabilities(np.array([[np.nan], [-1e9], [1e9]]))

    assert np.isnan(scores[0, 0])
    assert 0 < scores[1, 0] < 1e-6
    assert 1 - 1e-6 < scores[2, 0] < 1


@pytest.mark.parametrize("kind", [SITE, BALANCED])
@pytest.mark.parametrize("threshold", [0.01, 0.3, 0.99])
def test_a_rescaled_threshold_cuts_at_the_same_comment(kind: CalibrationKind, threshold: float) -> None:
    line = LabelCalibration(slope=0.7, offset=-2, rate=0.03)
    raw = np.linspace(-20, 20, 999)

    kept = probabilities(line, raw, kind) >= rescale(threshold, line, kind)

    np.testing.assert_array_equal(kept, probabilities(line, raw, SITE) >= threshold)


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_always_and_never_stay_what_they_are(threshold: float) -> None:
    assert rescale(threshold, LabelCalibration(1, 0, 0.03), BALANCED) == threshold
