"""Hashed n-grams, held against scikit-learn's own vectorisers."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from moderation.text.ngrams import NgramTfidf
from moderation.text.normalise import normalise
from moderation.text.scopes import NEGATED, QUOTED, SCOPES, Scope
from moderation.text.tokens import TokenBatch, tokenise

ODD_TEXTS = ["", " ", "a", "ab", "!", "\x1e", "\ud800", "😀", "a\x00b", "abc def", "x" * 200, "i d i o t", "'a' \"b\""]
SCOPED_TEXTS = ["I never said you are an idiot.", 'He wrote "you idiot"', "You idiot!", "All women, you say?"]
PUNCTUATED_TEXTS = [
    "Idiot!!1",
    "well... no?!",
    "! ? who, (me) -- 'them'",
    "so *you* say ;)",
    "it's; its' ,",
    "?!",
    "a!b?c",
]
WORD = re.compile(r"(?:[a-z0-9]|(?<=[a-z0-9])'(?=[a-z0-9]))+")


@pytest.fixture(scope="module")
def texts(root: Path) -> list[str]:
    """ASCII comments of the sample, normalised already."""
    comments = pd.read_csv(root / "data" / "comments.csv")["text"].head(150)
    return [text for text in normalise(comments.tolist()) if text.isascii()]


def counts(batch: TokenBatch, block: int) -> csr_matrix:
    """How often each n-gram occurs in each text; block 0 holds words, block 1 characters."""
    columns, indptr = NgramTfidf(word_bits=29, char_bits=30).hash(batch)
    rows = np.repeat(np.arange(2 * len(batch)), np.diff(indptr))
    chosen = rows % 2 == block
    names, numbers = np.unique(columns[chosen], return_inverse=True)
    matrix = csr_matrix((np.ones(len(numbers)), (rows[chosen] // 2, numbers)), shape=(len(batch), len(names)))
    matrix.sum_duplicates()
    return matrix


def common(matrix: csr_matrix) -> NDArray[np.float64]:
    """How many n-grams each two texts have in common, which does not depend on the order of columns."""
    return np.asarray((matrix @ matrix.T).toarray())


def fitted(texts: list[str], **parameters: Any) -> tuple[NgramTfidf, NDArray[np.float32]]:
    """Small blocks that know some texts, and a table of three random weights for each column."""
    ngrams = NgramTfidf(word_bits=12, char_bits=12).set_params(**parameters).fit(texts)
    weights = np.random.default_rng(0).normal(size=(ngrams.n_columns, 3))
    return ngrams, ngrams.folded(weights)


def projected(ngrams: NgramTfidf, batch: TokenBatch, table: NDArray[np.float32]) -> NDArray[np.float32]:
    """`NgramTfidf.project` with the windows of the batch's words."""
    return ngrams.project(batch, table, batch.vocabulary.tabulated(partial(ngrams.windows, table=table)))


def contributed(ngrams: NgramTfidf, batch: TokenBatch, table: NDArray[np.float32]) -> NDArray[np.float32]:
    """`NgramTfidf.contributions` with the windows of the batch's words."""
    return ngrams.contributions(batch, table, batch.vocabulary.tabulated(partial(ngrams.windows, table=table)))


def summed(by_word: NDArray[np.float32], batch: TokenBatch) -> NDArray[np.float64]:
    """What the words of each text contribute together."""
    ends = np.vstack([np.zeros(by_word.shape[1]), np.cumsum(by_word, axis=0, dtype=np.float64)])
    return np.diff(ends[batch.indptr], axis=0)


# --- which n-grams there are


def bare(text: str) -> str:
    """A normalised text without its punctuation."""
    return re.sub(r"[^a-z0-9']|(?<![a-z0-9])'|'(?![a-z0-9])", " ", text)


def unmarked(batch: TokenBatch) -> TokenBatch:
    """The same words, in no scope."""
    copy = replace(batch)
    vars(copy)["marks"] = np.zeros_like(batch.marks)
    return copy


def test_words_and_pairs_are_those_of_scikit_learn_where_there_is_no_punctuation(texts: list[str]) -> None:
    reference = CountVectorizer(ngram_range=(1, 2), token_pattern=WORD.pattern)
    unpunctuated = [bare(text) for text in texts]
    batch = tokenise(unpunctuated)
    not_negated = unmarked(batch)

    np.testing.assert_array_equal(common(counts(not_negated, 0)), common(reference.fit_transform(unpunctuated)))


