"""Raw log-odds become probabilities: at a site's own rate, at half and half, or as Perspective meant them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from moderation.heads.calibration import Calibration, CalibrationKind, LabelCalibration, Line, log_odds, rescale

SITE, BALANCED, PERSPECTIVE = CalibrationKind


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


@pytest.mark.parametrize(
    ("calibration", "expected"),
    [
        (LabelCalibration(2, -3, 0.2), [Line(2, -3), Line(2, -3 - log_odds(0.2)), Line(2, -3 - log_odds(0.2))]),
        (LabelCalibration(2, -3, 0.2, balanced=Line(1, 0)), [Line(2, -3), Line(1, 0), Line(1, 0)]),
        (
            LabelCalibration(2, -3, 0.2, perspective=Line(1, 0)),
            [Line(2, -3), Line(2, -3 - log_odds(0.2)), Line(1, 0)],
        ),
        (LabelCalibration(2, -3, 0.2, Line(1, 0), Line(0.5, 1)), [Line(2, -3), Line(1, 0), Line(0.5, 1)]),
    ],
    ids=["site alone", "with balanced", "with perspective", "with both"],
)
def test_each_kind_has_a_line_and_falls_back_on_the_one_before(
    calibration: LabelCalibration, expected: list[Line]
) -> None:
    assert [calibration.line(kind) for kind in CalibrationKind] == expected


def test_each_kind_gives_the_probabilities_of_its_line() -> None:
    calibration = LabelCalibration(2, -3, 0.2, Line(1, 0), Line(0.5, 1))

    scores = [probabilities(calibration, np.array([2.0]), kind)[0] for kind in CalibrationKind]

    assert [log_odds(score) for score in scores] == pytest.approx([1, 2, 2])


def test_kinds_have_the_names_that_settings_carry() -> None:
    assert [CalibrationKind(name) for name in ("site", "balanced", "perspective")] == list(CalibrationKind)


@pytest.mark.parametrize("line", [Line(2, -1), Line(0.3, 4)])
def test_a_line_goes_through_points_that_lie_on_one(line: Line) -> None:
    raw = np.array([-2.0, 0.5, 3.0])

    found = Line.through(raw, line.slope * raw + line.offset)

    assert (found.slope, found.offset) == pytest.approx((line.slope, line.offset))


def test_a_line_is_as_close_to_points_as_a_line_can_be() -> None:
    found = Line.through(np.array([0.0, 1.0, 2.0]), np.array([0.0, 2.0, 1.0]))

    assert (found.slope, found.offset) == pytest.approx((0.5, 0.5))


def test_a_line_never_turns_the_order_round_and_stays_among_the_points() -> None:
    found = Line.through(np.array([10.0, 11.0, 12.0]), np.array([3.0, 2.0, 1.0]))

    assert found.slope > 0
    assert found.slope * 11 + found.offset == pytest.approx(2)


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


@pytest.mark.parametrize("kind", CalibrationKind)
@pytest.mark.parametrize("threshold", [0.01, 0.3, 0.99])
@pytest.mark.parametrize(
    "line",
    [LabelCalibration(0.7, -2, 0.03), LabelCalibration(0.7, -2, 0.03, Line(0.4, 1), Line(1.3, -0.5))],
    ids=["site alone", "lines of their own"],
)
def test_a_rescaled_threshold_cuts_at_the_same_comment(
    line: LabelCalibration, kind: CalibrationKind, threshold: float
) -> None:
    raw = np.linspace(-20, 20, 999)

    kept = probabilities(line, raw, kind) >= rescale(threshold, line, kind)

    np.testing.assert_array_equal(kept, probabilities(line, raw, SITE) >= threshold)


@pytest.mark.parametrize("kind", CalibrationKind)
@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_always_and_never_stay_what_they_are(kind: CalibrationKind, threshold: float) -> None:
    assert rescale(threshold, LabelCalibration(1, 0, 0.03, perspective=Line(2, 1)), kind) == threshold


def test_a_threshold_of_the_site_rescaled_to_itself_stays() -> None:
    assert rescale(0.3, LabelCalibration(0.7, -2, 0.03), SITE) == pytest.approx(0.3)


def test_a_threshold_moves_to_where_another_scale_has_the_same_comment() -> None:
    line = LabelCalibration(slope=2, offset=-4, rate=0.03, perspective=Line(1, -3))  # .5 of the site is raw 2

    assert log_odds(rescale(0.5, line, PERSPECTIVE)) == pytest.approx(-1)
