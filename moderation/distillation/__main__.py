"""`python -m moderation.distillation meaning | tone`: what `moderation train --distilled` takes over."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import typer

from moderation import bundle
from moderation.corpora import read_corpora
from moderation.distillation import abuse, embeddings, tone
from moderation.moderator import default_bundle

app: Final = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)

PlanFile = Annotated[Path, typer.Argument(metavar="PLAN.toml")]
Corpora = Annotated[Path, typer.Option(help="Folder of the corpora.")]
Out = Annotated[Path, typer.Option(help="Folder of the bundle of word vectors to write.")]
Others = Annotated[
    Path | None, typer.Option(help="Bundle from which the other word vectors come; the shipped one by default.")
]
Cache = Annotated[Path, typer.Option(help="Where the teacher and its answers are kept.")]


@app.command()
def meaning(
    plan_file: PlanFile, corpora: Corpora, out: Out, others: Others = None, cache: Cache = Path(".cache/embeddings")
) -> None:
    """What texts are about: word vectors whose sums match the transformer's own vectors."""
    plan = embeddings.Plan(**tomllib.loads(plan_file.read_text(encoding="utf-8")))
    kept = bundle.load_distilled(others or default_bundle())
    _write(out, replace(kept, embeddings=embeddings.distil(plan, corpora, cache)))


@app.command("tone")
def tone_(
    plan_file: PlanFile, corpora: Corpora, out: Out, others: Others = None, cache: Cache = Path(".cache/teacher")
) -> None:
    """How texts sound: word vectors and a small network that hear the abuse which the taught transformer hears.

    It stands on the word vectors of the other kind: teach those first.
    """
    plan = abuse.Plan.from_toml(plan_file)
    kept = bundle.load_embeddings(others or default_bundle())
    data = dict(read_corpora(plan, corpora, lambda name: print(f"read {name}")))
    judge = abuse.teach(plan, abuse.lessons(plan, data), cache)
    named = [*data, *plan.trusted]  # what is trusted counts twice
    texts = [comment.text for name in named for comment in data[name].comments]
    known = [
        plan.shares(name, data[name]) if name in plan.trusted else np.full((len(data[name]), len(plan.outputs)), np.nan)
        for name in named
    ]
    answers = tone.Answers(tuple(plan.outputs), texts, abuse.answers(judge, texts, cache), np.concatenate(known))
    _write(out, bundle.Distilled(kept, tone.distil(answers, kept, plan.labels, tone.Schedule())))


def _write(out: Path, distilled: bundle.Distilled) -> None:
    empty: dict[str, Any] = {"calibration": {}, "policy": {}, "corpora": {}, "figures": {}}
    bundle.write(out, distilled=distilled, name="distilled", version="0", **empty)


if __name__ == "__main__":
    app()
