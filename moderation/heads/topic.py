"""The topic head: does a comment belong under its article, or behind the comment that it answers?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from moderation.comment import Article
from moderation.heads.network import SmallNetwork
from moderation.text.features import Featuriser, TextFeatures
from moderation.text.hashing import hash_list, mix

PASSAGE_WORDS: Final = 60
FEATURE_NAMES: Final = (
    "has_article",
    "has_parent",
    "similarity_title",
    "similarity_article",
    "similarity_passage",
    "overlap_article",
    "similarity_parent",
    "overlap_parent",
    "similarity_best",
    "overlap_best",
    "log_words",
    "mean_rarity",
    "meta_share",
    "has_link",
    "second_person_share",
)
_META_WORDS: Final = (
    "moderator moderators moderation mod mods admin admins comment comments commenting commenter deleted removed "
    "downvote downvotes downvoted upvote upvotes upvoted thumbs votes website site login logged password account "
    "username profile paywall subscription subscriber subscribe font layout page app ads adverts popups captcha button "
    "unsubscribe banned censored censorship spam bots newsletter cookies reload browser"
)
_COMMON: Final = 3.0  # rarity of a word that stands in one text of twenty
_SECOND_PERSON: Final = "you your yours you're youre u ur yourself you've you'll"


@dataclass(frozen=True, slots=True)
class ArticleFeatures:
    """What is kept of an article.

    Attributes
    ----------
    vectors : ndarray of float32, shape (2 + n_passages, n_dimensions)
        Unit embeddings of the title, of title and body together, and of the body's passages.
    words : ndarray of uint64
        Distinct word hashes, ascending.
    """

    vectors: NDArray[np.float32]
    words: NDArray[np.uint64]

    @classmethod
    def of(cls, article: Article, featuriser: Featuriser) -> ArticleFeatures:
        """Compute the features of one article."""
        texts = featuriser.transform([article.title, f"{article.title}\n{article.text}", *_passages(article.text)])
        return cls(texts.vectors, np.unique(texts.tokens.hashes))


def _passages(text: str) -> list[str]:
    """Cut a body into runs of about `PASSAGE_WORDS` words."""
    words = text.split()
    return [" ".join(words[start : start + PASSAGE_WORDS]) for start in range(0, len(words), PASSAGE_WORDS)]


def pair_features(
    comments: TextFeatures,
    articles: Sequence[ArticleFeatures],
    article_of: NDArray[np.intp],
    parents: TextFeatures,
) -> NDArray[np.float32]:
    """Compare comments with what they were written under.

    Parameters
    ----------
    comments : TextFeatures
        n texts.
    articles : sequence of ArticleFeatures
        The distinct articles of the batch.
    article_of : ndarray of int, shape (n,)
        Number of each comment's article, -1 for none.
    parents : TextFeatures
        n texts; empty where a comment answers none.

    Returns
    -------
    ndarray of float32, shape (n, len(FEATURE_NAMES))
        Similarities are cosines, overlaps the share of the comment's words, weighted by rarity, that stand on the
        other side; both are 0 where there is no other side.
    """
    table = _article_columns(comments, articles, article_of)
    table["has_parent"] = (parents.tokens.counts > 0).astype(np.float32)
    table["similarity_parent"] = np.einsum("ij,ij->i", comments.vectors, parents.vectors)
    table["overlap_parent"] = _parent_overlap(comments, parents)
    table["similarity_best"] = np.maximum.reduce(
        [
            table["similarity_title"],
            table["similarity_article"],
            table["similarity_passage"],
            table["similarity_parent"],
        ]
    )
    table["overlap_best"] = np.maximum(table["overlap_article"], table["overlap_parent"])
    table.update(_own_columns(comments))
    return np.column_stack([table[name] for name in FEATURE_NAMES]).astype(np.float32)


def unanswered(parts: TextFeatures, article: ArticleFeatures | None, parent: TextFeatures) -> NDArray[np.float32]:
    """Say how far each part of a comment stands alone: with words that neither article nor parent answers.

    That a comment is off topic is a matter of all its words, so leaving out one of them tells little.

    Parameters
    ----------
    parts : TextFeatures
        n parts of one comment.
    article : ArticleFeatures or None
    parent : TextFeatures
        One text, empty where there is no parent.

    Returns
    -------
    ndarray of float32, shape (n,)
        Rarity of a part's unanswered words times one minus its similarity to what is closest in article or parent;
        0 for common words. Words about the site itself count twice.
    """
    hashes = parts.tokens.hashes
    answered = np.concatenate([parent.tokens.hashes, article.words if article is not None else hashes[:0]])
    sides = np.concatenate([parent.vectors, article.vectors if article is not None else parent.vectors[:0]])
    counts = ~np.isin(hashes, answered) & (parts.rarity >= _COMMON)
    weights = parts.rarity * counts * (1 + np.isin(hashes, hash_list(_META_WORDS)))
    return np.asarray(_sums(parts, weights) * (1 - (parts.vectors @ sides.T).max(axis=1).clip(0, 1)))


def topic_head() -> SmallNetwork:
    """The untrained head over `pair_features`."""
    return SmallNetwork(hidden=8, alpha=1e-2, passes=30, learning_rate=3e-3, batch_size=256, random_state=0)


def _article_columns(
    comments: TextFeatures, articles: Sequence[ArticleFeatures], article_of: NDArray[np.intp]
) -> dict[str, NDArray[np.float32]]:
    names = ("has_article", "similarity_title", "similarity_article", "similarity_passage")
    columns = {name: np.zeros(len(comments), dtype=np.float32) for name in (*names, "overlap_article")}
    word_article = np.repeat(article_of, comments.tokens.counts)
    shared = np.zeros(len(word_article), dtype=bool)
    for number, article in enumerate(articles):
        rows = np.flatnonzero(article_of == number)
        similarities = comments.vectors[rows] @ article.vectors.T
        columns["has_article"][rows] = 1
        columns["similarity_title"][rows] = similarities[:, 0]
        columns["similarity_article"][rows] = similarities[:, 1]
        columns["similarity_passage"][rows] = similarities[:, 1:].max(axis=1)
        words = np.flatnonzero(word_article == number)
        shared[words] = np.isin(comments.tokens.hashes[words], article.words)
    columns["overlap_article"] = _weighted_share(comments, shared)
    return columns


def _parent_overlap(comments: TextFeatures, parents: TextFeatures) -> NDArray[np.float32]:
    return _weighted_share(comments, np.isin(_keyed(comments), _keyed(parents)))


def _keyed(texts: TextFeatures) -> NDArray[np.uint64]:
    """Word hashes made distinct by the number of their text."""
    numbers = np.repeat(np.arange(1, len(texts) + 1, dtype=np.uint64), texts.tokens.counts)
    return mix(texts.tokens.hashes ^ mix(numbers))


def _own_columns(comments: TextFeatures) -> dict[str, NDArray[np.float32]]:
    """What the comment's own words say about where they belong."""
    counts = np.maximum(comments.tokens.counts, 1).astype(np.float32)
    return {
        "log_words": np.log1p(comments.tokens.counts).astype(np.float32),
        "mean_rarity": _sums(comments, comments.rarity) / counts,
        "meta_share": _occurrences(comments, _META_WORDS) / counts,
        "has_link": np.minimum(_occurrences(comments, "httplink"), 1),
        "second_person_share": _occurrences(comments, _SECOND_PERSON) / counts,
    }


def _occurrences(texts: TextFeatures, words: str) -> NDArray[np.float32]:
    """How many words of each text are among the given ones."""
    return _sums(texts, np.isin(texts.tokens.hashes, hash_list(words)).astype(np.float32))


def _weighted_share(texts: TextFeatures, chosen: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Share of each text's words that are chosen, weighted by rarity; 0 for a text without words."""
    total = _sums(texts, texts.rarity)
    return np.asarray(_sums(texts, texts.rarity * chosen) / np.where(total > 0, total, 1), dtype=np.float32)


def _sums(texts: TextFeatures, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sum of word values for each text."""
    ends = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    return np.asarray(np.diff(ends[texts.tokens.indptr]), dtype=np.float32)
