"""Which words stand in the scope of a negation, a report, a person, a group, quotation marks."""

from __future__ import annotations

import time
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moderation.text.scopes import (
    N_MARKS,
    NEAR_GROUP,
    NEGATED,
    OF_ADDRESSEE,
    OF_SPEAKER,
    REPORTED,
    SCOPES,
    Scope,
    cues_among,
    mark,
)
from moderation.text.tokens import tokenise, words

IN_QUOTES: Final = 1 << len(SCOPES)


def bit(scope: Scope) -> int:
    """The mark of a scope."""
    return 1 << SCOPES.index(scope)


def marked(text: str, which: int) -> str:
    """The words of a text that carry a mark."""
    return " ".join(
        word for word, marks in zip(words(text), tokenise([text]).marks.tolist(), strict=True) if marks & which
    )


# --- cues


@pytest.mark.parametrize("scope", SCOPES, ids=["negated", "reported", "speaker", "addressee", "group"])
def test_every_cue_is_a_word_as_normalisation_leaves_it(scope: Scope) -> None:
    for cue in scope.cues.split():
        assert words(cue) == [cue]
        assert cues_among(tokenise([cue]).hashes)[0] & bit(scope), cue


def test_other_words_are_no_cues() -> None:
    assert cues_among(tokenise(["idiot xyzzy 東京 nott"]).hashes).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("typed", ["Don't", "DON'T", "don’t", "dont", "ｄｏｎ＇ｔ"])
def test_a_cue_counts_however_it_is_typed(typed: str) -> None:
    assert marked(f"{typed} be rude", bit(NEGATED)) == "be rude"


# --- each scope


@pytest.mark.parametrize(
    ("text", "negated"),
    [
        ("I would never call you an idiot.", "call you an idiot"),
        ("You idiot never learn.", "learn"),
        ("You are an idiot.", ""),
        ("No, you idiot.", ""),
        ("Never one two three four five six seven eight", "one two three four five six seven"),
        ("Never not rude", "not rude"),
    ],
)
def test_a_negation_reaches_the_next_seven_words_of_its_clause(text: str, negated: str) -> None:
    assert marked(text, bit(NEGATED)) == negated


@pytest.mark.parametrize("end", list('.!?;:,()"'))
def test_punctuation_ends_a_negation(end: str) -> None:
    assert marked(f"I would never {end} idiot", bit(NEGATED)) == ""


@pytest.mark.parametrize("inside", ["-", "/", "*", "😀", "'"])
def test_other_marks_do_not_end_a_negation(inside: str) -> None:
    assert marked(f"I would never {inside} idiot", bit(NEGATED)).endswith("idiot")


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        ("She said, idiot!", "she idiot"),
        ("Idiot, she said.", "idiot she"),
        ("said one two three four five six", "one two three four five"),
        ("one two three four said", "two three four"),
        ("You are an idiot.", ""),
    ],
)
def test_a_report_reaches_five_words_on_and_three_back_across_commas(text: str, reported: str) -> None:
    assert marked(text, bit(REPORTED)) == reported


@pytest.mark.parametrize(
    ("text", "of_speaker"),
    [
        ("I am such an idiot today", "am such an idiot"),
        ("I know, idiot", "know"),
        ("He is an idiot", ""),
        ("idiot that I am", "am"),
    ],
)
def test_a_speaker_is_meant_by_the_four_words_that_follow(text: str, of_speaker: str) -> None:
    assert marked(text, bit(OF_SPEAKER)) == of_speaker


@pytest.mark.parametrize(
    ("text", "of_addressee"),
    [
        ("one two three four you five six seven eight", "two three four five six seven"),
        ("idiot, you lot", "lot"),
        ("They are idiots", ""),
    ],
)
def test_an_addressee_is_meant_by_three_words_on_either_side(text: str, of_addressee: str) -> None:
    assert marked(text, bit(OF_ADDRESSEE)) == of_addressee


@pytest.mark.parametrize(
    ("text", "near_group"),
    [
        ("All MUSLIMS are vermin", "all are vermin"),
        ("one two three four five women six seven eight nine ten", "two three four five six seven eight nine"),
        ("Muslims pray, vermin", "pray"),
        ("They are vermin", ""),
        ("Black women", "black women"),
    ],
)
def test_a_group_is_near_within_four_words_on_either_side(text: str, near_group: str) -> None:
    assert marked(text, bit(NEAR_GROUP)) == near_group


