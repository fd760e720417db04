"""`moderation train`, `evaluate`, `check` and `model`, as they are typed."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest

from moderation.bundle import Manifest, load_distilled, write
from moderation.labels import LABELS
from moderation.report import model_card
from moderation.text.embeddings import StaticEmbeddings

Command = Callable[..., CompletedProcess[bytes]]

RECIPE = """
name = "own"
version = "2.1"
{evaluation}
[corpora.ours]
file = "comments.csv"
articles = "articles.csv"
licence = "{licence}"
terms = "written by ourselves"
group = "article_id"
[heads.{label}]
ours = {{}}
[heads.off_topic]
ours = {{}}
[[calibration]]
labels = ["{label}", "off_topic"]
corpora = ["ours"]
share = 0.3
rate = 0.1
[policy]
"""
MAP = """
[corpora.ours]
file = "comments.csv"
articles = "articles.csv"
licence = "eval"
terms = ""
[heads.insult]
ours = { reach = 0.6 }
[heads.off_topic]
ours = {}
[heads.threat]
ours = {}
[agreement.insult]
ours = { column = "toxicity", reach = 0.99 }
[agreement.threat]
ours = { column = "toxicity" }
"""


def put(path: Path, content: str) -> Path:
    path.write_text(content, encoding="utf-8")
    return path


def recipe(folder: Path, licence: str = "ship", label: str = "insult", evaluation: str = "") -> Path:
    return put(folder / "recipe.toml", RECIPE.format(licence=licence, label=label, evaluation=evaluation))


def manifest(bundle: Path) -> Manifest:
    return Manifest.model_validate_json((bundle / "manifest.json").read_bytes())


def only_complaint(done: CompletedProcess[bytes]) -> str:
    """The one line that is no progress, and the last."""
    *progress, line = done.stderr.decode().splitlines()
    assert all(step.startswith("[") for step in progress)
    assert done.returncode == 2
    return line


@pytest.fixture(scope="module")
def corpus(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with labelled comments and their articles."""
    folder = tmp_path_factory.mktemp("corpus")
    for name in ("comments.csv", "articles.csv"):
        shutil.copy(root / "data" / name, folder)
    put(folder / "map.toml", MAP)
    return folder


@pytest.fixture(scope="module")
def trained(command: Command, corpus: Path) -> tuple[Path, CompletedProcess[bytes]]:
    """A bundle trained by the real command, under its recipe's name, and what the command said."""
    done = command("train", recipe(corpus, evaluation='evaluation = "map.toml"'), cwd=corpus)
    return corpus / "models" / "own", done


# --- train


def test_training_makes_a_whole_bundle_under_the_recipes_name(
    cli: Command, trained: tuple[Path, CompletedProcess[bytes]]
) -> None:
    bundle, done = trained
    assert (done.returncode, done.stdout) == (0, b"")
    assert cli("model", "verify", bundle).stdout.decode().startswith(f"{bundle}: own 2.1 is whole")
    assert manifest(bundle).labels == ["insult", "off_topic"]
    assert [path.name for path in bundle.parent.iterdir()] == ["own"]


def test_training_names_its_steps_and_says_where_the_bundle_is(
    trained: tuple[Path, CompletedProcess[bytes]],
) -> None:
    *steps, last = trained[1].stderr.decode().splitlines()
    assert "[1/6] read ours" in steps
    assert any("learn insult" in step for step in steps)
    assert "models/own: own 2.1 is ready" in last


def test_the_model_card_says_what_taught_the_bundle_and_how_good_it_is(
    trained: tuple[Path, CompletedProcess[bytes]],
) -> None:
    bundle, _ = trained
    card = (bundle / "README.md").read_text(encoding="utf-8")
    assert card == model_card(manifest(bundle))
    assert "written by ourselves" in card
    assert "| insult on ours | 816 |" in card
    assert "| at least 0.6: met |" in card
    assert re.search(r"\| insult and toxicity on ours \| Spearman \| 0\.\d{3} \| .* \| at least 0\.99: missed \|", card)


def test_a_trained_bundle_scores_its_labels_and_no_others(
    cli: Command, trained: tuple[Path, CompletedProcess[bytes]], tmp_path: Path
) -> None:
    file = put(tmp_path / "in.csv", "text\nYou clueless idiot.\nThank you for the article.\n")
    done = cli("score", file, "--model", trained[0], "-o", "-")
    header, rude, kind = done.stdout.decode().splitlines()
    assert header == "text,insult,off_topic,flags,action"
    assert float(rude.split(",")[1]) > float(kind.split(",")[1])


def test_a_corpus_to_be_measured_on_teaches_only_on_request_and_the_new_bundle_takes_the_place_of_the_old(
    command: Command, corpus: Path, trained: tuple[Path, CompletedProcess[bytes]], tmp_path: Path
) -> None:
    out = shutil.copytree(trained[0], tmp_path / "mine")
    plan = ("train", recipe(tmp_path, licence="eval", label="spam"), "--corpora", corpus, "--out", out)

    refused = command(*plan)
    assert "--allow-eval-only" in only_complaint(refused)
    assert manifest(out) == manifest(trained[0])

    assert command(*plan, "--allow-eval-only").returncode == 0
    assert manifest(out).labels == ["spam", "off_topic"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "recipe.toml"]