def read_one_by_one(text: str) -> Iterator[str]:
    """What is counted of a text's words, found by looking at one after the other."""
    (normalised,) = normalise([text])
    found = list(WORD.finditer(normalised))
    ends = [*(word.start() for word in found), len(normalised)][1:]
    yield from (word[0] for word in found)
    yield from (f"{first[0]} {second[0]}" for first, second in pairwise(found))
    for word, end, marks in zip(found, ends, tokenise([text]).marks.tolist(), strict=True):
        yield from (f"{word[0]} in {bit}" for bit in (SCOPES.index(NEGATED), QUOTED) if marks >> bit & 1)
        if runs := normalised[word.end() : end].split():
            yield from (runs[-1], f"{word[0]} before {runs[-1]}")


def test_a_word_brings_itself_its_pair_its_scopes_and_its_punctuation(texts: list[str]) -> None:
    reference = CountVectorizer(analyzer=read_one_by_one)
    read = [*texts, *SCOPED_TEXTS, *PUNCTUATED_TEXTS]

    np.testing.assert_array_equal(common(counts(tokenise(read), 0)), common(reference.fit_transform(read)))


TOKENS = ["you", "idiot", "never", "it's", "!", "?!", "...", "'", '"', ",", "-", " ", " ", " "]
ANY_PUNCTUATION = st.lists(st.sampled_from(TOKENS), max_size=12).map("".join)


@settings(deadline=None)
@given(st.lists(ANY_PUNCTUATION, min_size=1, max_size=5))
def test_words_bring_these_amid_punctuation_of_any_kind(odd: list[str]) -> None:
    reference = CountVectorizer(analyzer=read_one_by_one).fit(["no text is without a word", *odd])

    np.testing.assert_array_equal(common(counts(tokenise(odd), 0)), common(reference.transform(odd)))


def test_a_word_in_a_scope_is_another_one_than_outside() -> None:
    alone, negated, quoted = counts(tokenise(["idiot", "never idiot", '"idiot"']), 0).toarray()

    assert [row.sum() for row in (alone, negated, quoted)] == [1, 4, 4]
    assert alone @ negated == alone @ quoted == negated @ quoted == 1


@pytest.mark.parametrize("scope", [scope for scope in SCOPES if scope is not NEGATED])
def test_a_word_in_another_scope_is_the_same_as_outside(scope: Scope) -> None:
    cue = scope.cues.split()[0]
    batch = tokenise([f"{cue} idiot"])
    outside = unmarked(batch)
    assert batch.marks[1] == 1 << SCOPES.index(scope)

    np.testing.assert_array_equal(NgramTfidf().hash(batch)[0], NgramTfidf().hash(outside)[0])


# --- punctuation


@pytest.mark.parametrize(
    ("text", "same"),
    [("idiot !", "idiot!"), ("idiot , ... !", "idiot!"), ("!! idiot!", "idiot!"), ("... idiot", "idiot")],
    ids=["behind a blank", "the last of several", "not the one before the first word", "none but that"],
)
def test_the_last_run_of_punctuation_behind_a_word_counts(text: str, same: str) -> None:
    typed, expected = counts(tokenise([text, same]), 0).toarray()

    np.testing.assert_array_equal(typed, expected)


@pytest.mark.parametrize(
    ("text", "other", "shared"),
    [
        ("idiot!", "idiot!", ["the word", "the run", "both together"]),
        ("idiot!", "idiot", ["the word"]),
        ("idiot!", "idiot!!", ["the word"]),
        ("idiot!?", "idiot?!", ["the word"]),
        ("idiot!", "fool!", ["the run"]),
        ("idiot!", "! idiot", ["the word"]),
        ("idiot!", "! fool", []),
        ("idiot it's", "idiot its", ["the word"]),
    ],
)
def test_punctuation_counts_alone_and_with_its_word(text: str, other: str, shared: list[str]) -> None:
    first, second = counts(tokenise([text, other]), 0).toarray()

    assert first @ second == len(shared)


def test_punctuation_belongs_to_no_word_of_another_text() -> None:
    found = counts(tokenise(["idiot", "! ?!", "... fool", ""]), 0)

    assert found.sum(axis=1).ravel().tolist() == [[1, 0, 1, 0]]


def test_punctuation_between_two_words_leaves_them_a_pair() -> None:
    apart, together = counts(tokenise(["you, idiot", "you idiot"]), 0).toarray()

    assert apart @ together == together.sum() == 3


