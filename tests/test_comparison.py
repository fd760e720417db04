"""`moderation compare` tells a forum what leaving Perspective would change."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import cohen_kappa_score

from api.perspective.attributes import SCALE as SERVED
from moderation import Comment, Moderator
from moderation.comparison import SCALE, THRESHOLDS, Log, ScorePairs, cut, read_pairs
from moderation.errors import InputError, RowError
from moderation.files import open_reader

Command = Callable[..., CompletedProcess[bytes]]
Row = dict[str, Any]

LOGGED: list[Row] = [
    {"text": "You clueless moron.", "score": 0.93},
    {"text": "Thanks, that was well put.", "score": 0.02},
    {"text": "I will find you and hurt you.", "score": 0.61},
    {"text": "What time does the last ferry leave?", "score": 0.01},
    {"text": "The mayor is a lying idiot, as always.", "score": 0.85},
    {"text": "I would not call that a clever plan.", "score": 0.55},
]


def csv_file(path: Path, rows: list[Row]) -> Path:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")
    return path


def jsonl_file(path: Path, rows: list[Row]) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def parquet_file(path: Path, rows: list[Row]) -> Path:
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


WRITERS = {"csv": csv_file, "jsonl": jsonl_file, "parquet": parquet_file}


def read(path: Path, moderator: Moderator, log: Log | None = None, errors: list[RowError] | None = None) -> ScorePairs:
    report = None if errors is None else errors.append
    with open_reader(path, required=(), on_row_error=report) as reader:
        return read_pairs(reader, moderator, log or Log(), report)


@pytest.fixture(scope="module")
def balanced(moderator: Moderator) -> Moderator:
    return Moderator(moderator.bundle, SCALE)


@pytest.fixture(scope="module")
def random_pairs() -> ScorePairs:
    """Two services that agree to some degree, with many equal scores among them."""
    generator = np.random.default_rng(0)
    theirs = generator.beta(0.5, 2, 2000)
    ours = np.clip(theirs + generator.normal(0, 0.2, 2000), 0, 1)
    return ScorePairs(theirs.round(2), ours.round(2))


# --- what is read


@pytest.mark.parametrize("suffix", WRITERS)
def test_comments_are_scored_as_perspectives_endpoints_score_them(
    tmp_path: Path, balanced: Moderator, suffix: str
) -> None:
    pairs = read(WRITERS[suffix](tmp_path / f"log.{suffix}", LOGGED), balanced)
    scores = balanced.probabilities([Comment(row["text"]) for row in LOGGED])
    assert SCALE == SERVED
    assert pairs.theirs.tolist() == [row["score"] for row in LOGGED]
    assert pairs.ours.tolist() == scores[:, balanced.labels.index("toxicity")].tolist()


def test_columns_and_label_may_be_named(tmp_path: Path, balanced: Moderator) -> None:
    rows = [{"id": 1, "body": row["text"], "INSULT": row["score"], "text": None} for row in LOGGED]
    pairs = read(jsonl_file(tmp_path / "log.jsonl", rows), balanced, Log("body", "INSULT", "insult"))
    scores = balanced.probabilities([Comment(row["text"]) for row in LOGGED])
    assert pairs.ours.tolist() == scores[:, balanced.labels.index("insult")].tolist()


@pytest.mark.parametrize(
    ("suffix", "blank"), [("csv", ""), ("csv", " "), ("csv", "nan"), ("jsonl", None), ("parquet", float("nan"))]
)
def test_comments_without_a_score_are_left_out_and_counted(
    tmp_path: Path, balanced: Moderator, suffix: str, blank: Any
) -> None:
    rows = [LOGGED[0], {"text": "Perspective had no answer to this one.", "score": blank}, LOGGED[1]]
    pairs = read(WRITERS[suffix](tmp_path / f"log.{suffix}", rows), balanced)
    assert (len(pairs), pairs.blank) == (2, 1)


@pytest.mark.parametrize("score", ["0,93", "93%", "93", "-0.1", "TOXIC", "[0.9]", "true", "inf"])
def test_what_is_no_score_stops_the_comparison_with_its_row(tmp_path: Path, balanced: Moderator, score: str) -> None:
    path = csv_file(tmp_path / "log.csv", [*LOGGED, {"text": "One more.", "score": score}])
    with pytest.raises(RowError, match=r"log\.csv, row 7: 'score' is '.*'; expected a number from 0 to 1, or nothing"):
        read(path, balanced)


@pytest.mark.parametrize("row", [{"text": None, "score": 0.5}, {"score": 0.5}, {"text": "a", "score": True}])
def test_bad_rows_can_be_left_out(tmp_path: Path, balanced: Moderator, row: Row) -> None:
    errors: list[RowError] = []
    pairs = read(jsonl_file(tmp_path / "log.jsonl", [LOGGED[0], row, LOGGED[1]]), balanced, errors=errors)
    assert [error.row for error in errors] == [2]
    assert len(pairs) == 2


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("log", [Log(text="body"), Log(score="TOXICITY")])
def test_a_missing_column_is_named(tmp_path: Path, balanced: Moderator, suffix: str, log: Log) -> None:
    with pytest.raises(InputError, match=r"has no column '(body|TOXICITY)'; its columns are 'text', 'score'"):
        read(WRITERS[suffix](tmp_path / f"log.{suffix}", LOGGED), balanced, log)


def test_nothing_can_be_said_about_one_comment(tmp_path: Path, balanced: Moderator) -> None:
    with pytest.raises(InputError, match="fewer than two rows have a number in 'score'"):
        read(csv_file(tmp_path / "log.csv", LOGGED[:1]), balanced)


# --- what is made of it


def test_the_correlation_of_ranks_is_spearmans(random_pairs: ScorePairs) -> None:
    expected = spearmanr(random_pairs.theirs, random_pairs.ours).statistic
    assert random_pairs.rank_correlation() == pytest.approx(expected)
    assert 0.4 < expected < 0.9


def test_equal_scores_have_no_rank() -> None:
    assert ScorePairs(np.array([0.1, 0.1]), np.array([0.2, 0.3])).rank_correlation() is None


@pytest.mark.parametrize("threshold", [*THRESHOLDS, 0.05, 0.999])
def test_agreement_counts_the_flags_of_both_sides(random_pairs: ScorePairs, threshold: float) -> None:
    theirs, ours = random_pairs.theirs >= threshold, random_pairs.ours >= threshold
    found = random_pairs.agreement(threshold)
    assert found.comments == len(random_pairs)
    assert found.both + found.only_theirs == theirs.sum()
    assert found.both + found.only_ours == ours.sum()
    assert found.both == (theirs & ours).sum()
    assert (found.their_rate, found.our_rate) == (theirs.mean(), ours.mean())
    if theirs.any():
        assert found.kappa == pytest.approx(cohen_kappa_score(theirs, ours))


def test_flags_that_are_all_alike_have_no_kappa() -> None:
    assert ScorePairs(np.array([0.1, 0.2]), np.array([0.2, 0.3])).agreement(0.5).kappa is None


def test_a_score_at_the_threshold_is_flagged() -> None:
    assert ScorePairs(np.array([0.5, 0.1]), np.array([0.5, 0.1])).agreement(0.5).both == 1


def test_the_same_rate_is_kept_by_another_threshold_of_ours() -> None:
    theirs = np.linspace(0, 1, 1001)
    found = ScorePairs(theirs, theirs**3).agreement(0.8)
    assert found.their_rate == pytest.approx(0.2, abs=0.001)
    assert found.same_rate == pytest.approx(0.8**3, abs=0.002)


@pytest.mark.parametrize("flagged", range(7))
def test_a_cut_flags_as_many_as_it_shall(flagged: int) -> None:
    scores = np.array([0.3, 0.9, 0.1, 0.7, 0.0, 0.5])
    threshold = cut(scores, flagged)
    assert 0 <= threshold <= 1
    assert (scores >= threshold).sum() == flagged


@pytest.mark.parametrize(("flagged", "nearest"), [(1, 0), (2, 3), (3, 3), (4, 3), (5, 6)])
def test_equal_scores_are_flagged_together(flagged: int, nearest: int) -> None:
    scores = np.array([0.9, 0.9, 0.9, 0.2, 0.2, 0.2])
    assert (scores >= cut(scores, flagged)).sum() == nearest


# --- the command


def test_the_table_shows_correlation_flags_and_thresholds(
    cli: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    done = cli("compare", csv_file(tmp_path / "log.csv", [*LOGGED, {"text": "No answer.", "score": ""}]))
    about, _, head, *rows = done.stdout.decode().splitlines()
    rates = [row.split()[:2] for row in rows[:4]]
    assert (done.returncode, done.stderr) == (0, b"")
    assert about.startswith("6 comments, left out: 1 blank; toxicity of default ")
    assert re.search(r"; rank correlation -?[01]\.\d{3}$", about)
    assert head.split()[:4] == ["from", "Perspective", "ours", "both"]
    assert rates == [["0.50", "66.7%"], ["0.70", "33.3%"], ["0.80", "33.3%"], ["0.90", "16.7%"]]


def test_the_figures_are_written_as_json(cli: Command, tmp_path: Path, balanced: Moderator) -> None:
    log, out = csv_file(tmp_path / "log.csv", LOGGED), tmp_path / "comparison.json"
    assert cli("compare", log, "--threshold", "0.6", "--threshold", "0.85", "--json", out).returncode == 0
    pairs = read(log, balanced)
    assert json.loads(out.read_bytes()) == {
        "model": balanced.model,
        "source": str(log),
        "label": "toxicity",
        "calibration": SCALE.value,
        "comments": 6,
        "blank": 0,
        "skipped": 0,
        "rank_correlation": pairs.rank_correlation(),
        "thresholds": [pairs.agreement(threshold).figures() for threshold in (0.6, 0.85)],
    }


def test_perspectives_name_of_an_attribute_will_do(cli: Command, tmp_path: Path) -> None:
    log, out = csv_file(tmp_path / "log.csv", LOGGED), tmp_path / "comparison.json"
    cli("compare", log, "--label", "SEVERE_TOXICITY", "--json", out)
    assert json.loads(out.read_bytes())["label"] == "severe_toxicity"


def test_another_calibration_moves_scores_but_no_ranks(cli: Command, tmp_path: Path) -> None:
    log, documents = csv_file(tmp_path / "log.csv", LOGGED), []
    for calibration in ("site", "balanced"):
        out = tmp_path / f"{calibration}.json"
        cli("compare", log, "--calibration", calibration, "--json", out)
        documents.append(json.loads(out.read_bytes()))
    site, balanced = documents
    assert site["rank_correlation"] == balanced["rank_correlation"]
    assert site["thresholds"][0]["same_rate"] < balanced["thresholds"][0]["same_rate"]


def test_bad_rows_are_told_of_and_counted(cli: Command, tmp_path: Path) -> None:
    rows = [*LOGGED, {"text": "One more.", "score": "high"}]
    done = cli("compare", csv_file(tmp_path / "log.csv", rows), "--on-error", "skip")
    assert done.returncode == 0
    assert b"log.csv, row 7: 'score' is 'high'" in done.stderr
    assert b"6 comments, left out: 1 skipped" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--label", "off_topic"], "--label off_topic: is none of those"),
        (["--label", "FLIRTATION"], "toxicity, severe_toxicity,"),
        (["--score-column", "TOXICITY"], "has no column 'TOXICITY'"),
        (["--json", "nowhere/out.json"], "there is no directory"),
    ],
)
def test_what_cannot_be_done_is_one_line(cli: Command, tmp_path: Path, arguments: list[str], reason: str) -> None:
    done = cli("compare", csv_file(tmp_path / "log.csv", LOGGED), *arguments)
    [line] = done.stderr.decode().splitlines()
    assert (done.returncode, done.stdout) == (2, b"")
    assert line.startswith("moderation: ")
    assert reason in line