def test_interrupted_training_leaves_the_old_bundle_as_it_was(
    corpus: Path, trained: tuple[Path, CompletedProcess[bytes]], tmp_path: Path
) -> None:
    out = shutil.copytree(trained[0], tmp_path / "mine")
    run = [sys.executable, "-m", "moderation", "train", recipe(tmp_path), "--corpora", corpus, "--out", out]
    with subprocess.Popen(map(str, run), stderr=subprocess.PIPE, env=os.environ) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith(b"[1/")
        process.send_signal(signal.SIGINT)
        said = process.stderr.read().decode()
    assert process.returncode == 130
    assert said.splitlines()[-1].startswith("moderation: interrupted")
    assert "Traceback" not in said
    assert manifest(out) == manifest(trained[0])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "recipe.toml"]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("version", "vresion"), "recipe.toml: version: Field required"),
        (("[policy]", "[policy"), "cannot be read as a recipe"),
        (("heads.insult", "heads.rudeness"), "no such label"),
        (("comments.csv", "nowhere.csv"), "nowhere.csv: cannot be read"),
        (("articles.csv", "nowhere.csv"), "nowhere.csv: cannot be read"),
        (('file = "comments.csv"', 'file = "comments.csv"\ntext = "body"'), "comments.csv: has no column 'body'"),
        (("ours = {}", 'ours = { column = "rude" }'), "comments.csv: no column 'rude'"),
        (("ours = {}", 'ours = { column = "id" }'), "comments.csv, row 1: id is"),
    ],
)
def test_an_unusable_recipe_is_one_line_that_names_the_file_and_what_is_wrong(
    cli: Command, corpus: Path, tmp_path: Path, change: tuple[str, str], complaint: str
) -> None:
    plan = recipe(tmp_path)
    put(plan, plan.read_text().replace(*change, 1))
    done = cli("train", plan, "--corpora", corpus, "--out", tmp_path / "mine")
    assert complaint in only_complaint(done)
    assert list(tmp_path.iterdir()) == [plan]


def test_a_place_that_holds_something_else_is_never_overwritten(cli: Command, corpus: Path, tmp_path: Path) -> None:
    folder = tmp_path / "letters"
    folder.mkdir()
    put(folder / "love.txt", "Dear")
    file = put(tmp_path / "file", "precious")
    for place in (folder, file):
        assert str(place) in only_complaint(cli("train", recipe(corpus), "--out", place))
    assert (folder / "love.txt").read_text() == "Dear"
    assert file.read_text() == "precious"


def test_what_was_distilled_is_taken_over_from_the_bundle_that_is_named(
    cli: Command, corpus: Path, trained: tuple[Path, CompletedProcess[bytes]], tmp_path: Path
) -> None:
    source = tmp_path / "distilled"
    kept = load_distilled(trained[0])
    few = replace(kept, embeddings=StaticEmbeddings.from_table(["idiot"], np.eye(1, kept.embeddings.n_dimensions), [1]))
    empty: dict[str, Any] = {"calibration": {}, "policy": {}, "corpora": {}, "figures": {}}
    write(source, distilled=few, name="distilled", version="0", **empty)

    done = cli("train", recipe(tmp_path), "--corpora", corpus, "--out", tmp_path / "mine", "--distilled", source)

    assert done.returncode == 0
    for name in ("embeddings.joblib", "tone.joblib"):
        assert (tmp_path / "mine" / name).read_bytes() == (source / name).read_bytes()
    assert (source / "embeddings.joblib").read_bytes() != (trained[0] / "embeddings.joblib").read_bytes()


def test_an_unusable_bundle_to_take_over_from_is_one_line(cli: Command, corpus: Path, unusable_bundle: Path) -> None:
    done = cli("train", recipe(corpus), "--distilled", unusable_bundle)
    assert only_complaint(done).startswith(f"moderation: {unusable_bundle}")


# --- evaluate


def test_labelled_comments_measure_every_label_that_they_have(cli: Command, corpus: Path, tmp_path: Path) -> None:
    comments, articles, out = corpus / "comments.csv", corpus / "articles.csv", tmp_path / "figures.json"
    done = cli("evaluate", comments, "--articles", articles, "--json", out)

    found = json.loads(out.read_text())
    table = done.stdout.decode().splitlines()
    assert [figures["label"] for figures in found["figures"]] == list(LABELS)
    assert found["model"].startswith("default ")
    for figures, line in zip(found["figures"], table[1:], strict=False):
        assert figures["comments"] == 816
        assert 0.5 < figures["roc_auc_low"] <= figures["roc_auc"] <= figures["roc_auc_high"] <= 1
        assert line.split()[:3] == [figures["label"], "comments", "816"]
        assert f"{figures['roc_auc']:.3f}" in line


