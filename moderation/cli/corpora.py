"""`moderation train | evaluate | check`: the commands that read labelled comments."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from moderation import bundle, html_report, report, training
from moderation.cli.console import notices, steps
from moderation.cli.figures import show
from moderation.corpora import CorpusSpec, Recipe, check_labelled
from moderation.errors import RecipeError
from moderation.evaluation import FUNCTIONAL_STEP, EvaluationMap
from moderation.evaluation import evaluate as measure
from moderation.evaluation.plan import MeasuredCorpus, RankingRule
from moderation.evaluation.topic import installed_transformer
from moderation.files import open_reader
from moderation.files.atomic import output_to
from moderation.labels import LABELS
from moderation.moderator import Moderator, default_bundle

Corpora = Annotated[Path | None, typer.Option(help="Folder of the corpora; that of the TOML file by default.")]
Articles = Annotated[Path | None, typer.Option(help="File with id, title, text, to which article_id leads.")]


def train(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE.toml", help="Which corpora teach which label.")],
    corpora: Corpora = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write; `models/` and the recipe's name by default.")
    ] = None,
    distilled: Annotated[
        Path | None, typer.Option(help="Bundle to take over what a transformer taught; the shipped one by default.")
    ] = None,
    allow_eval_only: Annotated[
        bool, typer.Option("--allow-eval-only", help="Train on corpora that may only be measured on, for your own use.")
    ] = False,
) -> None:
    """Train a bundle as a recipe says.

    Example: `moderation train data/recipe.toml --out models/mine`
    """
    plan = Recipe.from_toml(recipe)
    plan.check_licences(allow_eval_only=allow_eval_only)
    folder = corpora or recipe.parent
    target = out or Path("models") / plan.name
    if target.exists() and not (target / bundle.MANIFEST).exists() and any(target.iterdir()):
        raise RecipeError(f"{target}: not empty and not a bundle; name another folder with --out")
    taken = bundle.load_distilled(distilled or default_bundle())
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as work:
        made = Path(work) / "bundle"
        with steps(training.steps(plan, folder)) as progress:
            training.train(plan, folder, made, taken, progress)
        if plan.evaluation is not None:
            _add_figures(made, recipe.parent / plan.evaluation, folder)
        (made / "README.md").write_text(report.model_card(bundle.verify(made)), encoding="utf-8")
        if target.exists():
            shutil.rmtree(target)
        made.rename(target)
    notices().print(f"{target}: {plan.name} {plan.version} is ready; look at it with `moderation model show {target}`")


def _add_figures(made: Path, map_file: Path, folder: Path) -> None:
    plan = EvaluationMap.from_toml(map_file)
    with _steps_of(plan) as progress:
        found = measure(Moderator.load(made), plan, folder, progress)
    bundle.add_figures(made, found.figures())


def evaluate(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Labelled comments, or a TOML file that maps several corpora.")
    ],
    corpora: Corpora = None,
    articles: Articles = None,
    model: Annotated[Path | None, typer.Option(help="Folder of a bundle; the shipped one by default.")] = None,
    json_out: Annotated[Path | None, typer.Option("--json", help="Write the figures and curves there as well.")] = None,
    html_out: Annotated[
        Path | None, typer.Option("--html", help="Write a report to look at there: plots, thresholds, worst errors.")
    ] = None,
) -> None:
    """Measure a bundle on labelled comments, and say whether it reaches what the TOML file states.

    Example: `moderation evaluate data/comments.csv --articles data/articles.csv --html report.html`
    """
    moderator = Moderator.load(model)
    plan = EvaluationMap.from_toml(file) if file.suffix == ".toml" else _own_format(file, articles)
    with ExitStack() as stack:  # what cannot be written is found out before the work is done
        page, data = (stack.enter_context(output_to(path)) if path else None for path in (html_out, json_out))
        with _steps_of(plan) as progress:
            transformer = installed_transformer(Path(".cache/topic")) if plan.topic else None
            found = measure(moderator, plan, corpora or file.parent, progress, transformer)
        document = {"model": moderator.model, "source": str(file), **found.document()}
        if data is not None:
            data.stream.write(json.dumps(document, indent=2).encode() + b"\n")
        if page is not None:
            page.stream.write(html_report.render(document).encode())
    show(found)


def _steps_of(plan: EvaluationMap) -> AbstractContextManager[Callable[[str], None]]:
    names = [*plan.corpora, *([FUNCTIONAL_STEP] if plan.functional is not None else [])]
    return steps(dict.fromkeys(names, 1 / len(names)))


def _own_format(file: Path, articles: Path | None) -> EvaluationMap:
    """A map of one file in our own format, with the labels that it has columns for."""
    with open_reader(file) as reader:
        columns = reader.columns or next((tuple(batch.columns) for batch in reader), ())
    place = articles.resolve() if articles else None
    spec = MeasuredCorpus(file=Path(file.name), licence="eval", terms="", articles=place)
    heads: dict[str, dict[str, RankingRule]] = {
        label: {file.stem: RankingRule()} for label in LABELS if label in columns
    }
    if not heads:
        raise RecipeError(f"{file}: no label column; expected at least one of {', '.join(LABELS)}")
    return EvaluationMap(corpora={file.stem: spec}, heads=heads)


def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Labelled comments in the format of data/README.md.")],
    articles: Articles = None,
) -> None:
    """Check a file of labelled comments before training on it. Exit code 1 if rows are at fault.

    Example: `moderation check data/comments.csv --articles data/articles.csv`
    """
    faults = 0

    def report_fault(error: Exception) -> None:
        nonlocal faults
        faults += 1
        Console().print(str(error), markup=False, highlight=False, soft_wrap=True)

    spec = CorpusSpec(file=file, licence="ship", terms="")
    sound = check_labelled(file, spec, articles, report_fault)
    notices().print(f"{file}: {sound:,} rows are sound, {faults:,} at fault")
    if faults:
        raise typer.Exit(1)
