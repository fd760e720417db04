"""What `moderation evaluate` prints."""

from __future__ import annotations

from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from moderation.evaluation import Evaluation, Figure, figures_of
from moderation.evaluation.agreement import Agreement
from moderation.evaluation.functional import SuiteResult
from moderation.evaluation.ranking import Measurement
from moderation.evaluation.reach import ROC_AUC, Aim

_SIGNS: Final = {Aim.AT_LEAST: ">=", Aim.AT_MOST: "<=", Aim.WITHIN: "+-"}
_STYLES: Final = {"met": "green", "missed": "red", "": ""}


def show(found: Evaluation) -> None:
    """Tables of 80 columns; only long names take more lines."""
    console = Console()
    tables = []
    if found.findings:
        tables.append(_rankings([finding.measurement for finding in found.findings]))
    if any(agreement.flag_rates for agreement in found.agreements):
        tables.append(_flag_rates(found.agreements))
    figures = [figure for figure in figures_of(found.figures()) if _says_more(figure)]
    if figures:
        tables.append(_beside_reach(figures, found.suite))
    for at, table in enumerate(tables):
        console.print(*([""] if at else []), table, sep="\n")


def _rankings(measurements: list[Measurement]) -> Table:
    table = _table("label", "corpus", "n", "share", "AUC", "95%", "AP", "prec.", "recall", folded="corpus")
    for found in measurements:
        values = found.figures()
        table.add_row(
            found.label,
            found.corpus,
            f"{values['comments']:,}",
            f"{values['positive_share']:.1%}",
            f"{values['roc_auc']:.3f}",
            f"{values['roc_auc_low']:.3f}-{values['roc_auc_high']:.3f}",
            *(f"{values[name]:.3f}" for name in ("average_precision", "flag_precision", "flag_recall")),
        )
    table.caption = (
        "share: of comments that have the label; AUC: area under the ROC curve, with its 95% interval; "
        "AP: average precision; precision and recall of flags at the policy's thresholds"
    )
    return table


def _flag_rates(agreements: list[Agreement]) -> Table:
    table = _table("flagged by", "corpus", "calibration", "from", "ours", "theirs", folded="corpus")
    for found in agreements:
        for rates in found.flag_rates:
            cells = f"{rates.threshold:g}", f"{rates.ours:.1%}", f"{rates.theirs:.1%}"
            table.add_row(f"{found.label}, {found.column}", found.corpus, found.calibration, *cells)
    table.caption = "shares of comments with a score from that on; the calibration is that of ours"
    return table


def _says_more(figure: Figure) -> bool:
    """Whether it is not yet in the table of rankings."""
    return figure.reach is not None or figure.measure is not ROC_AUC


def _beside_reach(figures: list[Figure], suite: SuiteResult | None) -> Table:
    table = _table("measured", "value", "95%", "reach", "", folded="measured")
    for found in figures:
        goal = "" if found.reach is None else f"{_SIGNS[found.measure.aim]} {found.reach:g}"
        table.add_row(
            f"{found.measured}: {found.measure.title}",
            f"{found.value:.3f}",
            f"{found.low:.3f} to {found.high:.3f}",
            goal,
            Text(found.outcome, style=_STYLES[found.outcome]),
        )
    outcomes = [found.met for found in figures if found.met is not None]
    words = [f"{sum(outcomes)} of {len(outcomes)} reached"] if outcomes else []
    if suite is not None and suite.missed is not None:
        words.append(f"{suite.missed} of {len(suite.functions)} functions stay below {suite.reach.worst_function:g}")
    table.caption = "; ".join(words)
    return table


def _table(*names: str, folded: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), caption_justify="left")
    for name in names:
        table.add_column(name, no_wrap=name != folded, overflow="fold")
    return table
