"""Recipes are checked before any corpus is opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from moderation.corpora import CorpusMap, Recipe
from moderation.errors import RecipeError
from moderation.evaluation import EvaluationMap

RECIPE = """
name = "forum"
version = "1"

[corpora.ours]
file = "comments.csv"
licence = "ship"
terms = "our own"
[corpora.theirs]
file = "study.csv"
licence = "eval"
terms = "non-commercial"

[heads.insult]
ours = {}

[[calibration]]
labels = ["insult"]
corpora = ["ours"]
share = 0.3
"""
THREAT = "[heads.threat]\nours = {}\n"


def read(tmp_path: Path, text: str, kind: type[CorpusMap] = Recipe) -> Any:
    path = tmp_path / "recipe.toml"
    path.write_text(text, encoding="utf-8")
    return kind.from_toml(path)


@pytest.mark.parametrize("name", ["data/recipe.toml", "models/default.toml"])
def test_the_recipes_of_this_repository_can_be_followed(root: Path, name: str) -> None:
    Recipe.from_toml(root / name).check_licences(allow_eval_only=False)


def test_what_measures_a_label_of_the_shipped_bundle_has_not_taught_it(root: Path) -> None:
    recipe = Recipe.from_toml(root / "models" / "default.toml")
    assert recipe.evaluation is not None
    plan = EvaluationMap.from_toml(root / "models" / recipe.evaluation)

    for label, rules in [*plan.heads.items(), *plan.calibration.items()]:
        taught_by = {recipe.corpora[name].file for name in recipe.heads[label]}
        assert not taught_by & {plan.corpora[name].file for name in rules}, label


def test_what_a_recipe_leaves_out_has_a_default(tmp_path: Path) -> None:
    recipe = read(tmp_path, RECIPE)

    assert recipe.corpora["ours"].text == "text"
    assert recipe.heads["insult"]["ours"].weight == 1
    assert (recipe.policy.review_precision, recipe.policy.reject_precision) == (0.5, 0.9)


# --- licences


def test_a_corpus_that_may_only_be_measured_on_is_not_trained_on(tmp_path: Path) -> None:
    recipe = read(tmp_path, RECIPE.replace("ours = {}", "ours = {}\ntheirs = {}"))

    with pytest.raises(RecipeError, match=r"corpus theirs \(non-commercial\) may be measured on but not trained on"):
        recipe.check_licences(allow_eval_only=False)
    recipe.check_licences(allow_eval_only=True)


def test_a_corpus_that_teaches_nothing_may_have_any_licence(tmp_path: Path) -> None:
    read(tmp_path, RECIPE).check_licences(allow_eval_only=False)


# --- faults


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("[heads.insult]", "[heads.rudeness]", "heads.rudeness: no such label; labels are toxicity, "),
        ("ours = {}", "ours = {}\nothers = {}", r"heads.insult.others: no such corpus; add \[corpora.others\]"),
        ("ours = {}", "ours = { moved = true }", "heads.insult.ours: only off_topic is learned from moved comments"),
        ("ours = {}", "ours = { colum = 'x' }", "heads.insult.ours.colum: Extra inputs"),
        ("ours = {}", "ours = { constant = 2 }", "heads.insult.ours.constant: Input should be less than or equal to 1"),
        ("ours = {}", "ours = { weight = 0 }", "heads.insult.ours.weight: Input should be greater than 0"),
        ("ours = {}", "ours = { keep = 'some' }", "heads.insult.ours.keep: Input should be 'all', 'positives' or"),
        ('licence = "ship"', 'licence = "free"', "corpora.ours.licence: Input should be 'ship' or 'eval'"),
        ('licence = "ship"\n', "", "corpora.ours.licence: Field required"),
        ('terms = "our own"\n', "", "corpora.ours.terms: Field required"),
        ('file = "comments.csv"\n', "", "corpora.ours.file: Field required"),
        ('version = "1"', "", "version: Field required"),
        ("share = 0.3", "share = 1", "calibration.0.share: Input should be less than 1"),
        ("share = 0.3", "share = 0.3\nrate = 0", "calibration.0.rate: Input should be greater than 0"),
        ("share = 0.3", "share = 'x'", "calibration.0.share: Input should be a valid number"),
        ('corpora = ["ours"]', 'corpora = ["theirs"]', "calibration of insult: theirs does not teach it"),
        ("share = 0.3", "share = 0.3\nharder = ['theirs']", "calibration of insult: theirs does not teach it"),
        ('labels = ["insult"]', "labels = []", "must name each label of"),
        ('labels = ["insult"]', 'labels = ["insult", "insult"]', "must name each label of .* once"),
        ('labels = ["insult"]', 'labels = ["insult", "threat"]', "must name each label of"),
        (
            "[[calibration]]",
            f"{THREAT}[[calibration]]",
            r"must name each label of \[heads\] once: heads \['insult', 'threat'\]",
        ),
        ("share = 0.3", "share = 0.3\nbalance = { column = 'natural' }", "calibration.0.balance.rate: Field required"),
        (
            "[[calibration]]",
            "[policy]\nflag_only = ['rude']\n[[calibration]]",
            "policy: .*no such label: rude; labels are",
        ),
        *(
            ("[[calibration]]", f"[perspective.{table}\n[[calibration]]", reason)
            for table, reason in {
                "threat]\n'0.5' = 0.1\n'0.9' = 0.05": "perspective.threat: must be a label of .*, with two thresholds",
                "insult]\n'0.5' = 0.1": "perspective.insult: must be a label of .*, with two thresholds or more",
                "insult]\n'1' = 0.1\n'0.5' = 0.2": "perspective.insult.1.*: Input should be less than 1",
                "insult]\n'0' = 0.1\n'0.5' = 0.2": "perspective.insult.0.*: Input should be greater than 0",
                "insult]\nhigh = 0.1\n'0.5' = 0.2": "perspective.insult.high.*: Input should be a valid number",
                "insult]\n'0.5' = 1.7\n'0.9' = 0.1": "perspective.insult: shares .* fall as thresholds rise",
                "insult]\n'0.5' = 0.1\n'0.9' = 0.2": "perspective.insult: shares .* fall as thresholds rise",
                "insult]\n'0.5' = 'few'\n'0.9' = 0.1": "perspective.insult.0.5: Input should be a valid number",
            }.items()
        ),
        ("[heads.insult]", "[heads.off_topic]", "needs a label that a comment's own text decides: toxicity, "),
        ("name =", "naem =", "name: Field required|naem: Extra inputs"),
        ("[corpora.ours]", "[corpora.ours", "cannot be read as a recipe: "),
    ],
)
def test_a_faulty_recipe_is_named_with_the_entry_and_the_reason(
    tmp_path: Path, old: str, new: str, reason: str
) -> None:
    assert old in RECIPE

    with pytest.raises(RecipeError, match=rf"recipe\.toml: .*({reason})") as caught:
        read(tmp_path, RECIPE.replace(old, new, 1))

    assert "\n" not in str(caught.value)


def test_a_recipe_that_is_missing_or_not_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"recipe\.toml: cannot be read as a recipe: .*No such file"):
        Recipe.from_toml(tmp_path / "recipe.toml")
    (tmp_path / "recipe.toml").write_bytes(b"\xff")
    with pytest.raises(RecipeError, match=r"recipe\.toml: cannot be read as a recipe: .*utf-8"):
        Recipe.from_toml(tmp_path / "recipe.toml")


def test_a_map_of_corpora_needs_no_calibration(tmp_path: Path) -> None:
    text = '[corpora.dev]\nfile = "a.csv"\nlicence = "eval"\nterms = "unstated"\n[heads.insult]\ndev = { above = 2 }\n'

    assert read(tmp_path, text, CorpusMap).heads["insult"]["dev"].above == 2
