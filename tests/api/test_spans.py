"""Sentences, and offsets in UTF-16 code units."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.perspective.spans import MAX_SENTENCES, CodeUnits, sentences


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One sentence", ["One sentence"]),
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("  One.   Two.  ", ["One.", "Two."]),
        ("Really?! Yes... so it is.", ["Really?!", "Yes...", "so it is."]),
        ('He said "No." Then he left.', ['He said "No."', "Then he left."]),
        ("(Twice.) Once.", ["(Twice.)", "Once."]),
        ("first line\nsecond line\n\nthird", ["first line", "second line", "third"]),
        ("Version 2.5 of example.org costs 3.50.", ["Version 2.5 of example.org costs 3.50."]),
        ("これは橋です。高い！", ["これは橋です。", "高い！"]),
        ("...", ["..."]),
        ("", [""]),
        (" \n ", [" \n "]),
    ],
)
def test_sentences_end_with_their_marks_or_their_line(text: str, expected: list[str]) -> None:
    assert [text[start:end] for start, end in sentences(text)] == expected


def test_of_many_sentences_neighbours_are_joined() -> None:
    text = "a. " * 5000
    spans = sentences(text)
    assert 1 < len(spans) <= MAX_SENTENCES
    assert "".join(text[start:end] + " " for start, end in spans) == text


@given(st.text(st.sampled_from("a .!?\n\"')\u2026\u3002\N{GRINNING FACE}")))
def test_sentences_lie_behind_one_another_and_leave_out_white_space_only(text: str) -> None:
    spans = sentences(text)
    assert all(start <= end for start, end in spans)
    assert all(one[1] <= other[0] for one, other in pairwise(spans))
    if text.strip():
        assert "".join("".join(text[start:end].split()) for start, end in spans) == "".join(text.split())


@pytest.mark.parametrize("unit", [".", ".'", '."', ". ", "\n", "?!", "\u3002", "a"])
def test_no_text_takes_long(unit: str) -> None:
    start = time.perf_counter()
    sentences(unit * (20_480 // len(unit)))
    assert time.perf_counter() - start < 1


@given(st.text())
def test_code_units_are_those_of_utf16(text: str) -> None:
    units = CodeUnits.of(text)
    lengths = [len(text[:offset].encode("utf-16-le")) // 2 for offset in range(len(text) + 1)]
    assert [units.at(offset) for offset in range(len(text) + 1)] == lengths
    assert [units.offset(length) for length in lengths] == list(range(len(text) + 1))


def test_inside_a_character_and_outside_of_the_text_no_character_begins() -> None:
    units = CodeUnits.of("a\N{GRINNING FACE}b")
    assert [units.offset(unit) for unit in range(-1, 6)] == [None, 0, 1, None, 2, 3, None]
