"""Hashed n-grams, held against scikit-learn's own vectorisers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from moderation.text.ngrams import NgramTfidf
from moderation.text.normalise import SEPARATOR, normalise
from moderation.text.tokens import tokenise

ODD_TEXTS = ["", " ", "a", "ab", "!", "\x1e", "\ud800", "😀", "a\x00b", "abc def", "x" * 200]


@pytest.fixture(scope="module")
def texts(root: Path) -> list[str]:
    """ASCII comments of the sample, normalised already."""
    comments = pd.read_csv(root / "data" / "comments.csv")["text"].head(150)
    normalised = (normalise([text]).tobytes().decode().strip(SEPARATOR) for text in comments)
    return [text for text in normalised if text.isascii()]


def counts(texts: list[str], block: int) -> csr_matrix:
    """How often each n-gram occurs in each text; block 0 holds words, block 1 characters."""
    columns, indptr = NgramTfidf(word_bits=26, char_bits=26).hash(tokenise(texts))
    rows = np.repeat(np.arange(2 * len(texts)), np.diff(indptr))
    chosen = rows % 2 == block
    names, numbers = np.unique(columns[chosen], return_inverse=True)
    matrix = csr_matrix((np.ones(len(numbers)), (rows[chosen] // 2, numbers)), shape=(len(texts), len(names)))
    matrix.sum_duplicates()
    return matrix


def common(matrix: csr_matrix) -> NDArray[np.float64]:
    """How many n-grams each two texts have in common, which does not depend on the order of columns."""
    return np.asarray((matrix @ matrix.T).toarray())


def test_words_and_pairs_are_those_of_scikit_learn(texts: list[str]) -> None:
    reference = CountVectorizer(ngram_range=(1, 2), token_pattern=r"(?:[a-z0-9]|(?<=[a-z0-9])'(?=[a-z0-9]))+")

    np.testing.assert_array_equal(common(counts(texts, 0)), common(reference.fit_transform(texts)))


def test_character_windows_are_those_of_scikit_learn(texts: list[str]) -> None:
    reference = CountVectorizer(analyzer="char_wb", ngram_range=(2, 5))

    np.testing.assert_array_equal(common(counts(texts, 1)), common(reference.fit_transform(texts)))


def test_a_window_never_spans_two_texts() -> None:
    apart = counts(["abcd", "efgh"], 1)

    np.testing.assert_array_equal(common(apart), np.diag(np.full(2, 5 + 4 + 3 + 2)))


def test_words_and_characters_have_columns_of_their_own() -> None:
    ngrams = NgramTfidf(word_bits=8, char_bits=9)
    columns, indptr = ngrams.hash(tokenise(["some words here"]))

    assert (columns[: indptr[1]] < 256).all()
    assert (columns[indptr[1] :] >= 256).all()
    assert columns.max() < ngrams.n_columns == 256 + 512


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
    ngrams = NgramTfidf(word_bits=12, char_bits=12).fit(texts)
    coefficients = np.random.default_rng(0).normal(size=(ngrams.n_columns, 3)).astype(np.float32)

    projected = ngrams.project(tokenise(texts), ngrams.folded(coefficients))

    np.testing.assert_allclose(projected, ngrams.transform(texts) @ coefficients, rtol=1e-4, atol=1e-4)


def test_texts_without_ngrams_are_rows_of_zeros() -> None:
    ngrams = NgramTfidf(word_bits=10, char_bits=10).fit(ODD_TEXTS)
    table = ngrams.folded(np.ones((ngrams.n_columns, 1), dtype=np.float32))

    assert ngrams.transform([""]).nnz == 0
    assert ngrams.project(tokenise([""]), table).tolist() == [[0]]
    assert ngrams.transform([]).shape == (0, ngrams.n_columns)
    assert ngrams.project(tokenise([]), table).shape == (0, 1)


def test_odd_texts_give_finite_numbers() -> None:
    ngrams = NgramTfidf(word_bits=10, char_bits=10).fit(ODD_TEXTS)
    table = ngrams.folded(np.ones((ngrams.n_columns, 1), dtype=np.float32))

    assert np.isfinite(ngrams.transform(ODD_TEXTS).data).all()
    assert np.isfinite(ngrams.project(tokenise(ODD_TEXTS), table)).all()


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