def test_a_map_measures_the_labels_that_it_names_and_the_bundle_gives(
    cli: Command, corpus: Path, trained: tuple[Path, CompletedProcess[bytes]], tmp_path: Path
) -> None:
    mapping = put(tmp_path / "map.toml", MAP)
    done = cli("evaluate", mapping, "--corpora", corpus, "--model", trained[0])
    rankings, reach = done.stdout.decode().split("measured", 1)
    assert [line.split()[0] for line in rankings.splitlines() if " ours " in line] == ["insult", "off_topic"]
    assert "insult on ours: ROC AUC" in reach
    assert "insult and toxicity on ours: Spearman" in reach
    assert "1 of 2 reached" in reach
    assert "threat" not in rankings + reach


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("in.csv", "text\na\n", "no label column"),
        ("in.csv", "comment,insult\na,1\n", "has no column 'text'"),
        ("in.csv", "text,insult\na,0\nb,maybe\n", "in.csv, row 2: insult is 'maybe'"),
        ("in.csv", "text,insult\na,0\nb,0\n", "cannot measure insult"),
        ("in.csv", "", "empty"),
        ("in.jsonl", "", "no label column"),
        ("in.jsonl", '{"text": "a", "insult": 1}\n{"text": \n', "in.jsonl, row 2: "),
        ("in.toml", "corpora = 5\n", "in.toml: "),
        ("in.txt", "a", "suffix"),
    ],
)
def test_comments_that_cannot_be_measured_on_are_one_line(
    cli: Command, tmp_path: Path, name: str, content: str, complaint: str
) -> None:
    assert complaint in only_complaint(cli("evaluate", put(tmp_path / name, content)))


def test_figures_that_cannot_be_written_are_one_line(cli: Command, tmp_path: Path) -> None:
    file = put(tmp_path / "in.csv", "text,insult\nYou idiot,1\nThank you,0\n")
    out = tmp_path / "nowhere" / "figures.json"
    assert str(out) in only_complaint(cli("evaluate", file, "--json", out))


# --- check


def test_sound_comments_pass(cli: Command, corpus: Path) -> None:
    done = cli("check", corpus / "comments.csv", "--articles", corpus / "articles.csv")
    assert (done.returncode, done.stdout) == (0, b"")
    assert "816 rows are sound, 0 at fault" in done.stderr.decode()


def test_every_fault_is_named_with_file_row_and_reason(cli: Command, tmp_path: Path) -> None:
    articles = put(tmp_path / "articles.csv", "id,title,text\nferry,A ferry,It sails.\n")
    rows = [
        "id,parent_id,article_id,text,insult",
        "1,,ferry,fine,0",
        "2,1,ferry,also fine,0.25",
        "2,,ferry,twice,0",
        "4,9,ferry,no parent,0",
        "5,,train,no article,0",
        "6,,ferry,no share,rude",
        '7,,ferry,"never closed,0',
        "8,,ferry,,0",
        "9,,ferry,fine again,true",
    ]
    file = put(tmp_path / "in.csv", "\n".join(rows) + "\n")

    done = cli("check", file, "--articles", articles)

    assert done.returncode == 1
    faults = {
        3: "id '2' stands already in row 2",
        4: "parent_id '9' is not the id of an earlier row",
        5: "article_id 'train' is not in the articles file",
        6: "insult is 'rude'",
        7: "a quoted field is never closed",
        8: "the text is empty",
    }
    lines = sorted(done.stdout.decode().splitlines())
    assert len(lines) == len(faults)
    for line, (row, reason) in zip(lines, faults.items(), strict=True):
        assert line.startswith(f"{file}, row {row}: {reason}")
    assert "3 rows are sound, 6 at fault" in done.stderr.decode()


@pytest.mark.parametrize(
    ("name", "content"), [("nowhere.csv", None), ("in.csv", ""), ("in.csv", "text\na\n"), ("in.parquet", "PAR1")]
)
def test_a_file_that_cannot_be_checked_at_all_is_one_line(
    cli: Command, tmp_path: Path, name: str, content: str | None
) -> None:
    file = tmp_path / name
    if content is not None:
        put(file, content)
    assert str(file) in only_complaint(cli("check", file))


# --- model


def test_a_bundle_is_shown_with_its_thresholds_corpora_and_figures(
    cli: Command, trained: tuple[Path, CompletedProcess[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    bundle, _ = trained
    shown = cli("model", "show", bundle).stdout.decode()
    known = manifest(bundle)
    assert shown.startswith(f"own 2.1  scikit-learn {known.scikit_learn}")
    assert f"{known.policy['insult']['flag']:.3f}" in shown
    assert "written by ourselves" in shown
    assert f"roc_auc {known.figures['insult on ours']['roc_auc']:.4g}" in shown


def test_without_a_folder_it_is_the_shipped_bundle(cli: Command, bundle_path: Path) -> None:
    assert f"{bundle_path}: default " in cli("model", "verify").stdout.decode()
    assert cli("model", "show").stdout.decode().startswith("default ")


@pytest.mark.parametrize("look", ["show", "verify"])
def test_an_unusable_bundle_is_one_line(cli: Command, unusable_bundle: Path, look: str) -> None:
    assert only_complaint(cli("model", look, unusable_bundle)).startswith(f"moderation: {unusable_bundle}")
