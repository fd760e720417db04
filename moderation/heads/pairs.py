"""Pairs of a comment and what it was written under, as numbers: what the topic head sees."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from moderation.comment import Article
from moderation.text.features import Featuriser, TextFeatures
from moderation.text.hashing import hash_list, mix
from moderation.text.tokens import TokenBatch
from moderation.text.vocabulary import Words

PASSAGE_WORDS: Final = 60
FEATURE_NAMES: Final = (
    "has_article",
    "has_parent",
    "similarity_title",
    "similarity_article",
    "similarity_passage",
    "similarity_parent",
    "similarity_best",
    "tfidf_article",
    "tfidf_parent",
    "tfidf_best",
    "overlap_article",
    "overlap_parent",
    "overlap_best",
    "log_words",
    "log_rare_words",
    "mean_rarity",
    "focus",
    "meta_share",
    "has_link",
    "second_person_share",
    "first_person_share",
    "similarity_best_by_words",
    "tfidf_best_by_words",
)
MARKS: Final = {
    "meta": "moderator moderators moderation mod mods admin admins comment comments commenting commenter deleted "
    "removed downvote downvotes downvoted upvote upvotes upvoted thumbs votes website site login logged password "
    "account username profile paywall subscription subscriber subscribe font layout page app ads adverts popups "
    "captcha button unsubscribe banned censored censorship spam bots newsletter cookies reload browser",
    "link": "httplink",
    "second_person": "you your yours you're youre u ur yourself you've you'll",
    "first_person": "i i'm im i've ive i'd i'll me my mine myself",
}
"""Words that mark talk about the site itself, adverts, talk to somebody, and talk of oneself."""
COMMON: Final = 3.0
"""Rarity of a word that stands in one text of twenty; what is more common says nothing about a subject."""
_PASSAGE: Final = re.compile(rf"\S+(?:\s+\S+){{0,{PASSAGE_WORDS - 1}}}")


@dataclass(frozen=True, slots=True)
class ArticleFeatures:
    """What is kept of an article.

    Attributes
    ----------
    vectors : ndarray of float32, shape (2 + n_passages, n_dimensions)
        Unit embeddings of the title, of title and body together, and of the body's passages.
    words : ndarray of uint64, shape (n_words,)
        Distinct word hashes, ascending.
    weights : ndarray of float32, shape (n_words,)
        TF-IDF of each word, together of length 1.
    """

    vectors: NDArray[np.float32]
    words: NDArray[np.uint64]
    weights: NDArray[np.float32]

    @classmethod
    def of(cls, article: Article, featuriser: Featuriser) -> ArticleFeatures:
        """Compute the features of one article."""
        passages = [article.text[start:end] for start, end in passages_of(article.text)]
        texts = featuriser.transform([article.title, f"{article.title}\n{article.text}", *passages])
        whole = slice(texts.tokens.indptr[1], texts.tokens.indptr[2])
        words, firsts, counts = np.unique(texts.tokens.hashes[whole], return_index=True, return_counts=True)
        weights = _tfidf(counts, texts.rarity[whole][firsts])
        return cls(texts.vectors, words, _over(weights, np.sqrt(weights @ weights)))


def passages_of(text: str) -> list[tuple[int, int]]:
    """Cut a body into runs of about `PASSAGE_WORDS` words; where each starts and ends."""
    return [found.span() for found in _PASSAGE.finditer(text)]


@dataclass(frozen=True, slots=True)
class Contexts:
    """What the comments of a batch were written under.

    Attributes
    ----------
    articles : sequence of ArticleFeatures
        The distinct articles of the batch.
    article_of : ndarray of int, shape (n,)
        Number of each comment's article, -1 for none.
    parents : TextFeatures
        The distinct parents of the batch.
    parent_of : ndarray of int, shape (n,)
        Number of each comment's parent, -1 for none.
    """

    articles: Sequence[ArticleFeatures]
    article_of: NDArray[np.intp]
    parents: TextFeatures
    parent_of: NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Comments, and how they compare with what they were written under.

    Attributes
    ----------
    tokens : TokenBatch
        n comments.
    table : ndarray of float32, shape (n, len(FEATURE_NAMES))
        Similarities are cosines of embeddings; ``tfidf`` are cosines of word weights, those of a comment counted one
        by one, so that 1 has to be their limit; overlaps are the share of the comment's words, weighted by rarity,
        that stand on the other side. All three are 0 where there is no other side. ``focus`` is the length of the sum
        of its word vectors over the root of their number: words that point one way, and weigh much, make it long.
    """

    tokens: TokenBatch
    table: NDArray[np.float32]

    @classmethod
    def of(cls, comments: TextFeatures, contexts: Contexts) -> Self:
        """Compare n comments with their contexts."""
        table = {
            "has_article": (contexts.article_of >= 0).astype(np.float32),
            **_own_columns(comments),
            **_article_columns(comments, contexts.articles, contexts.article_of),
            **_parent_columns(comments, contexts.parents, contexts.parent_of),
        }
        sides = ("similarity_title", "similarity_article", "similarity_passage", "similarity_parent")
        table["similarity_best"] = np.maximum.reduce([table[side] for side in sides])
        for name in ("tfidf", "overlap"):
            table[f"{name}_best"] = np.maximum(table[f"{name}_article"], table[f"{name}_parent"])
        for name in ("similarity_best", "tfidf_best"):
            table[f"{name}_by_words"] = table[name] * table["log_words"]  # of many words, likeness is no chance
        return cls(comments.tokens, np.column_stack([table[name] for name in FEATURE_NAMES]).astype(np.float32))

    def __len__(self) -> int:
        return len(self.table)

    def column(self, name: str) -> NDArray[np.float32]:
        """One of `FEATURE_NAMES`, shape (n,)."""
        return self.table[:, FEATURE_NAMES.index(name)]


