"""Long answers about many texts, kept piece by piece."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

SIZE: Final = 4096


def in_shards(
    answer: Callable[[Sequence[str]], NDArray[Any]],
    texts: Sequence[str],
    folder: Path,
    description: str,
    version: bytes = b"",
) -> NDArray[Any]:
    """Ask about texts in shards that are kept, so that an interrupted run goes on where it was.

    Parameters
    ----------
    answer : callable
        Gives an array with a row a text.
    texts : sequence of str
    folder : Path
        Where the shards of this and other runs lie.
    description : str
        Shown while it works.
    version : bytes
        What else the answers depend on.
    """
    kept = folder / hashlib.sha256(version + json.dumps(list(texts)).encode()).hexdigest()[:16]
    kept.mkdir(parents=True, exist_ok=True)
    shards = []
    for start in track(range(0, len(texts), SIZE), description=description):
        path = kept / f"{start:07d}.npy"
        if not path.exists():
            np.save(path, answer(texts[start : start + SIZE]))
        shards.append(np.load(path))
    return np.concatenate(shards)
