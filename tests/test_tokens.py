"""Words of a batch and their hashes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.text.tokens import hash_word, tokenise, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't panic, it's 3pm!", ["don't", "panic", "it's", "3pm"]),
        ("'quoted' rock'n'roll '", ["quoted", "rock'n'roll"]),
        ("Kung-Fu", ["kung", "fu"]),
        ("naïve Москва 東京", ["naive", "москва", "東京"]),
        ("m0ron", ["moron"]),
        ("... !?", []),
        ("", []),
    ],
)
def test_words_are_runs_of_letters_and_figures_with_apostrophes_inside(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_words_are_what_is_hashed() -> None:
    text = "You're late; the 9 o'clock train left."

    assert tokenise([text]).hashes.tolist() == [hash_word(word) for word in words(text)]


def test_each_text_has_its_own_words() -> None:
    batch = tokenise(["one two", "", "three", "  "])

    assert len(batch) == 4
    assert batch.counts.tolist() == [2, 0, 1, 0]
    assert batch.hashes.tolist() == [hash_word(word) for word in ("one", "two", "three")]


def test_what_is_no_word_is_a_run_of_punctuation() -> None:
    batch = tokenise(["Don't 'shout', é!", "?! ..."])

    atoms = [batch.vocabulary.numbers.spellings[number] for number in batch.atoms.tolist()]

    assert atoms == [b"don't", b"'", b"shout", b"',", b"e", b"!", b"?!", b"..."]
    assert batch.places.tolist() == [0, 2, 4]
    assert batch.bounds.tolist() == [0, 6, 8]


def test_every_word_has_a_mark() -> None:
    batch = tokenise(["I never said that.", "", "idiot"])

    assert len(batch.marks) == len(batch.hashes) == 5
    assert batch.marks[-1] == 0 < batch.marks[-2]


def test_an_empty_batch_has_no_words() -> None:
    batch = tokenise([])

    assert len(batch) == 0
    assert batch.counts.tolist() == []
    assert batch.hashes.tolist() == []
    assert batch.marks.tolist() == []


ODD = st.text(max_size=30) | st.text("ab\"'., \x1e!", max_size=30)
SCOPED = st.lists(st.sampled_from(["never", "said", "you", '"', "'", "women", ",", "idiot"]), max_size=10).map(" ".join)


@given(st.lists(ODD | SCOPED, min_size=1, max_size=6), st.data())
def test_a_part_of_a_batch_is_the_batch_of_its_texts(texts: list[str], data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(texts)))
    stop = data.draw(st.integers(start, len(texts)))

    part, made = tokenise(texts).part(start, stop), tokenise(texts[start:stop])

    assert part.bounds.tolist() == made.bounds.tolist()
    assert part.hashes.tolist() == made.hashes.tolist()
    assert part.indptr.tolist() == made.indptr.tolist()
    assert part.kinds.tolist() == made.kinds.tolist()
    assert part.marks.tolist() == made.marks.tolist()


def test_different_words_have_different_hashes() -> None:
    distinct = [f"{start}{number}" for start in ("word", "drow", "x") for number in range(20_000)]

    assert len(np.unique(tokenise([" ".join(distinct)]).hashes)) == len(distinct)


def test_the_order_of_letters_matters() -> None:
    assert hash_word("listen") != hash_word("silent")


def test_very_long_words_are_told_apart() -> None:
    assert hash_word("ab" * 200) != hash_word("ab" * 200 + "c")


def test_only_one_word_can_be_hashed_as_a_word() -> None:
    with pytest.raises(ValueError, match="too many values"):
        hash_word("two words")
