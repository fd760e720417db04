"""Everything that a map asks for, measured in one go."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from moderation.corpora import LabelledComments
from moderation.evaluation.agreement import Agreement, measure_agreement
from moderation.evaluation.curves import Finding, details
from moderation.evaluation.functional import SuiteResult, measure_suite
from moderation.evaluation.plan import EvaluationMap
from moderation.evaluation.ranking import measure
from moderation.evaluation.reach import figures_of
from moderation.evaluation.reliability import Stream, measure_stream
from moderation.evaluation.resampling import rounded
from moderation.evaluation.scoring import ScoredCorpus
from moderation.evaluation.spans import Explanation, measure_explanation
from moderation.evaluation.topic import Cost, InContext, TopicRow, Transformer, measure_cost, measure_row, rivals
from moderation.heads.calibration import CalibrationKind
from moderation.labels import LABELS, OFF_TOPIC
from moderation.moderator import Moderator

FUNCTIONAL_STEP: Final = "functional cases"
"""Told to `progress` where it is not the name of a corpus."""
COST: Final = f"{OFF_TOPIC} beside the transformer"

_Rule = TypeVar("_Rule")


class _OfLabelAndCorpus(Protocol):
    @property
    def label(self) -> str: ...
    @property
    def corpus(self) -> str: ...


_Result = TypeVar("_Result", bound=_OfLabelAndCorpus)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How good a moderator is; all but `topic` and `suite` in the order of labels, then of the corpora's names.

    Attributes
    ----------
    findings : list of Finding
    agreements : list of Agreement
    streams : list of Stream
    explanations : list of Explanation
    topic : list of TopicRow
        In the order of the map; their findings stand among the others.
    cost : Cost or None
        None where the map does not ask for it, or the transformer is not installed.
    suite : SuiteResult or None
        None where the map names no functional cases.
    """

    findings: list[Finding]
    agreements: list[Agreement]
    streams: list[Stream]
    explanations: list[Explanation]
    topic: list[TopicRow]
    cost: Cost | None
    suite: SuiteResult | None

    def figures(self) -> dict[str, dict[str, float]]:
        """The numbers by what was measured, then by name, as a manifest holds them."""
        figures = {finding.measurement.name: finding.measurement.figures() for finding in self.findings}
        for agreement in self.agreements:
            figures |= agreement.figures()
        figures |= {row.measured: row.figures() for row in self.topic}
        figures |= {COST: self.cost.figures()} if self.cost is not None else {}
        figures |= self.suite.figures() if self.suite is not None else {}
        figures |= {found.name: found.figures() for found in self.explanations}
        figures |= {found.name: found.figures() for found in self.streams}
        return figures

    def document(self) -> dict[str, Any]:
        """Everything as JSON holds it, numbers rounded to four places."""
        return {
            "reach": [figure.document() for figure in figures_of(self.figures()) if figure.reach is not None],
            "figures": [finding.document() for finding in self.findings],
            "agreement": rounded([asdict(found) for found in self.agreements]),
            "topic": [row.document() for row in self.topic],
            "topic_cost": self.cost.document() if self.cost is not None else None,
            "functional": self.suite.document() if self.suite is not None else None,
            "explanation": rounded([asdict(found) for found in self.explanations]),
            "calibration": rounded([asdict(found) for found in self.streams]),
        }


def no_progress(_: str) -> None:
    """Take the name of a step and tell nobody."""


