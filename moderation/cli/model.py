"""`moderation model`: look at bundles."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from moderation import bundle
from moderation.moderator import default_bundle

app = typer.Typer(
    help="Look at a bundle: what it holds, whether it is whole.",
    epilog="Example: `moderation model show`",
    no_args_is_help=True,
)

Folder = Annotated[Path | None, typer.Argument(metavar="FOLDER", help="A bundle; the shipped one by default.")]


@app.command()
def show(folder: Folder = None) -> None:
    """Show what a bundle was trained on, how good it is, and its thresholds.

    Example: `moderation model show`
    """
    place = folder or default_bundle()
    manifest = bundle.verify(place)
    console = Console()
    console.print(f"[bold]{manifest.name} {manifest.version}[/]  scikit-learn {manifest.scikit_learn}  {place}")
    thresholds = Table("label", "flag", "review", "reject", "site rate", title="Thresholds", title_justify="left")
    for label in manifest.labels:
        limits = manifest.policy.get(label, {})
        cells = (f"{limits[step]:.3f}" if step in limits else "never" for step in ("flag", "review", "reject"))
        thresholds.add_row(label, *cells, f"{manifest.calibration[label].rate:.3f}")
    console.print(thresholds)
    corpora = Table("corpus", "licence", "terms", "teaches", title="Corpora", title_justify="left")
    for name, record in manifest.corpora.items():
        corpora.add_row(name, record.licence, record.terms, ", ".join(record.labels))
    console.print(corpora)
    figures = Table("measured", "figures", title="Figures", title_justify="left")
    for name, values in manifest.figures.items():
        figures.add_row(name, ", ".join(f"{key} {value:.4g}" for key, value in values.items()))
    console.print(figures)


@app.command()
def verify(folder: Folder = None) -> None:
    """Check a bundle as the service does before it starts: manifest, versions, SHA-256, classes.

    Example: `moderation model verify models/default`
    """
    place = folder or default_bundle()
    loaded = bundle.Bundle.load(place)
    size = sum(record.bytes for record in loaded.manifest.files.values())
    Console().print(f"{place}: {loaded.model} is whole, {size / 1e6:.1f} MB in {len(loaded.manifest.files)} files")
