"""Teach the static embeddings: a sentence transformer's vectors, matched by sums of word vectors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from rich.progress import track
from torch.nn import EmbeddingBag
from torch.nn.functional import normalize

from moderation.distillation.encoder import Encoder
from moderation.distillation.shards import in_shards
from moderation.text.embeddings import StaticEmbeddings
from moderation.text.tokens import words

_MAX_WORDS: Final = 80
_SMOOTHING: Final = 1e-3


@dataclass(frozen=True, slots=True)
class Plan:
    """What ``models/embeddings.toml`` says.

    Parameters
    ----------
    sources : list of dict
        Each with file, column, an optional limit on texts and, for long texts, the size of passages in words.
    known_words, dimensions, passes, seed : int
    """

    sources: list[dict[str, Any]]
    known_words: int
    dimensions: int
    passes: int
    seed: int


def read_texts(plan: Plan, corpora: Path) -> list[str]:
    """Draw the texts that teach, in an order of their own."""
    generator = np.random.default_rng(plan.seed)
    drawn: list[str] = []
    for source in plan.sources:
        column = pd.read_csv(corpora / source["file"], usecols=[source["column"]])[source["column"]]
        texts = [str(text) for text in column.dropna()]
        if "passage" in source:
            texts = [passage for text in texts for passage in _passages(text, source["passage"])]
        order = generator.permutation(len(texts))[: source.get("limit", len(texts))]
        drawn.extend(" ".join(texts[at].split()[:_MAX_WORDS]) for at in order)
    distinct = list(dict.fromkeys(text for text in drawn if len(text) > 2))
    return [distinct[at] for at in generator.permutation(len(distinct))]


def _passages(text: str, size: int) -> list[str]:
    parts = text.split()
    runs = (parts[start : start + size] for start in range(0, len(parts), size))
    return [" ".join(run) for run in runs if len(run) >= 8]


def teach(teacher: Encoder, texts: Sequence[str], cache: Path) -> NDArray[np.float32]:
    """The teacher's vectors of all texts."""
    return in_shards(teacher.encode, texts, cache, "teacher's vectors").astype(np.float32)


def vocabulary(split: Sequence[Sequence[str]], size: int) -> tuple[list[str], NDArray[np.float64]]:
    """The words that stand in most texts, and the share of texts in which each stands."""
    found: Counter[str] = Counter()
    for parts in split:
        found.update(set(parts))
    common = [(word, count) for word, count in found.most_common() if count >= 3 and len(word.encode()) <= 32][:size]
    return [word for word, _ in common], np.array([count for _, count in common]) / len(split)


def fit(
    plan: Plan,
    split: Sequence[Sequence[str]],
    known: Sequence[str],
    vectors: NDArray[np.float32],
    target: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Train word vectors so that the direction of their sum is the teacher's for the text.

    The loss is one minus the cosine to the teacher's vector, plus four times the mean squared difference between the
    batch's table of cosines and the teacher's own.

    Parameters
    ----------
    vectors : ndarray of float32, shape (n_known, n_dimensions)
        Where to start from.
    target : ndarray of float32, shape (n_texts, n_dimensions)
    """
    torch.manual_seed(plan.seed)
    number = {word: at for at, word in enumerate(known)}
    numbered = [[number[word] for word in parts if word in number] for parts in split]
    table = EmbeddingBag.from_pretrained(torch.from_numpy(vectors.copy()), freeze=False, mode="sum")
    rows = np.array([at for at, parts in enumerate(numbered) if parts])
    batches = -(-len(rows) // 256)
    optimiser = torch.optim.Adam(table.parameters(), lr=2e-3)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=batches * plan.passes)
    for _ in track(range(plan.passes), description="student"):
        for chosen in _shuffled(rows, plan.seed):
            goal = torch.from_numpy(target[chosen])
            ends = np.cumsum([0, *(len(numbered[at]) for at in chosen)])[:-1]
            flat = torch.tensor([word for at in chosen for word in numbered[at]])
            made = normalize(table(flat, torch.from_numpy(ends)), dim=1)
            relations = ((made @ made.T - goal @ goal.T) ** 2).mean()
            loss = (1 - (made * goal).sum(1)).mean() + 4 * relations
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            rate.step()
    return np.asarray(table.weight.detach().numpy(), dtype=np.float32)


def _shuffled(rows: NDArray[np.intp], seed: int) -> Iterator[NDArray[np.intp]]:
    order = np.random.default_rng(seed).permutation(rows)
    return (order[start : start + 256] for start in range(0, len(order), 256))


def distil(plan: Plan, corpora: Path, cache: Path) -> StaticEmbeddings:
    """Teach static embeddings.

    Parameters
    ----------
    plan : Plan
    corpora : Path
        To which the plan's file names are relative.
    cache : Path
        Where the teacher's vectors are kept.
    """
    teacher = Encoder()
    texts = read_texts(plan, corpora)
    split = [words(text) for text in texts]
    known, frequency = vocabulary(split, plan.known_words)
    taught = teach(teacher, texts, cache)
    alone = teach(teacher, known, cache)
    axes = np.linalg.svd(taught.T @ taught)[0][:, : plan.dimensions]
    target = taught @ axes
    target /= np.linalg.norm(target, axis=1, keepdims=True)
    weight = _SMOOTHING / (_SMOOTHING + frequency)  # smooth inverse frequency, Arora et al. 2017
    start = (alone @ axes * weight[:, None]).astype(np.float32)
    vectors = fit(plan, split, known, start, target)
    return StaticEmbeddings.from_table(known, vectors, -np.log(frequency))