def evaluate(
    moderator: Moderator,
    plan: EvaluationMap,
    folder: Path,
    progress: Callable[[str], None] = no_progress,
    transformer: Transformer | None = None,
) -> Evaluation:
    """Measure what a map asks for, of the labels that the moderator gives.

    Parameters
    ----------
    moderator : Moderator
        In the calibration that its policy and the streams of the map are meant for.
    plan : EvaluationMap
    folder : Path
        To which its file names are relative.
    progress : callable
        Told the name of each corpus before it is scored, then `FUNCTIONAL_STEP` where there are such cases.
    transformer : Transformer, optional
        A further rival on the topic table.

    Raises
    ------
    InputError, RecipeError
        If a corpus or a case cannot be read, or a corpus does not hold what the map says.
    """
    corpora = plan.read(folder, progress)
    parts = [_on_corpus(moderator, plan, name, corpus, transformer) for name, corpus in corpora]
    order = list(plan.topic)
    suite = None
    if plan.functional is not None:
        progress(FUNCTIONAL_STEP)
        suite = measure_suite(moderator, plan.locate(plan.functional.cases, folder), plan.functional.reach)
    return Evaluation(
        findings=_in_order(part.findings for part in parts),
        agreements=_in_order(part.agreements for part in parts),
        streams=_in_order(part.streams for part in parts),
        explanations=_in_order(part.explanations for part in parts),
        topic=sorted(chain.from_iterable(part.topic for part in parts), key=lambda row: order.index(row.name)),
        cost=next((part.cost for part in parts if part.cost is not None), None),
        suite=suite,
    )


def _on_corpus(
    moderator: Moderator, plan: EvaluationMap, name: str, corpus: LabelledComments, transformer: Transformer | None
) -> Evaluation:
    at_site = ScoredCorpus(moderator, name, corpus)
    by_kind = {kind: ScoredCorpus(Moderator(moderator.bundle, kind), name, corpus) for kind in CalibrationKind}

    def rules(table: Mapping[str, Mapping[str, _Rule]]) -> Iterator[tuple[str, _Rule]]:
        return ((label, by[name]) for label, by in table.items() if name in by and label in moderator.labels)

    findings = []
    for label, rule in rules(plan.heads):
        scored, limits = at_site.scored(label, rule), moderator.policy.thresholds.get(label)
        findings.append(Finding(measure(scored, limits, rule.reach), details(scored, limits)))
    topic = _topic_rows(moderator, plan, name, corpus, transformer)
    return Evaluation(
        findings=[*findings, *(row.finding for row in topic if row.finding is not None)],
        agreements=[measure_agreement(by_kind[rule.calibration], label, rule) for label, rule in rules(plan.agreement)],
        streams=[measure_stream(at_site.scored(label, rule), rule) for label, rule in rules(plan.calibration)],
        explanations=[
            measure_explanation(moderator, name, corpus, label, rule) for label, rule in rules(plan.explanation)
        ],
        topic=topic,
        cost=_cost(moderator, plan, name, corpus, transformer),
        suite=None,
    )


def _topic_rows(
    moderator: Moderator, plan: EvaluationMap, name: str, corpus: LabelledComments, transformer: Transformer | None
) -> list[TopicRow]:
    rules = {row: rule for row, rule in plan.topic.items() if rule.corpus == name}
    if not rules or OFF_TOPIC not in moderator.labels:
        return []
    others = rivals(corpus, transformer)
    return [measure_row(moderator, row, rule, corpus, others) for row, rule in rules.items()]


def _cost(
    moderator: Moderator, plan: EvaluationMap, name: str, corpus: LabelledComments, transformer: Transformer | None
) -> Cost | None:
    bundle, wanted = moderator.bundle, plan.topic_cost
    if bundle.topic is None or wanted is None or transformer is None or plan.topic[wanted.row].corpus != name:
        return None
    found = InContext.of(corpus, plan.topic[wanted.row])
    taken = set(found.rows[: wanted.comments])
    before = [comment for row, comment in zip(corpus.rows, corpus.comments, strict=True) if row not in taken]
    return measure_cost(bundle, found.comments[: wanted.comments], before, transformer.encode, wanted.reach)


def _in_order(results: Iterable[Iterable[_Result]]) -> list[_Result]:
    return sorted(chain.from_iterable(results), key=lambda found: (LABELS.index(found.label), found.corpus))
