"""What `moderation evaluate` prints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from moderation.evaluation import Evaluation, Figure, figures_of
from moderation.evaluation.agreement import Agreement
from moderation.evaluation.functional import SuiteResult
from moderation.evaluation.ranking import Measurement
from moderation.evaluation.reach import ROC_AUC, Aim
from moderation.evaluation.topic import Cost, TopicRow
from moderation.evaluation.topic.row import Part

_SIGNS: Final = {Aim.AT_LEAST: ">=", Aim.AT_MOST: "<=", Aim.WITHIN: "+-"}
_RIVALS: Final = {"shortness": "short", "tfidf": "TF-IDF", "lsa": "LSA", "transformer": "MiniLM"}
_STYLES: Final = {"met": "green", "missed": "red", "": ""}


def show(found: Evaluation) -> None:
    """Tables of 80 columns; only long names take more lines."""
    console = Console()
    tables = []
    if found.findings:
        tables.append(_rankings([finding.measurement for finding in found.findings]))
    if found.topic:
        tables.append(_topic(found.topic, found.cost))
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


def _topic(rows: list[TopicRow], cost: Cost | None) -> Table:
    """A line for all comments of a row, and one for those that are matched in length."""
    names = ("off topic in", "n", "ours", "95%", *_RIVALS.values(), "reach", "")
    table = _table(*names, folded="off topic in")
    for row in rows:
        table.add_row(f"{row.name} *" if row.rule.cross_validated else row.name, *_topic_cells(row.whole, row.roc_auc))
        if row.matched is not None:
            table.add_row("  matched", *_topic_cells(row.matched, row.matched_roc_auc))
    words = [
        "ROC AUC of ours and of its rivals: fewest words, least similar to title, body and parent; matched: over pairs "
        "of like length",
        "* by heads that had not seen the thread, as training found",
    ]
    if cost is not None:
        words.append(f"MiniLM takes {cost.times:,.0f} times as long for {cost.comments:,} comments")
    table.caption = "; ".join(words)
    return table


def _topic_cells(part: Part, ours: Figure | None) -> Iterator[str | Text]:
    yield f"{part.comments:,}"
    yield f"{ours.value:.3f}" if ours is not None else ""
    yield f"{ours.low:.3f}-{ours.high:.3f}" if ours is not None and ours.low is not None else ""
    yield from (f"{part.rivals[name]:.3f}" if name in part.rivals else "" for name in _RIVALS)
    yield f"{ours.reach:g}" if ours is not None and ours.reach is not None else ""
    yield Text(ours.outcome, style=_STYLES[ours.outcome]) if ours is not None else ""


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
            found.interval,
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