def test_a_word_may_stand_in_all_scopes_at_once() -> None:
    text = '"I never called you gay idiot"'

    assert tokenise([text]).marks[-1] == (1 << N_MARKS) - 1 - bit(OF_SPEAKER)
    assert tokenise([text.replace("gay ", "")]).marks[-1] == (1 << N_MARKS) - 1 - bit(NEAR_GROUP)


def test_no_scope_reaches_into_another_text() -> None:
    batch = tokenise(['I never said you gay "', "idiot", '" you said gay'])

    assert batch.part(1, 2).marks.tolist() == [0]


# --- quotation marks


@pytest.mark.parametrize(
    "text",
    [
        'They wrote "you idiot" here',
        "They wrote 'you idiot' here",
        "They wrote “you idiot” here",
        "They wrote ‘you idiot’ here",
        "They wrote „you idiot“ here",
        "They wrote «you idiot» here",
        'They wrote"you idiot"here',
        "They wrote ('you idiot.') here",
    ],
)
def test_words_between_quotation_marks_are_quoted(text: str) -> None:
    assert marked(text, IN_QUOTES) == "you idiot"


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ('"one" two "three four" five', "one three four"),
        ('They wrote "you idiot', ""),
        ('They wrote you idiot"', ""),
        ('"one" two "three', "one"),
        ('"" one', ""),
        ("\"don't\" won't", "don't"),
    ],
)
def test_a_quotation_that_is_not_closed_marks_nothing(text: str, quoted: str) -> None:
    assert marked(text, IN_QUOTES) == quoted


@pytest.mark.parametrize("text", ["I don't think you're right, it's odd", "don’t won’t", "rock'n'roll y'all", "it's"])
def test_an_apostrophe_inside_a_word_is_no_quotation_mark(text: str) -> None:
    assert marked(text, IN_QUOTES) == ""


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("The students' books are the teachers' own", ""),
        ("The students' books are 'great' ones", "great"),
        ('The students\' books are "great" ones', "great"),
    ],
)
def test_the_apostrophe_behind_a_plural_opens_no_quotation(text: str, quoted: str) -> None:
    assert marked(text, IN_QUOTES) == quoted


def test_a_quotation_inside_a_quotation_is_quoted() -> None:
    assert marked("She wrote \"he shouted 'you idiot' twice\" here", IN_QUOTES) == "he shouted you idiot twice"


# --- any text


def looked_up(tokens: list[str]) -> list[int]:
    """The marks of words and punctuation, found by looking around each word."""
    marks = []
    places = [at for at, token in enumerate(tokens) if token.isalpha()]
    for number, at in enumerate(places):
        found = 0
        for scope in SCOPES:
            near = [*places[max(number - scope.before, 0) : number], *places[number + 1 : number + 1 + scope.after]]
            if scope.in_clause:
                near = [cue for cue in near if all(token.isalpha() for token in tokens[min(cue, at) : max(cue, at)])]
            found |= bit(scope) * any(tokens[cue] in scope.cues.split() for cue in near)
        behind = tokens[:at].count('"')
        found |= IN_QUOTES * (behind % 2 == 1 and behind < tokens.count('"'))
        marks.append(found)
    return marks


@settings(deadline=None)
@given(st.lists(st.sampled_from(["never", "said", "my", "you", "women", "idiot", "tree", ",", '"']), max_size=30))
def test_marks_are_what_looking_around_each_word_finds(tokens: list[str]) -> None:
    assert tokenise([" ".join(tokens)]).marks.tolist() == looked_up(tokens)


@pytest.mark.parametrize("unit", ["a", '"', "'", '"a" ', "' a", "not you ", "a,", "you ", "said idiot "])
def test_half_a_megabyte_of_anything_is_marked_in_no_time(unit: str) -> None:
    batch = tokenise([unit * (500_000 // len(unit))])
    start = time.process_time()

    mark(batch)

    assert time.process_time() - start < 1