# --- characters


def test_character_windows_are_those_of_scikit_learn_where_punctuation_is_blank(texts: list[str]) -> None:
    reference = CountVectorizer(analyzer="char_wb", ngram_range=(2, 5))
    blanked = [bare(text) for text in texts]

    np.testing.assert_array_equal(common(counts(tokenise(texts), 1)), common(reference.fit_transform(blanked)))


@pytest.mark.parametrize("text", ["you-idiot", "(you) ... idiot!", '"you/idiot"', " you \n idiot", "'you' 'idiot'"])
def test_what_stands_between_words_changes_no_window(text: str) -> None:
    plain, typed = counts(tokenise(["you idiot", text]), 1).toarray()

    np.testing.assert_array_equal(typed, plain)


def test_a_window_never_spans_two_words() -> None:
    apart = counts(tokenise(["abcd", "efgh", "abcd-efgh"]), 1).toarray()

    np.testing.assert_array_equal(apart[0] + apart[1], apart[2])


def test_a_window_never_spans_two_texts() -> None:
    apart = counts(tokenise(["abcd", "efgh"]), 1)

    np.testing.assert_array_equal(common(apart), np.diag(np.full(2, 5 + 4 + 3 + 2)))


def test_words_and_characters_have_columns_of_their_own() -> None:
    ngrams = NgramTfidf(word_bits=8, char_bits=9)
    columns, indptr = ngrams.hash(tokenise(["some words here"]))

    assert (columns[: indptr[1]] < 256).all()
    assert (columns[indptr[1] :] >= 256).all()
    assert columns.max() < ngrams.n_columns == 256 + 512


# --- what they weigh


def test_rarity_is_that_of_scikit_learn() -> None:
    texts = ["red fish", "blue fish", "old fish", "fish"]
    reference = TfidfVectorizer(ngram_range=(1, 2)).fit(texts)
    ngrams = NgramTfidf(word_bits=20).fit(texts)
    columns, indptr = ngrams.hash(tokenise(["red", "fish"]))

    red, fish = (ngrams.idf_[columns[indptr[2 * at]]] for at in range(2))

    assert red == pytest.approx(reference.idf_[reference.vocabulary_["red"]])
    assert fish == pytest.approx(1)


def test_each_block_of_a_row_has_length_1_where_no_ngram_occurs_twice() -> None:
    ngrams = NgramTfidf(word_bits=20, char_bits=20).fit(["quick brown foxes"])

    row = ngrams.transform(["brown foxes"]).toarray()[0]

    assert np.linalg.norm(row[: 1 << 20]) == pytest.approx(1)
    assert np.linalg.norm(row[1 << 20 :]) == pytest.approx(1)


def test_projecting_is_transforming_and_multiplying(texts: list[str]) -> None:
    texts = [*texts, *SCOPED_TEXTS, *PUNCTUATED_TEXTS]
    ngrams = NgramTfidf(word_bits=12, char_bits=12).fit(texts)
    coefficients = np.random.default_rng(0).normal(size=(ngrams.n_columns, 3)).astype(np.float32)

    rows = projected(ngrams, tokenise(texts), ngrams.folded(coefficients))

    np.testing.assert_allclose(rows, ngrams.transform(texts) @ coefficients, rtol=1e-4, atol=1e-4)


def test_texts_without_ngrams_are_rows_of_zeros() -> None:
    ngrams = NgramTfidf(word_bits=10, char_bits=10).fit(ODD_TEXTS)
    table = ngrams.folded(np.ones((ngrams.n_columns, 1), dtype=np.float32))

    assert ngrams.transform([""]).nnz == 0
    assert projected(ngrams, tokenise([""]), table).tolist() == [[0]]
    assert ngrams.transform([]).shape == (0, ngrams.n_columns)
    assert projected(ngrams, tokenise([]), table).shape == (0, 1)


def test_odd_texts_give_finite_numbers() -> None:
    ngrams = NgramTfidf(word_bits=10, char_bits=10).fit(ODD_TEXTS)
    table = ngrams.folded(np.ones((ngrams.n_columns, 1), dtype=np.float32))

    assert np.isfinite(ngrams.transform(ODD_TEXTS).data).all()
    assert np.isfinite(projected(ngrams, tokenise(ODD_TEXTS), table)).all()


