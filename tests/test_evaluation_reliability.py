"""On a stream as a site sees it, scores are held to what comes true."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from scipy.stats import binomtest

from moderation import Comment
from moderation.evaluation.plan import StreamRule
from moderation.evaluation.reliability import Stream, measure_stream
from moderation.evaluation.scoring import Scored


def stream(scores: Sequence[float], target: Sequence[bool], **rule: float) -> Stream:
    comments = [Comment(str(at)) for at in range(len(scores))]
    rows = range(1, len(scores) + 1)
    return measure_stream(
        Scored("insult", "made", np.array(scores), np.array(target), comments, rows), StreamRule(**rule)
    )


def test_a_stream_as_it_comes_has_the_rate_of_its_comments() -> None:
    found = stream([0.1] * 80 + [0.5] * 20, [True] * 8 + [False] * 72 + [True] * 15 + [False] * 5)

    assert found.rate == pytest.approx(0.23)
    assert found.mean_score == pytest.approx(0.18)
    assert found.expected_calibration_error.value == pytest.approx(0.2 * 0.25)
    assert found.figures()["expected_calibration_error"] == 0.05


def test_a_gathered_stream_is_weighed_to_the_sites_rate() -> None:
    """Four fifths of the comments without the label were thrown away: what was true of scores no longer looks so."""
    whole = stream([0.1] * 1000 + [0.6] * 500, [True] * 100 + [False] * 900 + [True] * 300 + [False] * 200)
    scores, target = [0.1] * 280 + [0.6] * 340, [True] * 100 + [False] * 180 + [True] * 300 + [False] * 40

    gathered, weighed = stream(scores, target), stream(scores, target, rate=400 / 1500)

    assert whole.expected_calibration_error.value == pytest.approx(0)
    assert gathered.expected_calibration_error.value > 0.2
    assert weighed.expected_calibration_error.value == pytest.approx(0)
    assert (weighed.rate, weighed.mean_score) == (pytest.approx(whole.rate), pytest.approx(whole.mean_score))
    assert [bin.share for bin in weighed.reliability] == pytest.approx([bin.share for bin in whole.reliability])


def test_the_interval_of_a_bin_is_wilsons() -> None:
    [found] = stream([0.25] * 40, [True] * 9 + [False] * 31).reliability
    interval = binomtest(9, 40).proportion_ci(method="wilson")

    assert (found.comments, found.score, found.share) == (40, pytest.approx(0.25), pytest.approx(9 / 40))
    assert (found.share_low, found.share_high) == pytest.approx((interval.low, interval.high), abs=1e-4)


def test_comments_that_count_more_than_others_make_a_bin_less_certain() -> None:
    """Forty comments of which one in twenty has the label, as they came and weighed to it."""
    [plain] = stream([0.25] * 40, [True] * 2 + [False] * 38).reliability
    [weighed] = stream([0.25] * 40, [True] * 20 + [False] * 20, rate=0.05).reliability

    assert weighed.share == pytest.approx(plain.share)
    assert weighed.share_high - weighed.share_low > plain.share_high - plain.share_low


def test_the_interval_of_the_error_comes_from_comments_drawn_anew() -> None:
    generator = np.random.default_rng(3)
    scores = generator.random(4000)
    few, many = (stream(scores[:size].tolist(), (scores[:size] > 0.7).tolist()) for size in (200, 4000))

    for found in (few, many):
        error = found.expected_calibration_error
        assert error.low < error.value < error.high
    assert (
        many.expected_calibration_error.high - many.expected_calibration_error.low
        < few.expected_calibration_error.high - few.expected_calibration_error.low
    )
