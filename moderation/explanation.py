"""From what each word of a text contributes to the parts of it that a person would underline."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Final

import numpy as np
from numpy.typing import NDArray

from moderation.text.tokens import TokenBatch
from moderation.verdict import Span

_PART: Final = re.compile(r"\S+")
_EDGES: Final = re.compile(r"^[\"'“”‘’„«»(\[{<.,;:!?…–—-]+(?=\w)|(?<=\w)[\"'“”‘’„«»)\]}>.,;:!?…–—-]+$")


def parts_of(text: str) -> list[tuple[int, int]]:
    """Offsets of what stands between white space."""
    return [match.span() for match in _PART.finditer(text)]


def by_part(contributions: NDArray[np.float32], whole: TokenBatch, parts: TokenBatch) -> NDArray[np.float64]:
    """Lay the contributions of a text's words on its parts.

    Mostly a word lies in one part. Where normalisation made one word of several parts ("i d i o t"), or found words
    across them, the parts in question share what those words contribute.

    Parameters
    ----------
    contributions : ndarray, shape (n_words, k)
    whole : TokenBatch
        The text.
    parts : TokenBatch
        Its parts, each as a text of its own.

    Returns
    -------
    ndarray of float, shape (n_parts, k)
    """
    found = np.zeros((len(parts), contributions.shape[1]))
    owners = np.repeat(np.arange(len(parts)), parts.counts)
    for words, others in _matches(whole.hashes, parts.hashes):
        if words.stop - words.start == others.stop - others.start:
            np.add.at(found, owners[others], contributions[words])
        else:
            shared = _touched(owners, others, len(parts))
            found[shared] += contributions[words].sum(axis=0) / max(len(shared), 1)
    return found


def _matches(whole: NDArray[np.uint64], parts: NDArray[np.uint64]) -> Iterator[tuple[slice, slice]]:
    """Runs of words that correspond to each other."""
    front = _alike(whole, parts)
    back = _alike(whole[front:][::-1], parts[front:][::-1])
    end, other_end = len(whole) - back, len(parts) - back
    yield slice(0, front), slice(0, front)
    matcher = SequenceMatcher(None, whole[front:end].tolist(), parts[front:other_end].tolist())
    for _, start, stop, other_start, other_stop in matcher.get_opcodes():
        yield slice(front + start, front + stop), slice(front + other_start, front + other_stop)
    yield slice(end, len(whole)), slice(other_end, len(parts))


def _alike(first: NDArray[np.uint64], second: NDArray[np.uint64]) -> int:
    """How many words two texts begin with alike."""
    length = min(len(first), len(second))
    return int(np.append(first[:length] != second[:length], True).argmax())


def _touched(owners: NDArray[np.intp], words: slice, count: int) -> NDArray[np.intp]:
    """Parts that hold some words; where there are none, the part before them."""
    chosen = owners[words] if words.stop > words.start else owners[max(words.start - 1, 0) : words.start or 1]
    return np.unique(chosen) if len(chosen) else np.arange(min(count, 1))


def spans(
    text: str, parts: Sequence[tuple[int, int]], weights: NDArray[np.float64], label: str, weakest: float
) -> Iterator[Span]:
    """Parts that speak for a label, neighbours joined, punctuation around them left out.

    Parameters
    ----------
    text : str
    parts : sequence of (int, int)
    weights : ndarray of float, shape (n_parts,)
        In log-odds; NaN where there is no score to explain.
    label : str
    weakest : float
        Share of the strongest part's weight below which a part says nothing.
    """
    if not len(parts) or not weights.max() > 0:
        return
    chosen = weights >= weakest * weights.max()
    at = 0
    while at < len(parts):
        if not chosen[at]:
            at += 1
            continue
        last = at
        while last + 1 < len(parts) and chosen[last + 1]:
            last += 1
        start, end = _trimmed(text, parts[at][0], parts[last][1])
        yield Span(start, end, label, float(weights[at : last + 1].sum()))
        at = last + 1


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """A span without the punctuation around it."""
    inner = text[start:end]
    for edge in _EDGES.finditer(inner):
        if edge.start() == 0:
            start += len(edge[0])
        else:
            end -= len(edge[0])
    return start, end
