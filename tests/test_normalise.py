"""Normalisation: disguises are undone, innocent look-alikes and neighbours in a batch left alone."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.text.normalise import SEPARATOR, normalise

ANY_TEXT = st.text(st.characters(), max_size=40)  # lone surrogates and control characters included


def folded(text: str) -> str:
    """One normalised text, without the separators around it."""
    return normalise([text]).tobytes().decode().strip(SEPARATOR)


@pytest.mark.parametrize(
    "innocent",
    [
        "assessment",
        "rapper",
        "Kung-Fu",
        "Shital",
        "Scunthorpe",
        "3pm",
        "covid19",
        "U.S.A.",
        "@john",
        "$100",
        "4 of 5",
        "e-mail",
        "plan b or c",
        "x and y",
        "1984",
        "don't",
        "9/11",
        "Москва",
        "Ελλάδα",
        "東京",
    ],
)
def test_innocent_texts_are_only_lower_cased(innocent: str) -> None:
    unaccented = {"Ελλάδα": "ελλαδα"}

    assert folded(innocent) == unaccented.get(innocent, innocent.lower())


@pytest.mark.parametrize(
    ("disguised", "meant"),
    [
        ("M0RON", "moron"),
        ("m0ron", "moron"),
        ("l00ser", "looser"),
        ("b@st@rd", "bastard"),
        ("$hit", "shit"),
        ("@ss", "ass"),
        ("i d i o t", "idiot"),
        ("i-d-i-o-t", "idiot"),
        ("i.d.i.o.t", "idiot"),
        ("i_d_i_o_t", "idiot"),
        ("k-y-s", "kys"),
        ("id\u200biot", "idiot"),
        ("i\u00addi\u2060ot", "idiot"),
        ("\u202eidiot\u202c", "idiot"),
        ("ídïôt", "idiot"),
        ("i\u0336d\u0336i\u0336o\u0336t\u0336", "idiot"),
        ("іdіоt", "idiot"),
        ("ѕtuріd", "stupid"),
        ("ＩＤＩＯＴ", "idiot"),
        ("𝒊𝒅𝒊𝒐𝒕", "idiot"),
        ("ⓘⓓⓘⓞⓣ", "idiot"),
        ("you’re", "you're"),
        ("“quoted”", '"quoted"'),
        ("and so on…", "and so on..."),
    ],
)
def test_disguises_are_undone(disguised: str, meant: str) -> None:
    assert folded(disguised) == meant


def test_repeated_letters_come_out_the_same_however_many_there_were() -> None:
    assert folded("stuuuupid") == folded("stuuuuuuuuuuuupid") == "stuupid"
    assert folded("1000000") == "1000000"


def test_a_disguise_inside_a_sentence_leaves_its_neighbours_alone() -> None:
    assert folded("Is he an i d i o t or at 3pm a m0ron?") == "is he an idiot or at 3pm a moron?"


def test_white_space_of_any_kind_becomes_one_blank() -> None:
    assert folded("a \t\r\n b\x00c\u00a0d") == "a b c d"


@pytest.mark.parametrize("link", ["https://example.org/a/m0ron?x=1", "http://x.y", "www.example.org"])
def test_a_link_becomes_one_word(link: str) -> None:
    assert folded(f"see {link} now") == "see httplink now"


def test_a_link_ends_with_its_text() -> None:
    assert normalise(["https://example.org", "next"]).tobytes() == b"\x1e httplink \x1enext\x1e"


@pytest.mark.parametrize("texts", [[], [""], ["", ""], ["a\x1eb"], ["\x1e", "\x1e\x1e"], ["\ud800", "é"]])
def test_there_is_one_separator_more_than_texts(texts: list[str]) -> None:
    assert int((normalise(texts) == ord(SEPARATOR)).sum()) == len(texts) + 1


def test_a_separator_in_a_text_is_a_blank() -> None:
    assert folded("a\x1eb") == "a b"


@given(st.lists(ANY_TEXT, max_size=5))
def test_a_batch_is_its_texts_one_behind_the_other(texts: list[str]) -> None:
    alone = [normalise([text])[:-1] for text in texts]

    together = normalise(texts)

    assert together.tobytes() == np.concatenate([*alone, normalise([])]).tobytes()


@given(ANY_TEXT)
def test_what_comes_out_is_utf8(text: str) -> None:
    assert normalise([text]).tobytes().decode()


@pytest.mark.parametrize(
    "unit", ["a", "é", "ж", "жa", "a\u0301", "a-", "a.", "i ", "aa-b", "a0", "$", "www.", "😀", "\u200b", "\u202e"]
)
def test_half_a_megabyte_of_anything_takes_no_time(unit: str) -> None:
    text = unit * (500_000 // len(unit))
    start = time.process_time()

    normalise([text])

    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("mail john@site.com", "mail john at site.com"),
        ("great!thanks", "great!thanks"),
        ("what a sh!t b!tch", "what a shit bitch"),
        ("you b@stard", "you bastard"),
    ],
)
def test_marks_are_letters_only_where_a_poster_would_put_them(typed: str, read: str) -> None:
    assert normalise([typed]).tobytes().decode().strip(SEPARATOR) == read
