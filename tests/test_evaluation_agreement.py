"""Scores are compared with numbers that others gave: in their order, and in how much is flagged."""

from __future__ import annotations

from pathlib import Path

import pytest
from scipy.stats import spearmanr

from moderation import Comment, Moderator
from moderation.errors import ModerationError, RecipeError, RowError
from moderation.evaluation import EvaluationMap, evaluate
from moderation.evaluation.agreement import Agreement

GRADED = {
    "Thank you for this careful article.": "0.02",
    "I do not agree with a word of it.": "0.2",
    "The ferry sails at night.": "",
    "What a stupid article.": "0.7",
    "You are a clueless moron.": "1",
    "Shut up, you filthy idiot.": "0.9",
    "The council met on Tuesday.": "-0.1",
}


def agreement(moderator: Moderator, folder: Path, rule: str, graded: dict[str, str] = GRADED) -> Agreement:
    rows = "".join(f'"{text}",{number}\n' for text, number in graded.items())
    (folder / "graded.csv").write_text(f"text,GRADE\n{rows}", encoding="utf-8")
    (folder / "map.toml").write_text(
        '[corpora.graded]\nfile = "graded.csv"\nlicence = "eval"\nterms = "ours"\n'
        f"[agreement.insult]\ngraded = {{ {rule} }}\n",
        encoding="utf-8",
    )
    [found] = evaluate(moderator, EvaluationMap.from_toml(folder / "map.toml"), folder).agreements
    return found


def test_the_rank_correlation_is_that_of_the_comments_with_a_number(moderator: Moderator, tmp_path: Path) -> None:
    texts = [text for text, number in GRADED.items() if number]
    scores = [verdict.scores["insult"] for verdict in moderator.score([Comment(text) for text in texts])]

    found = agreement(moderator, tmp_path, "column = 'GRADE', reach = 0.8")

    assert found.comments == len(texts) == 6
    assert found.spearman.value == pytest.approx(
        spearmanr(scores, [float(GRADED[text]) for text in texts]).statistic, abs=1e-12
    )
    assert found.spearman.low <= found.spearman.value <= found.spearman.high
    figures = found.figures()["insult and GRADE on graded"]
    assert (figures["spearman"], figures["spearman_reach"]) == (round(found.spearman.value, 4), 0.8)


def test_flag_rates_are_those_of_balanced_scores_beside_the_columns_own(
    bundle_path: Path, moderator: Moderator, tmp_path: Path
) -> None:
    texts = [text for text, number in GRADED.items() if number]
    balanced = Moderator.load(bundle_path, calibration="balanced").score([Comment(text) for text in texts])
    flagged = sum(verdict.scores["insult"] >= 0.8 for verdict in balanced)

    found = agreement(moderator, tmp_path, "column = 'GRADE', flags_at = [0.7, 0.8], flags_within = 0.25")

    _, rates = found.flag_rates
    assert rates.threshold == 0.8
    assert rates.ours == pytest.approx(flagged / 6)
    assert rates.theirs == pytest.approx(2 / 6)
    assert rates.difference.value == pytest.approx(flagged / 2 - 1)
    figures = found.figures()["insult and GRADE on graded, flags from 0.8"]
    assert (figures["flag_rate_difference"], figures["flag_rate_difference_reach"]) == (
        round(rates.difference.value, 4),
        0.25,
    )


def test_a_map_may_name_the_calibration_in_which_thresholds_are_meant(
    bundle_path: Path, moderator: Moderator, tmp_path: Path
) -> None:
    both = moderator, Moderator.load(bundle_path, calibration="balanced")
    low, high = (by.score([Comment("What a stupid article.")])[0].scores["insult"] for by in both)
    rule = f"column = 'GRADE', flags_at = [{(low + high) / 2}]"

    balanced, at_site = (
        agreement(moderator, tmp_path, f"{rule}, calibration = '{kind}'") for kind in ("balanced", "site")
    )

    assert agreement(moderator, tmp_path, rule) == balanced
    assert at_site.calibration == "site"
    assert at_site.flag_rates[0].ours < balanced.flag_rates[0].ours
    assert at_site.spearman == balanced.spearman


@pytest.mark.parametrize(
    ("graded", "rule", "error", "reason"),
    [
        (
            GRADED | {"Fine.": "high"},
            "",
            RowError,
            r"graded\.csv, row 8: GRADE is 'high'; expected a number or nothing",
        ),
        (GRADED | {"Fine.": "nan"}, "", RowError, "row 8: GRADE is 'nan'"),
        (dict.fromkeys(GRADED, "0.5"), "", RecipeError, "graded cannot measure agreement with GRADE"),
        (GRADED, "flags_at = [1.5]", RecipeError, "GRADE flags nothing from 1.5 on; take it out of flags_at"),
    ],
)
def test_a_column_that_cannot_be_compared_with_is_named(
    moderator: Moderator, tmp_path: Path, graded: dict[str, str], rule: str, error: type[ModerationError], reason: str
) -> None:
    with pytest.raises(error, match=reason):
        agreement(moderator, tmp_path, f"column = 'GRADE'{rule and ', '}{rule}", graded)


def test_two_comments_have_an_order_and_an_interval(moderator: Moderator, tmp_path: Path) -> None:
    """Every other draw of two holds the same comment twice, which has no order."""
    found = agreement(moderator, tmp_path, "column = 'GRADE'", {"You moron.": "1", "Thank you.": "0"})

    assert (found.spearman.low, found.spearman.value, found.spearman.high) == pytest.approx((1, 1, 1))


def test_a_column_that_is_not_there_is_named(moderator: Moderator, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no column 'MARK'; it has GRADE"):
        agreement(moderator, tmp_path, "column = 'MARK'")
