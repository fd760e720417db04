"""Pairs of a comment and what it was written under, as numbers: what the topic head sees."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from moderation.comment import Article, Comment
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
_Context = TypeVar("_Context", Article, str)
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

    @classmethod
    def of(
        cls,
        comments: Sequence[Comment],
        article: Callable[[Article], ArticleFeatures],
        parents: Callable[[list[str]], TextFeatures],
    ) -> Self:
        """Number what n comments were written under, and ask for the features of each once."""
        articles, article_of = _numbered([comment.article or None for comment in comments])
        answered, parent_of = _numbered([comment.parent or None for comment in comments])
        return cls(list(map(article, articles)), article_of, parents(answered), parent_of)


def _numbered(contexts: Sequence[_Context | None]) -> tuple[list[_Context], NDArray[np.intp]]:
    """The distinct ones, and the number of each; -1 for none."""
    numbers: dict[_Context, int] = {}
    found = [-1 if context is None else numbers.setdefault(context, len(numbers)) for context in contexts]
    return list(numbers), np.array(found, dtype=np.intp)


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
        near_article, in_article = _beside_articles(comments, contexts.articles, contexts.article_of)
        near_parent, in_parent = _beside_parents(comments, contexts.parents, contexts.parent_of)
        table = {**near_article, **near_parent, **_word_columns(comments, in_article, in_parent)}
        sides = ("similarity_title", "similarity_article", "similarity_passage", "similarity_parent")
        table["similarity_best"] = np.maximum.reduce([table[side] for side in sides])
        for name in ("tfidf", "overlap"):
            table[f"{name}_best"] = np.maximum(table[f"{name}_article"], table[f"{name}_parent"])
        for name in ("similarity_best", "tfidf_best"):
            table[f"{name}_by_words"] = table[name] * table["log_words"]  # of many words, likeness is no chance
        return cls(comments.tokens, np.stack([table[name] for name in FEATURE_NAMES], axis=1))

    def __len__(self) -> int:
        return len(self.table)

    def column(self, name: str) -> NDArray[np.float32]:
        """One of `FEATURE_NAMES`, shape (n,)."""
        return self.table[:, FEATURE_NAMES.index(name)]


def marks_of(words: Words) -> NDArray[np.float32]:
    """Which words are marks of talk about something else than the article, shape (n_words, len(MARKS))."""
    return np.column_stack([np.isin(words.hashes, hash_list(listed)) for listed in MARKS.values()]).astype(np.float32)


def sums(texts: TextFeatures, *values: NDArray[Any]) -> NDArray[np.float32]:
    """Sums over each text's words of k values that each word has, shape (k, n_texts)."""
    ends = np.zeros((len(values), len(texts.rarity) + 1))
    for row, of_words in zip(ends, values, strict=True):
        np.cumsum(of_words, out=row[1:])
    at = ends.take(texts.tokens.indptr, axis=1)
    return np.asarray(at[:, 1:] - at[:, :-1], dtype=np.float32)


class _Answered(NamedTuple):
    """Of each word of the comments, 1 if it stands on the other side and 0 if not, and what it weighs there."""

    shared: NDArray[np.float32]
    weights: NDArray[np.float32]

    @classmethod
    def none(cls, texts: TextFeatures) -> Self:
        return cls(*np.zeros((2, len(texts.rarity)), dtype=np.float32))


def _beside_articles(
    comments: TextFeatures, articles: Sequence[ArticleFeatures], article_of: NDArray[np.intp]
) -> tuple[dict[str, NDArray[np.float32]], _Answered]:
    near = np.zeros((3, len(comments)), dtype=np.float32)
    answered = _Answered.none(comments)
    word_article = np.repeat(article_of, comments.tokens.counts)
    for number, article in enumerate(articles):
        rows = (article_of == number).nonzero()[0]
        similarities = article.vectors @ comments.vectors[rows].T
        near[:2, rows] = similarities[:2]
        near[2, rows] = similarities[1:].max(axis=0)
        words = (word_article == number).nonzero()[0]
        found = _looked_up(comments.tokens.hashes[words], article.words, article.weights)
        answered.shared[words], answered.weights[words] = found
    names = ("similarity_title", "similarity_article", "similarity_passage")
    return {"has_article": (article_of >= 0).astype(np.float32), **dict(zip(names, near, strict=True))}, answered


def _beside_parents(
    comments: TextFeatures, parents: TextFeatures, parent_of: NDArray[np.intp]
) -> tuple[dict[str, NDArray[np.float32]], _Answered]:
    has_parent, near = np.zeros((2, len(comments)), dtype=np.float32)
    answered = _Answered.none(comments)
    replies = (parent_of >= 0).nonzero()[0]
    if len(replies):
        parent = parent_of[replies]
        has_parent[replies] = parents.tokens.counts[parent] > 0
        near[replies] = np.einsum("ij,ij->i", comments.vectors[replies], parents.vectors[parent])
        asked = _keyed(comments.tokens.hashes, np.repeat(parent_of, comments.tokens.counts))
        answered = _looked_up(asked, *_keyed_weights(parents))
    return {"has_parent": has_parent, "similarity_parent": near}, answered


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


def _looked_up(asked: NDArray[np.uint64], words: NDArray[np.uint64], weights: NDArray[np.float32]) -> _Answered:
    """Look words up among others, which are ascending."""
    if not len(words):
        return _Answered(*np.zeros((2, len(asked)), dtype=np.float32))
    found = np.minimum(words.searchsorted(asked), len(words) - 1)
    shared = (words[found] == asked).astype(np.float32)
    return _Answered(shared, weights[found] * shared)


def _word_columns(
    comments: TextFeatures, in_article: _Answered, in_parent: _Answered
) -> dict[str, NDArray[np.float32]]:
    """What the comment's words say, by themselves and where they stand on another side as well."""
    rarity, counts = comments.rarity, comments.tokens.counts
    by_side = [rarity * values for answered in (in_article, in_parent) for values in answered]
    total, squares, rare, *shared = sums(comments, rarity, rarity**2, rarity > COMMON, *by_side)
    meta, link, second_person, first_person = comments.tokens.sums(marks_of).T
    some = np.maximum(counts, 1).astype(np.float32)
    length = np.sqrt(squares)
    return {
        "tfidf_article": np.minimum(_over(shared[1], length), 1),
        "tfidf_parent": np.minimum(_over(shared[3], length), 1),
        "overlap_article": _over(shared[0], total),
        "overlap_parent": _over(shared[2], total),
        "log_words": np.log1p(counts, dtype=np.float32),
        "log_rare_words": np.log1p(rare),
        "mean_rarity": total / some,
        "focus": comments.lengths / np.sqrt(some),
        "meta_share": meta / some,
        "has_link": np.minimum(link, 1),
        "second_person_share": second_person / some,
        "first_person_share": first_person / some,
    }


def _tfidf(counts: NDArray[np.intp], rarity: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weights of words that stand so many times in a text."""
    return np.asarray((1 + np.log(counts)) * rarity, dtype=np.float32)


def _over(values: NDArray[np.float32], by: NDArray[np.floating]) -> NDArray[np.float32]:
    """Quotient; 0 over 0 is 0."""
    return np.asarray(values / np.where(by > 0, by, 1), dtype=np.float32)
