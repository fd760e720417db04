"""The contrast pairs: contrast.csv is what the templates make, and no text stands in two places."""

from __future__ import annotations

import csv
import io
import re
import runpy
import tomllib
from pathlib import Path

import pytest

from moderation.functional import read_functions

DATA = Path(__file__).parents[1] / "data"
LABELS = ("toxicity", "severe_toxicity", "identity_attack", "insult", "profanity", "threat")


def table(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((DATA / name).read_text(encoding="utf-8"))))


def test_file_is_what_the_templates_make() -> None:
    script = runpy.run_path(str(DATA / "contrast.py"))
    source = tomllib.loads((DATA / "contrast.toml").read_text(encoding="utf-8"))
    assert script["as_csv"](script["rows"](source)) == (DATA / "contrast.csv").read_text(encoding="utf-8")


def test_no_text_twice() -> None:
    texts = [row["text"].casefold() for row in table("contrast.csv")]
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("label", LABELS)
def test_both_sides_of_each_label(label: str) -> None:
    assert {"0", "1"} <= {row[label] for row in table("contrast.csv")} <= {"0", "1", ""}


def test_nothing_of_the_sample() -> None:
    sample = {row["text"].casefold() for row in table("comments.csv")}
    assert not sample & {row["text"].casefold() for row in table("contrast.csv")}


def test_no_slot_left_open() -> None:
    assert not [row["text"] for row in table("contrast.csv") if set("{}[]|") & set(row["text"])]


def test_no_sentence_of_the_functional_suite_is_trained_on() -> None:
    functions = read_functions(Path(__file__).parent / "functional" / "cases")
    tested = {_bare(case.text) for function in functions for case in function.cases}
    assert not tested & {_bare(row["text"]) for row in table("contrast.csv")}


def _bare(text: str) -> str:
    return re.sub(r"\W+", " ", text.lower()).strip()
