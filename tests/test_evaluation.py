"""Figures say how good a moderator is, and the model card shows them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, precision_score, recall_score, roc_auc_score

from moderation import Moderator
from moderation.corpora import LabelRule, read_labelled
from moderation.errors import RecipeError
from moderation.evaluation import EvaluationMap, evaluate
from moderation.evaluation.ranking import Measurement
from moderation.labels import LABELS, OFF_TOPIC
from moderation.report import model_card

CORPUS = """
[corpora.sample]
file = "comments.csv"
articles = "articles.csv"
licence = "eval"
terms = "ours"
"""
HEADS = {label: f"[heads.{label}]\nsample = {{}}\n" for label in LABELS}


def evaluation_map(folder: Path, text: str) -> EvaluationMap:
    (folder / "map.toml").write_text(CORPUS + text, encoding="utf-8")
    return EvaluationMap.from_toml(folder / "map.toml")


@pytest.fixture(scope="module")
def measured(moderator: Moderator, root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Measurement]:
    """The shipped bundle on the sample, by label."""
    corpora = evaluation_map(tmp_path_factory.mktemp("map"), "".join(reversed(HEADS.values())))
    return {found.label: found.measurement for found in evaluate(moderator, corpora, root / "data").findings}


def test_every_label_is_measured_in_the_order_of_labels(measured: dict[str, Measurement]) -> None:
    assert tuple(measured) == LABELS
    assert {found.corpus for found in measured.values()} == {"sample"}


@pytest.mark.parametrize("label", ["insult", OFF_TOPIC])
def test_figures_are_those_of_scikit_learn(
    moderator: Moderator, measured: dict[str, Measurement], root: Path, tmp_path: Path, label: str
) -> None:
    spec = evaluation_map(tmp_path, HEADS[label]).corpora["sample"]
    corpus = read_labelled(root / "data" / "comments.csv", spec, root / "data" / "articles.csv")
    truth = corpus.shares(label, LabelRule()) > 0.5
    scores = moderator.probabilities(corpus.comments)[:, LABELS.index(label)]
    flagged = scores >= moderator.policy.thresholds[label].flag

    found = measured[label]

    assert found.comments == len(corpus)
    assert found.positive_share == pytest.approx(truth.mean())
    assert found.roc_auc == pytest.approx(roc_auc_score(truth, scores))
    assert found.average_precision == pytest.approx(average_precision_score(truth, scores))
    assert found.flag_precision == pytest.approx(precision_score(truth, flagged))
    assert found.flag_recall == pytest.approx(recall_score(truth, flagged))


def test_the_interval_surrounds_the_figure(measured: dict[str, Measurement]) -> None:
    for found in measured.values():
        assert 0 <= found.roc_auc_low < found.roc_auc < found.roc_auc_high <= 1


def test_the_shipped_bundle_does_well_on_comments_that_taught_it_nothing(measured: dict[str, Measurement]) -> None:
    assert np.mean([found.roc_auc for found in measured.values()]) > 0.8


def test_each_corpus_is_announced(moderator: Moderator, root: Path, tmp_path: Path) -> None:
    told: list[str] = []

    evaluate(moderator, evaluation_map(tmp_path, HEADS["insult"]), root / "data", told.append)

    assert told == ["sample"]


@pytest.mark.parametrize(("constant", "having"), [(0, "0"), (1, r"\d{3}")])
def test_a_corpus_of_one_kind_cannot_measure(
    moderator: Moderator, root: Path, tmp_path: Path, constant: int, having: str
) -> None:
    corpora = evaluation_map(tmp_path, f"[heads.insult]\nsample = {{ constant = {constant} }}\n")

    with pytest.raises(RecipeError, match=rf"sample cannot measure insult: of \d+ comments {having} have it"):
        evaluate(moderator, corpora, root / "data")


def test_figures_are_plain_numbers(measured: dict[str, Measurement]) -> None:
    figures = measured["insult"].figures()

    assert set(figures) == {
        "comments",
        "positive_share",
        "roc_auc",
        "roc_auc_low",
        "roc_auc_high",
        "average_precision",
        "flag_precision",
        "flag_recall",
    }
    assert figures["roc_auc"] == round(measured["insult"].roc_auc, 4)


def test_the_model_card_of_the_shipped_bundle_is_the_one_that_its_manifest_makes(
    moderator: Moderator, bundle_path: Path
) -> None:
    assert (bundle_path / "README.md").read_text(encoding="utf-8") == model_card(moderator.bundle.manifest)


def test_a_model_card_names_what_was_measured_and_what_was_not(
    moderator: Moderator, measured: dict[str, Measurement]
) -> None:
    figures = {"insult on sample": measured["insult"].figures()}
    manifest = moderator.bundle.manifest

    card = model_card(manifest.model_copy(update={"figures": figures}))
    without = model_card(manifest.model_copy(update={"figures": {}}))

    assert f"| insult on sample | {measured['insult'].comments} |" in card
    assert f"{measured['insult'].roc_auc:.3f}" in card
    assert "No corpora to measure on were named." in without
    for name, record in manifest.corpora.items():
        assert f"| {name} | {record.licence} | {record.terms} |" in card
