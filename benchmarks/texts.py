"""What is scored: the repository's own comments, and as many more as are wanted, no two of them equal."""

from __future__ import annotations

import csv
import random
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from moderation import Article, Comment

ROOT: Final = Path(__file__).parent.parent
_SENTENCE_ENDS: Final = re.compile(r"(?<=[.!?])\s+")


def sample() -> list[Comment]:
    """The repository's own comments under their articles."""
    with (ROOT / "data" / "articles.csv").open(encoding="utf-8", newline="") as file:
        articles = {row["id"]: Article(row["title"], row["text"]) for row in csv.DictReader(file)}
    with (ROOT / "data" / "comments.csv").open(encoding="utf-8", newline="") as file:
        return [Comment(row["text"], articles[row["article_id"]]) for row in csv.DictReader(file)]


def distinct(count: int) -> list[Comment]:
    """So many comments, each of as many sentences as one of the sample has, drawn from all of its sentences.

    In two of five a word is put together from the halves of two others: as in a site's stream, one word in fifty or so
    has not been seen before.
    """
    return list(islice(_drawn(sample()), count))


def _drawn(comments: list[Comment]) -> Iterator[Comment]:
    split = [(comment.article, _SENTENCE_ENDS.split(comment.text)) for comment in comments]
    sentences = [sentence for _, found in split for sentence in found]
    vocabulary = sorted({word for sentence in sentences for word in sentence.split() if word.isalpha()})
    generator, seen = random.Random(0), set[str]()
    while True:
        article, found = generator.choice(split)
        words = " ".join(generator.choices(sentences, k=len(found))).split()
        if generator.random() < 0.4:
            left, right = generator.choices(vocabulary, k=2)
            words[generator.randrange(len(words))] = left[: len(left) // 2] + right[len(right) // 2 :]
        text = " ".join(words)
        if text not in seen:
            seen.add(text)
            yield Comment(text, article)
