"""What was to be reached stands beside what was measured: in the table, the JSON, the page and the model card."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from moderation import Moderator
from moderation.errors import RecipeError
from moderation.evaluation import EvaluationMap, evaluate, figures_of
from moderation.evaluation.reach import MEASURES, Aim, Figure, Measure
from moderation.report import model_card, other_figures

Command = Callable[..., CompletedProcess[bytes]]

COMMENTS = """\
text,insult,grade,spans,part
You clueless moron.,1,0.9,"[4, 5, 6, 7, 8, 9, 10, 11]",first
What an idiot you are.,1,0.8,"[8, 9, 10, 11, 12]",first
Shut up you filthy liar.,1,0.95,[],second
Thank you for this article.,0,0.05,[],first
The ferry sails at night.,0,0.1,[],first
I do not agree with any of it.,0,0.2,[],second
"""
LISTS = '[lists]\nidentity = [{ term = "baker", one = "a baker" }, { term = "poet", one = "a poet" }]\n'
TERMS = 'neutral = ["My neighbour is {identity.one}."]\nabusive = ["You {identity} moron, shut up."]\n'
PRAISE = """
[praise]
label = "insult"
meaning = "Praises someone."
negative = ["Well done, neighbour.", "A lovely article, thank you."]
[scorn]
label = "insult"
meaning = "Scorns someone."
positive = ["You clueless idiot.", "The ferry sails at night."]
"""
MAP = """
[corpora.few]
file = "few.csv"
licence = "eval"
terms = "ours"
[heads.insult]
few = { reach = 0.55 }
[agreement.insult]
few = { column = "grade", reach = 0.99, flags_at = [0.5], flags_within = 9 }
[calibration.insult]
few = { rate = 0.1, reach = 0.001 }
[explanation.insult]
few = { column = "spans", where = { part = "first" }, reach = 0.01 }
[functional]
cases = "cases"
reach = { accuracy = 0.6, worst_function = 0.9, mean_bpsn = 0.5 }
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a map that uses everything, and what it names."""
    folder = tmp_path_factory.mktemp("reach")
    (folder / "cases").mkdir()
    files = {"few.csv": COMMENTS, "map.toml": MAP, "cases/lists.toml": LISTS, "cases/praise.toml": PRAISE}
    for name, content in {**files, "cases/identity_terms.toml": TERMS}.items():
        (folder / name).write_text(content, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def written(command: Command, place: Path) -> tuple[str, str, dict[str, Any]]:
    """What the command prints, the page and the JSON."""
    files = ("--html", place / "report.html", "--json", place / "report.json")
    done = command("evaluate", place / "map.toml", *files)
    assert done.returncode == 0, done.stderr
    page, data = (place / name for name in ("report.html", "report.json"))
    return done.stdout.decode(), page.read_text(encoding="utf-8"), json.loads(data.read_text())


@pytest.mark.parametrize(
    ("aim", "value", "met"),
    [
        (Aim.AT_LEAST, 0.3, True),
        (Aim.AT_LEAST, 0.29, False),
        (Aim.AT_MOST, 0.3, True),
        (Aim.AT_MOST, 0.31, False),
        (Aim.WITHIN, -0.3, True),
        (Aim.WITHIN, -0.31, False),
        (Aim.WITHIN, 0.31, False),
    ],
)
def test_a_figure_meets_its_reach_on_the_side_that_it_should_be_on(aim: Aim, value: float, met: bool) -> None:
    figure = Figure("insult on few", Measure("figure", aim), value, value, value, 0.3)

    assert (figure.met, figure.outcome, figure.goal) == (met, "met" if met else "missed", f"{aim} 0.3")


def test_a_figure_without_reach_is_neither_met_nor_missed() -> None:
    figure = Figure("insult on few", MEASURES["roc_auc"], 0.9, 0.8, 1.0, None)

    assert (figure.met, figure.outcome, figure.goal) == (None, "", "")


def test_a_map_may_ask_for_everything(written: tuple[str, str, dict[str, Any]]) -> None:
    rows = {(row["measured"], row["measure"]): (row["aim"], row["reach"]) for row in written[2]["reach"]}

    assert rows == {
        ("insult on few", "ROC AUC"): ("at least", 0.55),
        ("insult and grade on few", "Spearman"): ("at least", 0.99),
        ("insult and grade on few, flags from 0.5", "difference"): ("within", 9),
        ("functional cases", "cases right"): ("at least", 0.6),
        ("functional cases", "cases right, worst function"): ("at least", 0.9),
        ("identity terms", "BPSN AUC, mean"): ("at least", 0.5),
        ("insult spans on few", "character F1"): ("at least", 0.01),
        ("insult on the stream few", "calibration error"): ("at most", 0.001),
    }


def test_the_reach_of_the_json_is_that_of_its_figures(written: tuple[str, str, dict[str, Any]]) -> None:
    document = written[2]
    rows = {(row["measured"], row["measure"]): row for row in document["reach"]}
    [ranking], [agreement], [stream] = document["figures"], document["agreement"], document["calibration"]

    assert rows["insult on few", "ROC AUC"]["value"] == ranking["roc_auc"]
    assert rows["insult and grade on few", "Spearman"]["value"] == agreement["spearman"]["value"]
    assert rows["insult on the stream few", "calibration error"]["high"] == stream["expected_calibration_error"]["high"]
    functions = {found["name"]: found for found in document["functional"]["functions"]}
    assert rows["functional cases", "cases right"]["value"] == 0.75
    assert rows["functional cases", "cases right, worst function"]["value"] == functions["scorn"]["accuracy"] == 0.5
    assert functions["scorn"]["wrong"] == [{"text": "The ferry sails at night.", "positive": True}]
    assert [term["term"] for term in document["functional"]["terms"]] == ["baker", "poet"]


def test_the_command_says_what_was_reached_and_what_was_missed(written: tuple[str, str, dict[str, Any]]) -> None:
    out, _, document = written
    lines = [" ".join(line.split()) for line in out.splitlines()]
    for row in document["reach"]:
        sign = {"at least": ">=", "at most": "<=", "within": "+-"}[row["aim"]]
        outcome = "met" if row["met"] else "missed"
        interval = f"{row['low']:.3f} to {row['high']:.3f}"
        assert any(
            line.endswith(f"{row['value']:.3f} {interval} {sign} {row['reach']:g} {outcome}") for line in lines
        ), row
    met = [row["met"] for row in document["reach"]]
    assert {True, False} == set(met)
    assert f"{sum(met)} of {len(met)} reached; 1 of 2 functions stay below 0.9" in lines
    assert max(map(len, out.splitlines())) <= 80


def test_the_page_shows_every_row_of_the_json(written: tuple[str, str, dict[str, Any]]) -> None:
    _, page, document = written
    for row in document["reach"]:
        assert f"<td>{row['measure']}</td>" in page
        assert f"<td>{row['aim']} {row['reach']:g}</td>" in page
        assert f"<b>{row['value']:.3f}</b>" in page
    assert page.count('class="missed">missed<') == sum(not row["met"] for row in document["reach"])
    for heading in (
        "Reach",
        "Agreement",
        "Functional cases",
        "Identity terms",
        "Explanations",
        "Calibration on streams",
    ):
        assert f"<h2>{heading}</h2>" in page
    assert "missed: The ferry sails at night." in page


def test_a_map_without_reach_says_nothing_of_it(cli: Command, root: Path, tmp_path: Path) -> None:
    done = cli("evaluate", root / "data/comments.csv", "--html", tmp_path / "report.html")

    assert b"reach" not in done.stdout
    assert "<h2>Reach</h2>" not in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_the_model_card_holds_what_was_to_be_reached(moderator: Moderator, place: Path) -> None:
    figures = evaluate(moderator, EvaluationMap.from_toml(place / "map.toml"), place).figures()
    manifest = moderator.bundle.manifest.model_copy(update={"figures": figures})

    card = model_card(manifest)

    for figure in figures_of(figures):
        if figure.reach is not None:
            assert (
                f"| {figure.value:.3f} | {figure.low:.3f} to {figure.high:.3f} | {figure.goal}: {figure.outcome} |"
                in card
            )
    assert "| insult spans on few | character F1 |" in other_figures(manifest, {"insult spans on few"})
    assert "functional cases" not in other_figures(manifest, {"insult spans on few"})


# --- maps


def read(folder: Path, text: str) -> EvaluationMap:
    (folder / "map.toml").write_text(text, encoding="utf-8")
    return EvaluationMap.from_toml(folder / "map.toml")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("[agreement.insult]", "[agreement.rudeness]", "agreement.rudeness: no such label"),
        ("[calibration.insult]\nfew", "[calibration.insult]\nmany", r"calibration.insult.many: no such corpus; add \["),
        ("[explanation.insult]\nfew", "[explanation.insult]\nmany", "explanation.insult.many: no such corpus"),
        ("reach = 0.55", "reach = 55", "heads.insult.few.reach: Input should be less than or equal to 1"),
        ('column = "grade", ', "", "agreement.insult.few.column: Field required"),
        ("rate = 0.1", "rate = 1", "calibration.insult.few.rate: Input should be less than 1"),
        ("mean_bpsn", "mean_aspn", "functional.reach.mean_aspn: Extra inputs are not permitted"),
        ('cases = "cases"', "", "functional.cases: Field required"),
    ],
)
def test_a_map_that_cannot_be_followed_names_the_entry(tmp_path: Path, old: str, new: str, reason: str) -> None:
    assert old in MAP

    with pytest.raises(RecipeError, match=rf"map\.toml: (Value error, )?{reason}"):
        read(tmp_path, MAP.replace(old, new))


def test_comments_that_taught_the_bundle_can_be_left_out(moderator: Moderator, place: Path, tmp_path: Path) -> None:
    (tmp_path / "taught.csv").write_text("text\nthank YOU for  this article.\nSomething else.\n", encoding="utf-8")
    spec, rest = MAP.split("[heads.insult]")
    plan = read(tmp_path, f"{spec}without = '{tmp_path / 'taught.csv'}'\n[heads.insult]{rest.split('[agreement')[0]}")

    [[name, corpus]] = plan.read(place, lambda _: None)

    assert (name, len(corpus)) == ("few", 5)
    assert corpus.rows == [1, 2, 3, 5, 6]
    assert [len(values) for values in corpus.columns.values()] == [5] * 4
    assert evaluate(moderator, plan, place).findings[0].measurement.comments == 5


def test_the_maps_that_are_explained_can_be_followed(root: Path) -> None:
    explained = (root / "docs/evaluation.md").read_text(encoding="utf-8")
    maps = re.findall(r"^```toml\n(.*?)^```$", explained, re.MULTILINE | re.DOTALL)

    plans = [EvaluationMap.model_validate(tomllib.loads(text)) for text in maps]

    assert [bool(plan.agreement and plan.explanation) for plan in plans] == [False, True]


def test_the_map_of_the_shipped_bundle_can_be_followed(root: Path) -> None:
    plan = EvaluationMap.from_toml(root / "models" / "dev.toml")

    assert plan.functional is not None
    assert plan.locate(plan.functional.cases, root).is_dir()
    assert plan.heads["toxicity"]["wikipedia"].reach == 0.98
