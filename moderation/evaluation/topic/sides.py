"""What a comment is compared with: the title that it stands under, the body, the comment that it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from moderation.comment import Article, Comment

PASSAGE_WORDS: Final = 60
_AT_ONCE: Final = 20_000  # pairs of texts, whose dense vectors then take 50 MB


@dataclass(frozen=True, slots=True)
class Sides:
    """Distinct texts, and which of them are compared with each other.

    Attributes
    ----------
    texts : list of str
    owners, left, right : ndarray of int, shape (n_pairs,)
        Number of a comment, of its text, and of a text that it stands under.
    """

    texts: list[str]
    owners: NDArray[np.intp]
    left: NDArray[np.intp]
    right: NDArray[np.intp]

    @classmethod
    def of(cls, comments: Sequence[Comment], body: Callable[[str], list[str]]) -> Sides:
        """Pair each comment with title, body and parent, where there are such.

        Parameters
        ----------
        comments : sequence of Comment
        body : callable
            What an article's text is compared as.
        """
        bodies = {comment.article: body(comment.article.text) for comment in comments if comment.article}
        numbers: dict[str, int] = {}
        pairs = [
            (owner, numbers.setdefault(comment.text, len(numbers)), numbers.setdefault(side, len(numbers)))
            for owner, comment in enumerate(comments)
            for side in _sides(comment, bodies)
        ]
        return cls(list(numbers), *np.array(pairs, dtype=np.intp).reshape(-1, 3).T)

    def best(self, vectors: NDArray[Any] | csr_array, n_comments: int) -> NDArray[np.float64]:
        """Highest cosine of each comment with a side, given unit vectors of the texts; -1 where it has none."""
        best = np.full(n_comments, -1.0)
        for start in range(0, len(self.owners), _AT_ONCE):
            pairs = slice(start, start + _AT_ONCE)
            product = vectors[self.left[pairs]] * vectors[self.right[pairs]]
            np.maximum.at(best, self.owners[pairs], np.asarray(product.sum(axis=1), dtype=np.float64))
        return best


def whole(text: str) -> list[str]:
    """A body as one text."""
    return [text]


def passages(text: str) -> list[str]:
    """A body paragraph by paragraph, long ones cut into runs of `PASSAGE_WORDS` words."""
    return list(chain.from_iterable(_runs(paragraph.split()) for paragraph in text.splitlines()))


def _runs(words: list[str]) -> Iterator[str]:
    return (" ".join(words[start : start + PASSAGE_WORDS]) for start in range(0, len(words), PASSAGE_WORDS))


def _sides(comment: Comment, bodies: Mapping[Article, Sequence[str]]) -> Iterator[str]:
    of_article = (comment.article.title, *bodies[comment.article]) if comment.article else ()
    return (text for text in (*of_article, comment.parent or "") if text.strip())