def test_a_large_batch_is_worked_off_in_parts_that_do_not_show(texts: list[str]) -> None:
    many = (texts * 40)[:4200]
    ngrams = NgramTfidf(word_bits=10, char_bits=10).fit(many)

    rows = ngrams.transform(many)

    assert rows.shape[0] == 4200
    last = ngrams.transform(many[-1:])
    np.testing.assert_array_equal(rows[-1].indices, last.indices)
    np.testing.assert_array_equal(rows[-1].data, last.data)


def test_transforming_comes_after_fitting() -> None:
    with pytest.raises(NotFittedError):
        NgramTfidf().transform(["text"])


# --- what each word contributes


def test_contributions_sum_up_to_the_projection(texts: list[str]) -> None:
    read = [*texts, *ODD_TEXTS, *SCOPED_TEXTS, *PUNCTUATED_TEXTS]
    ngrams, table = fitted(read)
    batch = tokenise(read)

    by_word = contributed(ngrams, batch, table)

    assert by_word.shape == (len(batch.hashes), 3)
    np.testing.assert_allclose(summed(by_word, batch), projected(ngrams, batch, table), atol=1e-4)


KNOWN = fitted([*SCOPED_TEXTS, *PUNCTUATED_TEXTS])
ANY_TEXT = st.text(max_size=30) | st.sampled_from([*ODD_TEXTS, *SCOPED_TEXTS, *PUNCTUATED_TEXTS]) | ANY_PUNCTUATION


@settings(deadline=None)
@given(st.lists(ANY_TEXT, max_size=5))
def test_contributions_sum_up_whatever_the_texts(odd: list[str]) -> None:
    ngrams, table = KNOWN
    batch = tokenise(odd)

    by_word = contributed(ngrams, batch, table)

    np.testing.assert_allclose(summed(by_word, batch), projected(ngrams, batch, table), atol=1e-4)


def test_a_word_too_short_for_any_window_contributes_nothing_by_them() -> None:
    ngrams, table = fitted(["a word"], char_sizes=(5,))
    batch = tokenise(["a"])

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        by_word = contributed(ngrams, batch, table)

    np.testing.assert_allclose(summed(by_word, batch), projected(ngrams, batch, table), atol=1e-4)


def only(block: int, batch: TokenBatch, ngrams: NgramTfidf) -> NDArray[np.float32]:
    """A table in which nothing weighs but one block's columns of a batch's first text."""
    columns, indptr = ngrams.hash(batch)
    coefficients = np.zeros((ngrams.n_columns, 1))
    coefficients[columns[indptr[block] : indptr[block + 1]]] = 1
    return ngrams.folded(coefficients)


def test_a_pair_is_shared_by_its_words() -> None:
    ngrams = NgramTfidf(word_bits=18, char_bits=8).fit(["red fish"])
    both, alone = (only(0, tokenise([text]), ngrams) for text in ("red fish", "red"))
    fish = only(0, tokenise(["fish"]), ngrams)
    of_the_pair = both - alone - fish
    of_the_pair[:, -1] = both[:, -1]

    by_word = contributed(ngrams, tokenise(["the red fish swims"]), of_the_pair)[:, 0]

    assert by_word[0] == by_word[3] == 0
    assert by_word[1] == by_word[2] > 0


def test_punctuation_is_part_of_the_word_before_it() -> None:
    ngrams = NgramTfidf(word_bits=18, char_bits=8).fit(["idiot!"])
    marks = only(0, tokenise(["idiot!"]), ngrams) - only(0, tokenise(["idiot"]), ngrams)
    marks[:, -1] = 1

    by_word = contributed(ngrams, tokenise(["! an idiot! again ! really"]), marks)[:, 0]

    assert by_word[0] == by_word[3] == 0 < by_word[2] < by_word[1]


def test_windows_of_a_word_are_its_own() -> None:
    ngrams = NgramTfidf(word_bits=8, char_bits=18).fit(["an idiot"])

    by_word = contributed(ngrams, tokenise(["hmm: my 'idiot' !"]), only(1, tokenise(["idiot"]), ngrams))[:, 0]

    assert by_word[0] == by_word[1] == 0 < by_word[2]


def test_no_word_contributes_nothing() -> None:
    ngrams, table = KNOWN

    assert contributed(ngrams, tokenise([]), table).shape == (0, 3)
    assert contributed(ngrams, tokenise(["", "!"]), table).shape == (0, 3)
