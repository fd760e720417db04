"""The contrast pairs: contrast.csv is what the templates make, and no text stands in two places."""

from __future__ import annotations

import csv
import io
import re
import runpy
import tomllib
from pathlib import Path

import pytest

from moderation.evaluation.functional import read_functions

DATA = Path(__file__).parents[1] / "data"
SOURCE = tomllib.loads((DATA / "contrast.toml").read_text(encoding="utf-8"))
LABELS = ("toxicity", "severe_toxicity", "identity_attack", "insult", "profanity", "threat")


@pytest.fixture(scope="module")
def tested() -> set[str]:
    functions = read_functions(Path(__file__).parent / "functional" / "cases")
    return {_bare(case.text) for function in functions for case in function.cases}


def table(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((DATA / name).read_text(encoding="utf-8"))))


def test_file_is_what_the_templates_make() -> None:
    script = runpy.run_path(str(DATA / "contrast.py"))
    assert script["as_csv"](script["rows"](SOURCE)) == (DATA / "contrast.csv").read_text(encoding="utf-8")


def test_no_text_twice() -> None:
    texts = [row["text"].casefold() for row in table("contrast.csv")]
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("label", LABELS)
def test_both_sides_of_each_label(label: str) -> None:
    values = {row[label] for row in table("contrast.csv")}
    assert {"0", "1"} <= values
    assert all(0 <= float(value) <= 1 for value in values - {""})


def test_nothing_of_the_sample() -> None:
    sample = {row["text"].casefold() for row in table("comments.csv")}
    assert not sample & {row["text"].casefold() for row in table("contrast.csv")}


def test_no_slot_left_open() -> None:
    assert not [row["text"] for row in table("contrast.csv") if set("{}[]|") & set(row["text"])]


def test_two_rows_of_five_are_abuse() -> None:
    abusive = [float(row["toxicity"]) >= 0.5 for row in table("contrast.csv")]
    assert 0.35 < sum(abusive) / len(abusive) < 0.45


def test_no_group_stands_in_abuse_alone() -> None:
    rows = [(_bare(row["text"]), float(row["toxicity"]) >= 0.5) for row in table("contrast.csv")]
    for group in map(_bare, SOURCE["lists"]["groups"]):
        abusive = [abuse for text, abuse in rows if f" {group} " in f" {text} "]
        assert 0.25 < sum(abusive) / len(abusive) < 0.7, group


def test_no_sentence_of_the_functional_suite_is_trained_on(tested: set[str]) -> None:
    shared = tested & {_bare(row["text"]) for row in table("contrast.csv")}
    assert not shared


def test_no_sentence_of_the_functional_suite_is_part_of_a_row(tested: set[str]) -> None:
    rows = "  ".join(_bare(row["text"]) for row in table("contrast.csv"))
    shared = {text for text in tested if len(text.split()) >= 6 and f" {text} " in f" {rows} "}
    assert not shared


def _bare(text: str) -> str:
    return re.sub(r"\W+", " ", text.lower()).strip()