def marks_of(words: Words) -> NDArray[np.float32]:
    """Which words are marks of talk about something else than the article, shape (n_words, len(MARKS))."""
    return np.column_stack([np.isin(words.hashes, hash_list(listed)) for listed in MARKS.values()]).astype(np.float32)


def sums(texts: TextFeatures, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sum of word values for each text, shape (n_texts,)."""
    ends = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    return np.asarray(np.diff(ends[texts.tokens.indptr]), dtype=np.float32)


def _article_columns(
    comments: TextFeatures, articles: Sequence[ArticleFeatures], article_of: NDArray[np.intp]
) -> dict[str, NDArray[np.float32]]:
    names = ("similarity_title", "similarity_article", "similarity_passage")
    columns = {name: np.zeros(len(comments), dtype=np.float32) for name in names}
    word_article = np.repeat(article_of, comments.tokens.counts)
    shared, weights = _nothing_found(comments)
    for number, article in enumerate(articles):
        rows = np.flatnonzero(article_of == number)
        similarities = comments.vectors[rows] @ article.vectors.T
        columns["similarity_title"][rows] = similarities[:, 0]
        columns["similarity_article"][rows] = similarities[:, 1]
        columns["similarity_passage"][rows] = similarities[:, 1:].max(axis=1)
        words = np.flatnonzero(word_article == number)
        shared[words], weights[words] = _looked_up(comments.tokens.hashes[words], article.words, article.weights)
    return {**columns, **_shared_columns(comments, shared, weights, "article")}


def _parent_columns(
    comments: TextFeatures, parents: TextFeatures, parent_of: NDArray[np.intp]
) -> dict[str, NDArray[np.float32]]:
    has_parent, similarity = np.zeros((2, len(comments)), dtype=np.float32)
    shared, weights = _nothing_found(comments)
    replies = np.flatnonzero(parent_of >= 0)
    if len(replies):
        has_parent[replies] = parents.tokens.counts[parent_of[replies]] > 0
        pairs = comments.vectors[replies], parents.vectors[parent_of[replies]]
        similarity[replies] = np.einsum("ij,ij->i", *pairs)
        asked = _keyed(comments.tokens.hashes, np.repeat(parent_of, comments.tokens.counts))
        shared, weights = _looked_up(asked, *_keyed_weights(parents))
    columns = {"has_parent": has_parent, "similarity_parent": similarity}
    return {**columns, **_shared_columns(comments, shared, weights, "parent")}


def _keyed_weights(texts: TextFeatures) -> tuple[NDArray[np.uint64], NDArray[np.float32]]:
    """Words of all texts, made distinct by the number of their text, and the TF-IDF of each within its text."""
    numbers = np.repeat(np.arange(len(texts)), texts.tokens.counts)
    keys, firsts, counts = np.unique(_keyed(texts.tokens.hashes, numbers), return_index=True, return_counts=True)
    weights = _tfidf(counts, texts.rarity[firsts])
    lengths = np.sqrt(np.bincount(numbers[firsts], weights=weights**2, minlength=len(texts)))
    return keys, _over(weights, lengths[numbers[firsts]])


def _keyed(hashes: NDArray[np.uint64], numbers: NDArray[np.intp]) -> NDArray[np.uint64]:
    """Word hashes made distinct by the number of a text, which may be -1."""
    # mixed twice, since the hash of a word of one letter is a small number mixed once
    return mix(hashes ^ mix(mix((numbers + 1).astype(np.uint64))))


def _looked_up(
    asked: NDArray[np.uint64], words: NDArray[np.uint64], weights: NDArray[np.float32]
) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Which words stand among others (ascending), and what they weigh there."""
    if not len(words):
        return np.zeros(len(asked), dtype=bool), np.zeros(len(asked), dtype=np.float32)
    found = np.minimum(np.searchsorted(words, asked), len(words) - 1)
    shared = words[found] == asked
    return shared, weights[found] * shared


def _nothing_found(texts: TextFeatures) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    count = len(texts.tokens.hashes)
    return np.zeros(count, dtype=bool), np.zeros(count, dtype=np.float32)


def _shared_columns(
    comments: TextFeatures, shared: NDArray[np.bool_], weights: NDArray[np.float32], side: str
) -> dict[str, NDArray[np.float32]]:
    rarity = comments.rarity
    return {
        f"overlap_{side}": _over(sums(comments, rarity * shared), sums(comments, rarity)),
        f"tfidf_{side}": np.minimum(_over(sums(comments, rarity * weights), np.sqrt(sums(comments, rarity**2))), 1),
    }


def _own_columns(comments: TextFeatures) -> dict[str, NDArray[np.float32]]:
    """What the comment's own words say about where they belong."""
    counts = np.maximum(comments.tokens.counts, 1).astype(np.float32)
    meta, link, second_person, first_person = comments.tokens.sums(marks_of).T
    return {
        "log_words": np.log1p(comments.tokens.counts).astype(np.float32),
        "log_rare_words": np.log1p(sums(comments, (comments.rarity > COMMON).astype(np.float32))),
        "mean_rarity": sums(comments, comments.rarity) / counts,
        "focus": comments.lengths / np.sqrt(counts),
        "meta_share": meta / counts,
        "has_link": np.minimum(link, 1),
        "second_person_share": second_person / counts,
        "first_person_share": first_person / counts,
    }


def _tfidf(counts: NDArray[np.intp], rarity: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weights of words that stand so many times in a text."""
    return np.asarray((1 + np.log(counts)) * rarity, dtype=np.float32)


def _over(values: NDArray[np.float32], by: NDArray[np.floating]) -> NDArray[np.float32]:
    """Quotient; 0 over 0 is 0."""
    return np.asarray(values / np.where(by > 0, by, 1), dtype=np.float32)
