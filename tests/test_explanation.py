"""What words contribute is laid on the parts of a text as it was typed, and on what one would underline."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from moderation.explanation import by_part, parts_of, spans
from moderation.text.tokens import tokenise, words
from moderation.verdict import Span


def laid(text: str, weights: ArrayLike) -> list[tuple[str, float]]:
    """The parts of a text with what the weights of its words come to in each."""
    parts = [text[start:end] for start, end in parts_of(text)]
    column = np.asarray(weights, dtype=np.float32)[:, None]
    found = by_part(column, tokenise([text]), tokenise(parts))
    return list(zip(parts, found[:, 0].round(5).tolist(), strict=True))


def underlined(text: str, weights: list[float], weakest: float = 0.15) -> list[tuple[str, float]]:
    """What is named of a text whose parts have some weights."""
    found = list(spans(text, parts_of(text), np.array(weights), "insult", weakest))
    assert {span.label for span in found} <= {"insult"}
    return [(text[span.start : span.end], round(span.weight, 5)) for span in found]


# --- parts


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("You idiot!", [(0, 3), (4, 10)]),
        (" a\n\tb ", [(1, 2), (4, 5)]),
        ("😀 é\u3000東", [(0, 1), (2, 3), (4, 5)]),
        ("", []),
        (" \n", []),
    ],
)
def test_parts_are_what_stands_between_white_space(text: str, parts: list[tuple[int, int]]) -> None:
    assert parts_of(text) == parts


# --- words on parts


def test_each_word_lies_on_its_own_part() -> None:
    assert laid("You are, well... an idiot!", [1, 2, 3, 4, 5]) == [
        ("You", 1),
        ("are,", 2),
        ("well...", 3),
        ("an", 4),
        ("idiot!", 5),
    ]


def test_a_part_of_several_words_has_what_they_contribute_together() -> None:
    assert laid("you-idiot, good/bad", [1, 2, 3, 4]) == [("you-idiot,", 3), ("good/bad", 7)]


def test_a_part_without_a_word_has_nothing() -> None:
    assert laid("... you !! idiot ?", [1, 2]) == [("...", 0), ("you", 1), ("!!", 0), ("idiot", 2), ("?", 0)]


def test_a_word_that_occurs_again_lies_where_it_stands() -> None:
    assert laid("idiot you idiot", [1, 2, 4]) == [("idiot", 1), ("you", 2), ("idiot", 4)]


@pytest.mark.parametrize(
    ("text", "read", "weights", "expected"),
    [
        ("i d i o t", "idiot", [5], [("i", 1), ("d", 1), ("i", 1), ("o", 1), ("t", 1)]),
        (
            "you i d i o t again",
            "you idiot again",
            [7, 5, 9],
            [("you", 7), ("i", 1), ("d", 1), ("i", 1), ("o", 1), ("t", 1), ("again", 9)],
        ),
        ("stu pid idiot", "stupid idiot", [4, 1], [("stu", 2), ("pid", 2), ("idiot", 1)]),
        ("k y s k y s", "kyskys", [6], [("k", 1), ("y", 1), ("s", 1), ("k", 1), ("y", 1), ("s", 1)]),
        (
            "f.u.c.k you and k y s",
            "fuck you and kys",
            [1, 2, 3, 6],
            [("f.u.c.k", 1), ("you", 2), ("and", 3), ("k", 2), ("y", 2), ("s", 2)],
        ),
        ("m0ron youIdiot sh!t", "moron you idiot shit", [1, 2, 3, 4], [("m0ron", 1), ("youIdiot", 5), ("sh!t", 4)]),
    ],
)
def test_parts_that_make_up_one_disguised_word_share_what_it_contributes(
    text: str, read: str, weights: list[float], expected: list[tuple[str, float]]
) -> None:
    assert " ".join(words(text)) == read

    assert laid(text, weights) == expected


def test_a_word_that_no_part_alone_shows_lies_on_the_part_before_it() -> None:
    whole, parts = tokenise(["you really idiot"]), tokenise(["you", "idiot"])

    assert by_part(np.array([[1], [2], [4]], dtype=np.float32), whole, parts).tolist() == [[3], [4]]


def test_a_word_before_all_that_parts_show_lies_on_the_first() -> None:
    whole, parts = tokenise(["really you"]), tokenise(["!", "you"])

    assert by_part(np.array([[1], [2]], dtype=np.float32), whole, parts).sum() == 3


def test_every_label_has_a_column() -> None:
    whole, parts = tokenise(["you idiot"]), tokenise(["you", "idiot"])

    assert by_part(np.array([[1, 2], [3, 4]], dtype=np.float32), whole, parts).tolist() == [[1, 2], [3, 4]]


DISGUISES = st.sampled_from(["i d i o t", "stu pid", "you", "k y s", "!", "f.u.c.k", "youIdiot", "@ss", "a", "(((a)))"])


@settings(deadline=None)
@given(st.text(max_size=40) | st.lists(DISGUISES, max_size=8).map(" ".join), st.integers(0, 2**32 - 1))
def test_nothing_that_words_contribute_is_lost(text: str, seed: int) -> None:
    parts = [text[start:end] for start, end in parts_of(text)]
    assume(parts)
    whole = tokenise([text])
    contributions = np.random.default_rng(seed).normal(size=(len(whole.hashes), 2)).astype(np.float32)

    found = by_part(contributions, whole, tokenise(parts))

    assert found.shape == (len(parts), 2)
    np.testing.assert_allclose(found.sum(axis=0), contributions.sum(axis=0), atol=1e-4)


def test_the_longest_comment_that_the_api_takes_is_laid_out_in_no_time() -> None:
    text = "ha " * 6_800 + "stu pid"
    whole, parts = tokenise([text]), tokenise([text[start:end] for start, end in parts_of(text)])
    start = time.process_time()

    found = by_part(np.ones((len(whole.hashes), 7), dtype=np.float32), whole, parts)

    assert time.process_time() - start < 0.5
    assert found[-2:, 0].tolist() == [0.5, 0.5]


# --- what is underlined


def test_the_strongest_part_is_named_with_its_weight() -> None:
    assert underlined("Well, you are an idiot today", [0, 0.1, 0, 0.1, 3, -1]) == [("idiot", 3)]


def test_offsets_are_those_of_the_text_as_it_was_typed() -> None:
    [span] = spans("😀  «Well», idiot!", [(0, 1), (3, 10), (11, 17)], np.array([0, 0, 2.0]), "insult", 0.15)

    assert span == Span(11, 16, "insult", 2.0)


def test_neighbours_are_joined_with_their_weights_and_what_stands_between() -> None:
    assert underlined("you  stupid,\nstupid man", [0, 2, 3, 0]) == [("stupid,\nstupid", 5)]


def test_parts_that_are_no_neighbours_stay_apart() -> None:
    assert underlined("idiot that you are moron", [2, 0, 0, 0, 3]) == [("idiot", 2), ("moron", 3)]


@pytest.mark.parametrize(
    ("weakest", "expected"),
    [(0.5, [("b", 2), ("d", 4)]), (0.51, [("d", 4)]), (0.25, [("b", 2), ("d e", 5)]), (0.2, [("b", 2), ("d e", 5)])],
)
def test_a_part_far_weaker_than_the_strongest_says_nothing(weakest: float, expected: list[tuple[str, float]]) -> None:
    assert underlined("a b c d e", [0, 2, -9, 4, 1], weakest) == expected


@pytest.mark.parametrize(
    ("typed", "named"),
    [
        ("idiot!", "idiot"),
        ("“idiot”,", "idiot"),
        ("«idiot»", "idiot"),
        ('("idiot")?!', "idiot"),
        ("'idiot'...", "idiot"),
        ("—idiot—", "idiot"),
        ("idiots'", "idiots"),
        ("$hit", "$hit"),
        ("f***", "f***"),
        ("sh!t", "sh!t"),
        ("don't", "don't"),
        ("((you) (fool))", "you) (fool"),
        ("!!!", "!!!"),
        ("😀", "😀"),
    ],
)
def test_punctuation_around_what_is_named_is_left_out(typed: str, named: str) -> None:
    text = f"well {typed} then"
    weights = [0.0, *[1.0] * len(typed.split()), 0.0]

    assert underlined(text, weights) == [(named, sum(weights))]


@pytest.mark.parametrize("weights", [[0, 0], [-1, -2], [np.nan, np.nan]])
def test_where_nothing_speaks_for_the_label_nothing_is_named(weights: list[float]) -> None:
    assert underlined("kind words", weights) == []


def test_of_no_part_nothing_is_named() -> None:
    assert underlined("", []) == []


def test_long_runs_of_punctuation_are_trimmed_in_no_time() -> None:
    text = "!" * 100_000 + "a" + "?" * 100_000 + "b" + "," * 100_000
    start = time.process_time()

    assert underlined(text, [1.0]) == [(text.strip("!,"), 1)]

    assert time.process_time() - start < 2
