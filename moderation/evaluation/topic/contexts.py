"""The comments of one row of the topic table, each in its context, and the same ones moved elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from moderation.comment import Article, Comment
from moderation.corpora import LabelledComments
from moderation.errors import RecipeError
from moderation.evaluation.plan import TopicRule
from moderation.labels import OFF_TOPIC


@dataclass(frozen=True, slots=True)
class InContext:
    """Comments that are on topic where they stand, or off.

    Attributes
    ----------
    comments : list of Comment
    rows : list of int
        Row of each in the corpus's file, from 1.
    off_topic : ndarray of bool, shape (n_comments,)
    """

    comments: list[Comment]
    rows: list[int]
    off_topic: NDArray[np.bool_]

    @classmethod
    def of(cls, corpus: LabelledComments, rule: TopicRule) -> Self:
        """Follow a rule.

        Raises
        ------
        RecipeError
            If a column does not exist, or no comment can be moved.
        """
        comments = _in_context(corpus, rule)
        wanted = _wanted(corpus, comments, rule)
        if rule.moved:
            chosen = _at_most(np.flatnonzero(wanted), rule.sample)
            elsewhere = _moved(comments, np.array(corpus.groups), wanted, chosen, corpus.source)
            both = [*(comments[row] for row in chosen), *elsewhere]
            return cls(both, [corpus.rows[row] for row in chosen] * 2, np.repeat([False, True], len(chosen)))
        shares = corpus.shares(OFF_TOPIC, rule)
        kinds = [np.flatnonzero(wanted & (shares <= 0.5)), np.flatnonzero(wanted & (shares > 0.5))]
        rows = np.sort(np.concatenate([_at_most(kind, rule.sample) for kind in kinds])).tolist()
        return cls([comments[row] for row in rows], [corpus.rows[row] for row in rows], shares[rows] > 0.5)


def word_counts(comments: Sequence[Comment]) -> NDArray[np.intp]:
    """How many words each comment has, as blanks part them."""
    return np.array([len(comment.text.split()) for comment in comments], dtype=np.intp)


def _in_context(corpus: LabelledComments, rule: TopicRule) -> list[Comment]:
    """All comments of a corpus with the context that the rule gives them."""
    comments = corpus.comments
    if rule.thread_text is not None:
        comments = _under_each_other(corpus, rule.thread_text)
    match rule.context:
        case "article":
            return [replace(comment, parent=None) for comment in comments]
        case "parent":
            return [replace(comment, article=None) for comment in comments]
        case "both":
            return comments


def _under_each_other(corpus: LabelledComments, count: int) -> list[Comment]:
    """Give each comment so many others of its group, the same ones where it can be, for an article's text."""
    members: dict[str, list[int]] = {}
    for row in np.random.default_rng(0).permutation(len(corpus)).tolist():
        members.setdefault(corpus.groups[row], []).append(row)
    comments = []
    for row, (comment, group) in enumerate(zip(corpus.comments, corpus.groups, strict=True)):
        others = [other for other in members[group][: count + 1] if other != row][:count]
        text = "\n".join(" ".join(corpus.comments[other].text.split()) for other in others)
        comments.append(replace(comment, article=Article(comment.article.title if comment.article else "", text)))
    return comments


def _wanted(corpus: LabelledComments, comments: Sequence[Comment], rule: TopicRule) -> NDArray[np.bool_]:
    """Which comments are measured on: of the wanted depth and length, with a context."""
    answers = np.array([comment.parent is not None for comment in corpus.comments])
    wanted = np.array([comment.has_context for comment in comments]) & (word_counts(comments) >= rule.min_words)
    if rule.only is not None:
        wanted &= answers == (rule.only == "replies")
    if rule.where is not None:
        wanted &= corpus.chosen(rule.where)
    return np.asarray(wanted)


def _at_most(rows: NDArray[np.intp], count: int | None) -> NDArray[np.intp]:
    """So many of the rows, drawn alike in every run, in their order."""
    if count is None or len(rows) <= count:
        return rows
    return np.sort(np.random.default_rng(0).choice(rows, count, replace=False))


def _moved(
    comments: Sequence[Comment],
    groups: NDArray[np.str_],
    wanted: NDArray[np.bool_],
    chosen: NDArray[np.intp],
    source: str,
) -> list[Comment]:
    """The chosen comments in the places of others: article and parent of one host, which is a reply if they are."""
    answers = np.array([comment.parent is not None for comment in comments])
    generator, hosts = np.random.default_rng(0), np.zeros(len(chosen), dtype=np.intp)
    for kind in (False, True):
        places, guests = np.flatnonzero(wanted & (answers == kind)), np.flatnonzero(answers[chosen] == kind)
        if len(guests) and len(np.unique(groups[places])) < 2:
            raise RecipeError(f"{source}: comments can be moved only between two threads or more")
        while len(guests):
            hosts[guests] = generator.choice(places, len(guests))
            guests = guests[groups[hosts[guests]] == groups[chosen[guests]]]
    return [
        replace(comments[row], article=comments[host].article, parent=comments[host].parent)
        for row, host in zip(chosen.tolist(), hosts.tolist(), strict=True)
    ]
