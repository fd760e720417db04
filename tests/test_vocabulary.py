"""What is known of words and pieces is found out once, and is the same whatever came before."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from moderation.text.reader import Reader
from moderation.text.tokens import hash_word, tokenise
from moderation.text.vocabulary import Vocabulary, Words


def spelt(reader: Reader, texts: list[str]) -> list[bytes]:
    """The words of some texts, by way of their numbers."""
    return [reader.vocabulary.numbers.spellings[number] for number in tokenise(texts, reader).numbers.tolist()]


def test_words_are_numbered_in_the_order_in_which_they_come() -> None:
    vocabulary = Vocabulary()

    assert vocabulary.numbers.of([b"to", b"be", b"or", b"not", b"to", b"be"]).tolist() == [0, 1, 2, 3, 0, 1]
    assert vocabulary.words(np.array([2, 0])).spellings == [b"or", b"to"]
    assert len(vocabulary) == 4


def test_each_word_is_described_once() -> None:
    vocabulary, asked = Vocabulary(), []

    def lengths(words: Words) -> NDArray[np.intp]:
        asked.extend(words.spellings)
        return np.array(list(map(len, words.spellings)), dtype=np.intp)

    for text in ([b"a", b"word"], [b"word"], [b"another", b"word", b"a"]):
        numbers = vocabulary.numbers.of(text)
        assert vocabulary.tabulated(lengths)[numbers].tolist() == [len(word) for word in text]

    assert asked == [b"a", b"word", b"another"]


def test_tables_grow_without_a_word_changing_its_row() -> None:
    vocabulary, many = Vocabulary(), [f"word{number}".encode() for number in range(5_000)]

    def values(words: Words) -> NDArray[np.float64]:
        return np.array([[int(word[4:])] for word in words.spellings], dtype=float)

    for start in range(0, 5_000, 700):
        vocabulary.numbers.of(many[start : start + 700])
        vocabulary.tabulated(values)

    assert vocabulary.tabulated(values)[vocabulary.numbers.of(many), 0].tolist() == list(range(5_000))


def test_a_table_asked_for_later_knows_the_earlier_words() -> None:
    reader = Reader()
    tokenise(["one two"], reader)

    assert tokenise(["two three"], reader).hashes.tolist() == [hash_word("two"), hash_word("three")]


def test_a_reader_takes_texts_apart_as_one_that_has_met_nothing() -> None:
    texts = ["You 1diot!", "", "'tis \"nice\", isn't it?", "you're youareanidiot ...", "?!"]
    used = Reader()
    tokenise(texts[::-1] * 3, used)

    assert spelt(used, texts) == spelt(Reader(), texts)
    assert tokenise(texts, used).kinds.tolist() == tokenise(texts).kinds.tolist()
    assert tokenise(texts, used).bounds.tolist() == tokenise(texts).bounds.tolist()


def test_several_threads_may_use_one_reader() -> None:
    texts = [" ".join(f"w{(start * 37 + step) % 3_001}" for step in range(200)) for start in range(400)]
    reader = Reader()

    with ThreadPoolExecutor(8) as pool:
        hashes = list(pool.map(lambda text: tokenise([text], reader).hashes.tolist(), texts))

    assert hashes == [tokenise([text]).hashes.tolist() for text in texts]
    assert len(reader.vocabulary) == 3_001
