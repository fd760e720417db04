"""Teach word vectors, and a small network over their scoped sums, what the taught transformer hears in a text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from moderation.heads.tone import ToneHead
from moderation.text.embeddings import ScopedEmbeddings, StaticEmbeddings, scoped_counts
from moderation.text.scopes import N_MARKS
from moderation.text.tokens import TokenBatch, tokenise

_LIMIT: Final = 7.0  # of log-odds; beyond, the teacher is only sure
_TRUST: Final = 0.9  # in what we wrote, over what the teacher makes of it
_STRETCH: Final = 8.0  # of unit vectors, so that both inputs are of one size


@dataclass(frozen=True, slots=True)
class Schedule:
    """How the student learns.

    Parameters
    ----------
    known_words : int
    dimensions, hidden : int
        Of a word's vector; units between sums and outputs.
    passes, batch_size : int
    learning_rate : float
        Of Adam, at its highest.
    dropout : float
        Share of the inputs that is left out at random.
    seed : int
    """

    known_words: int = 40_000
    dimensions: int = 48
    hidden: int = 256
    passes: int = 6
    batch_size: int = 512
    learning_rate: float = 4e-3
    dropout: float = 0.35
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Answers:
    """What is to be learned.

    Attributes
    ----------
    outputs : tuple of str
    texts : list of str
    log_odds : ndarray, shape (n_texts, n_outputs)
        The teacher's.
    known : ndarray of float, shape (n_texts, n_outputs)
        Shares that are surer than the teacher; NaN where there are none.
    """

    outputs: tuple[str, ...]
    texts: list[str]
    log_odds: NDArray[np.floating]
    known: NDArray[np.floating]

    @property
    def targets(self) -> NDArray[np.float32]:
        """Probabilities to be learned, shape (n_texts, n_outputs)."""
        heard = 1 / (1 + np.exp(-np.clip(self.log_odds.astype(np.float32), -_LIMIT, _LIMIT)))
        surer = _TRUST * np.nan_to_num(self.known) + (1 - _TRUST) * heard
        return np.where(np.isnan(self.known), heard, surer).astype(np.float32)


class _Student(nn.Module):  # type: ignore[misc,unused-ignore]
    """A table of word vectors, and a network from embeddings and scoped sums to the teacher's outputs."""

    def __init__(self, words: int, inputs: int, outputs: int, schedule: Schedule) -> None:
        super().__init__()
        self.table = nn.EmbeddingBag(words, schedule.dimensions, mode="sum")
        nn.init.normal_(self.table.weight, std=0.1)
        self.sums = (1 + N_MARKS) * schedule.dimensions
        self.dropout = nn.Dropout(schedule.dropout)
        self.hidden = nn.Linear(inputs + self.sums, schedule.hidden)
        self.output = nn.Linear(schedule.hidden, outputs)

    def forward(self, vectors: Tensor, counts: csr_matrix) -> Tensor:
        flat, starts, weights = map(torch.from_numpy, (counts.indices, counts.indptr[:-1], counts.data))
        sums = self.table(flat, starts, per_sample_weights=weights).reshape(-1, self.sums)
        inputs = self.dropout(torch.cat([_STRETCH * vectors, sums], dim=1))
        logits: Tensor = self.output(self.hidden(inputs).relu())
        return logits


def distil(
    answers: Answers,
    embeddings: StaticEmbeddings,
    labels: Mapping[str, Mapping[str, float]],
    schedule: Schedule,
    report: Callable[[str], None] = print,
) -> ToneHead:
    """Teach a tone head.

    Parameters
    ----------
    answers : Answers
    embeddings : StaticEmbeddings
        Its first inputs.
    labels : mapping of str to mapping of str to float
        By label, what each output weighs in it.
    schedule : Schedule
    report : callable
        Told how far it is, pass by pass.
    """
    batch = tokenise(answers.texts)
    known, found = _vocabulary(batch, schedule.known_words)
    table = ScopedEmbeddings.from_hashes(known, np.zeros((len(known), 1)), -np.log(found / len(batch)))
    counts = scoped_counts(batch, table.rows(batch.hashes), len(known))
    student = _learn(embeddings.transform(batch), counts, answers.targets, schedule, report)
    vectors = student.table.weight.detach().numpy()
    hidden, bias = (part.detach().numpy() for part in (student.hidden.weight.T, student.hidden.bias))
    stretch = np.where(np.arange(len(hidden)) < embeddings.n_dimensions, _STRETCH, 1.0)[:, None]
    mixed = _mixture(answers.outputs, labels)
    output, output_bias = (part.detach().numpy() for part in (student.output.weight.T, student.output.bias))
    words = ScopedEmbeddings.from_hashes(known, vectors, -np.log(found / len(batch)))
    return ToneHead.of(tuple(labels), words, (hidden * stretch, bias), (output @ mixed, output_bias @ mixed))


def _vocabulary(batch: TokenBatch, size: int) -> tuple[NDArray[np.uint64], NDArray[np.intp]]:
    """Hashes of the words that stand in most texts, ascending, and in how many; at least three."""
    distinct, numbers = np.unique(batch.hashes, return_inverse=True)
    shape = (len(batch), len(distinct))
    matrix = csr_matrix((np.ones(len(numbers), dtype=np.int32), numbers, batch.indptr), shape=shape)
    matrix.sum_duplicates()
    found = np.bincount(matrix.indices, minlength=len(distinct))
    chosen = np.sort(np.argsort(-found, kind="stable")[:size])
    chosen = chosen[found[chosen] >= 3]
    return distinct[chosen], found[chosen]


def _mixture(outputs: Sequence[str], labels: Mapping[str, Mapping[str, float]]) -> NDArray[np.float32]:
    """Weight of each output in each label, shape (n_outputs, n_labels); those of a label sum to 1."""
    weights = np.array([[shares.get(output, 0.0) for shares in labels.values()] for output in outputs])
    return np.asarray(weights / weights.sum(axis=0), dtype=np.float32)


def _learn(
    vectors: NDArray[np.float32],
    counts: csr_matrix,
    targets: NDArray[np.float32],
    schedule: Schedule,
    report: Callable[[str], None],
) -> _Student:
    torch.manual_seed(schedule.seed)
    generator = np.random.default_rng(schedule.seed)
    student = _Student(counts.shape[1], vectors.shape[1], targets.shape[1], schedule)
    optimiser = torch.optim.Adam(student.parameters(), lr=schedule.learning_rate)
    texts, batches = len(targets), -(-len(targets) // schedule.batch_size)
    rate = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, schedule.learning_rate, total_steps=schedule.passes * batches, pct_start=0.1
    )
    blocks = np.arange(1 + N_MARKS)
    for at in range(schedule.passes):
        total = 0.0
        for rows in np.array_split(generator.permutation(texts), batches):
            part = counts[(rows[:, None] * len(blocks) + blocks).ravel()]
            goal = torch.from_numpy(targets[rows])
            made = student(torch.from_numpy(vectors[rows]), part)
            loss = binary_cross_entropy_with_logits(made, goal) + 0.01 * ((made - goal.logit(1e-3)) ** 2).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            rate.step()
            total += loss.item() * len(rows) / texts
        report(f"pass {at + 1} of {schedule.passes}: loss {total:.4f}")
    student.eval()
    return student
