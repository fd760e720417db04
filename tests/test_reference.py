"""The arrays of the hot path give what plain Python gives that looks at one word after the other."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from reference import abuse

from moderation import Moderator
from moderation.bundle import Bundle
from moderation.text.features import Featuriser

PIECES = (
    *("you", "You're", "I", "never", "don't", "said", "called", "women", "Muslims", "black", "idiot", "stupid", "kill"),
    *(
        "nice",
        "bus",
        "the",
        "of",
        "well-known",
        "rock'n'roll",
        "o'clock",
        "e-mail",
        "naïve",
        "Москва",
        "東京",
        "ß",
        "İ",
    ),
    *(
        "1diot",
        "id1ot",
        "m0ron",
        "f*ck",
        "sh!t",
        "a$$hole",
        "i d i o t",
        "k.y.s",
        "stu pid",
        "youareanidiot",
        "loooser",
    ),
    *(
        "#StupidIdiot",
        "McDonald",
        "аи",
        "іdіоt",
        "id\u200biot",
        "ÝOÙ",
        "😀",
        "👍🏽",
        "\ud83d",
        "\x00",
        "\x1e",
        "\u2028",
        "Z\u0351",
    ),
    *(
        "http://a.b/c?d=1",
        "www.example.org",
        "HTTPS://X.Y",
        "me@example.org",
        "@john",
        "(((them)))",
        "$100",
        "3pm",
        "'",
    ),
    *(
        '"',
        "“",
        "”",
        "’",
        "'tis",
        "dogs'",
        "!",
        "?!",
        "...",
        ",",
        ";",
        ":",
        "(",
        ")",
        "-",
        "/",
        "*",
        "&",
        "~",
        "´",
        "…",
    ),
    *("x" * 70, "ab'cd'ef", "''", "a", "aa", "aaa", "ii", "\t", "\n", "\u00a0", "\u3000", "0", "42", "1984", "2x", ""),
)
"""What odd texts are made of: cues, disguises, quotations, links, scripts, control characters."""


def odd_texts(count: int, comments: list[str]) -> Iterator[str]:
    """Odd texts, the same ones each time: pieces in a row, real comments with some among them, and noise."""
    chance = random.Random(20261125)
    for _ in range(count):
        kind, length = chance.random(), min(int(chance.expovariate(1 / 7)), 60)
        if kind < 0.6:
            yield "".join(chance.choice(PIECES) + chance.choice(("", " ", " ", " ", "  ")) for _ in range(length))
        elif kind < 0.9:
            words = chance.choice(comments).split(" ")
            at = chance.randrange(len(words) + 1)
            yield " ".join([*words[:at], chance.choice(PIECES), *words[at:]])
        else:
            yield "".join(chr(chance.choice((chance.randrange(128), chance.randrange(0x3000)))) for _ in range(length))


@pytest.fixture(scope="module")
def texts(root: Path) -> list[str]:
    """Ten thousand odd texts."""
    return list(odd_texts(10_000, pd.read_csv(root / "data" / "comments.csv")["text"].tolist()))


def at_once(bundle: Bundle, texts: list[str]) -> NDArray[np.float32]:
    return bundle.abuse.decision_function(Featuriser(bundle.embeddings).transform(texts))


def one_by_one(bundle: Bundle, texts: list[str]) -> NDArray[np.float64]:
    return np.stack([abuse(bundle, text) for text in texts])


def test_arrays_find_what_looking_at_one_word_after_the_other_finds(moderator: Moderator, texts: list[str]) -> None:
    bundle = moderator.bundle

    np.testing.assert_allclose(at_once(bundle, texts), one_by_one(bundle, texts), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("text", ["never say that " * 400, "ab" * 3000])
def test_long_texts_are_off_by_no_more_than_single_precision_sums_are(moderator: Moderator, text: str) -> None:
    bundle = moderator.bundle

    np.testing.assert_allclose(at_once(bundle, [text]), one_by_one(bundle, [text]), rtol=1e-3)
