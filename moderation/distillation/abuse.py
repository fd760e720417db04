"""Teach a transformer what every corpus says of abuse, and let it say it of every text.

The corpora define their labels differently, so each definition is an output of its own, learned only from the rows that
it speaks of. The taught transformer then judges all texts; what it says is kept for `moderation train`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import cos, pi
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from rich.progress import track
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from moderation.corpora import LabelledComments
from moderation.corpora.recipe import CorpusMap, LabelRule
from moderation.distillation.encoder import Encoder, by_length
from moderation.distillation.shards import in_shards

_POOL: Final = 4096
_KEPT_EVERY: Final = 250
_WARM: Final = 0.06
_PUNCTUATION: Final = str.maketrans("", "", "\"'.,;:!?()[]{}*-_/\\<>#@&")


@dataclass(frozen=True, slots=True)
class Lessons:
    """Texts to learn from, in their order.

    Attributes
    ----------
    texts : list of str
    shares : ndarray of float32, shape (n_texts, n_outputs)
        NaN where a text says nothing of a definition.
    """

    texts: list[str]
    shares: NDArray[np.float32]


class Judge(nn.Module):  # type: ignore[misc,unused-ignore]
    """A transformer with one linear output a definition.

    Parameters
    ----------
    outputs : sequence of str
    """

    def __init__(self, outputs: Sequence[str]) -> None:
        super().__init__()
        self.outputs = tuple(outputs)
        self.encoder = Encoder(max_length=112)
        for parameter in self.encoder.model.embeddings.parameters():
            parameter.requires_grad = False  # a third less work for each step
        self.head = nn.Linear(self.encoder.n_dimensions, len(self.outputs))

    def forward(self, texts: Sequence[str]) -> Tensor:
        """Log-odds, shape (n_texts, n_outputs)."""
        logits: Tensor = self.head(self.encoder(texts))
        return logits

    @torch.inference_mode()  # type: ignore[untyped-decorator,unused-ignore]
    def log_odds(self, texts: Sequence[str]) -> NDArray[np.float16]:
        """Log-odds of each definition, shape (n_texts, n_outputs)."""
        self.eval()
        found = np.zeros((len(texts), len(self.outputs)), dtype=np.float16)
        for rows in by_length(texts):
            found[rows] = self([texts[row] for row in rows]).numpy()
        return found


class Plan(CorpusMap):
    """What ``models/teacher.toml`` says.

    Attributes
    ----------
    outputs : dict of str to dict of str to LabelRule
        By definition, then by corpus.
    labels : dict of str to dict of str to float
        By label, what each output weighs in the student's.
    passes : dict of str to float
        How often each corpus is read, by default once; those that are not read are judged alone.
    trusted : tuple of str
        Corpora whose labels the student believes more than the teacher.
    learning_rate : float
        Of Adam, at its highest.
    batch_size, seed : int
    """

    heads: dict[str, dict[str, LabelRule]] = Field(default={})
    outputs: dict[str, dict[str, LabelRule]]
    labels: dict[str, dict[str, float]]
    passes: dict[str, float] = Field(default={})
    trusted: tuple[str, ...] = ()
    learning_rate: float = 1e-4
    batch_size: int = 48
    seed: int = 0

    def shares(self, name: str, corpus: LabelledComments) -> NDArray[np.float32]:
        """What a corpus says of each output, shape (n_comments, n_outputs); NaN where it says nothing."""
        columns = [
            corpus.shares(output, rules[name]) if name in rules else np.full(len(corpus), np.nan)
            for output, rules in self.outputs.items()
        ]
        return np.column_stack(columns).astype(np.float32)


def lessons(plan: Plan, data: Mapping[str, LabelledComments]) -> Lessons:
    """Every text as often as its corpus is to be read, shuffled; one in six without capitals and punctuation."""
    generator = np.random.default_rng(plan.seed)
    texts: list[str] = []
    shares = []
    for name, corpus in data.items():
        table = plan.shares(name, corpus)
        rows = _repeated(len(corpus), plan.passes.get(name, 1.0), generator)
        texts.extend(corpus.comments[row].text for row in rows)
        shares.append(table[rows])
    order = generator.permutation(len(texts))
    bare = generator.random(len(texts)) < 1 / 6
    chosen = [texts[at].lower().translate(_PUNCTUATION) if bare[at] else texts[at] for at in order]
    return Lessons(chosen, np.concatenate(shares)[order])


def _repeated(count: int, passes: float, generator: np.random.Generator) -> NDArray[np.intp]:
    whole = [generator.permutation(count) for _ in range(int(passes))]
    return np.concatenate([*whole, generator.permutation(count)[: round(count * (passes % 1))]])


def batches(texts: Sequence[str], size: int, seed: int) -> list[NDArray[np.intp]]:
    """Batches of texts of like length, drawn from pools of neighbours so that lengths come in any order."""
    generator = np.random.default_rng(seed)
    found: list[NDArray[np.intp]] = []
    for start in range(0, len(texts), _POOL):
        pool = list(by_length(texts[start : start + _POOL], size))
        found.extend(start + pool[at] for at in generator.permutation(len(pool)))
    return found


def teach(plan: Plan, taught: Lessons, cache: Path) -> Judge:
    """Fine-tune; what is reached is kept every few minutes, so that an interrupted run goes on where it was."""
    folder = cache / hashlib.sha256(plan.model_dump_json().encode()).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(plan.seed)
    judge = Judge(list(plan.outputs))
    known = [parameter for parameter in judge.encoder.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(
        [{"params": known}, {"params": judge.head.parameters(), "lr": 10 * plan.learning_rate}],
        lr=plan.learning_rate,
        weight_decay=0.01,
    )
    steps = batches(taught.texts, plan.batch_size, plan.seed)
    rate = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _cycle(step / len(steps)))
    checkpoint, first = folder / "checkpoint.pt", 0
    if checkpoint.exists():
        kept = torch.load(checkpoint, weights_only=True)
        judge.load_state_dict(kept["judge"])
        optimiser.load_state_dict(kept["optimiser"])
        first = kept["step"]
        rate.last_epoch = first - 1
        rate.step()
    for step in track(range(first, len(steps)), description="teacher"):
        judge.train()
        rows = steps[step]
        loss = _loss(judge([taught.texts[row] for row in rows]), torch.from_numpy(taught.shares[rows]))
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(known, 1.0)
        optimiser.step()
        rate.step()
        if (step + 1) % _KEPT_EVERY == 0 or step + 1 == len(steps):
            state = {"optimiser": optimiser.state_dict(), "step": step + 1}
            torch.save({"judge": judge.state_dict(), **state}, folder / "checkpoint.new")
            (folder / "checkpoint.new").replace(checkpoint)
            print(f"step {step + 1} of {len(steps)}, loss {loss.item():.3f}", flush=True)
    return judge


def _cycle(done: float) -> float:
    """Share of the highest learning rate: a short rise, then half a cosine (Smith 2018)."""
    return done / _WARM if done < _WARM else (1 + cos(pi * (done - _WARM) / (1 - _WARM))) / 2


def _loss(logits: Tensor, shares: Tensor) -> Tensor:
    """Cross-entropy of the definitions that a text speaks of, summed over them and averaged over texts."""
    defined = ~shares.isnan()
    return binary_cross_entropy_with_logits(logits[defined], shares[defined], reduction="sum") / len(shares)


def answers(judge: Judge, texts: Sequence[str], cache: Path) -> NDArray[np.float16]:
    """What the teacher says of texts.

    Returns
    -------
    ndarray of float16, shape (n_texts, n_outputs)
        Log-odds.
    """
    weights = judge.head.weight.detach().numpy().tobytes()
    return in_shards(judge.log_odds, texts, cache, "the teacher's answers", weights)
