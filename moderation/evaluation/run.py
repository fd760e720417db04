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
from moderation.heads.calibration import CalibrationKind
from moderation.labels import LABELS
from moderation.moderator import Moderator

FUNCTIONAL_STEP: Final = "functional cases"
"""Told to `progress` where it is not the name of a corpus."""

_Rule = TypeVar("_Rule")


class _OfLabelAndCorpus(Protocol):
    @property
    def label(self) -> str: ...
    @property
    def corpus(self) -> str: ...


_Result = TypeVar("_Result", bound=_OfLabelAndCorpus)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How good a moderator is; all but `suite` in the order of labels, then of the corpora's names.

    Attributes
    ----------
    findings : list of Finding
    agreements : list of Agreement
    streams : list of Stream
    explanations : list of Explanation
    suite : SuiteResult or None
        None where the map names no functional cases.
    """

    findings: list[Finding]
    agreements: list[Agreement]
    streams: list[Stream]
    explanations: list[Explanation]
    suite: SuiteResult | None

    def figures(self) -> dict[str, dict[str, float]]:
        """The numbers by what was measured, then by name, as a manifest holds them."""
        figures = {finding.measurement.name: finding.measurement.figures() for finding in self.findings}
        for agreement in self.agreements:
            figures |= agreement.figures()
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
            "functional": self.suite.document() if self.suite is not None else None,
            "explanation": rounded([asdict(found) for found in self.explanations]),
            "calibration": rounded([asdict(found) for found in self.streams]),
        }


def no_progress(_: str) -> None:
    """Take the name of a step and tell nobody."""


def evaluate(
    moderator: Moderator, plan: EvaluationMap, folder: Path, progress: Callable[[str], None] = no_progress
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

    Raises
    ------
    InputError, RecipeError
        If a corpus or a case cannot be read, or a corpus does not hold what the map says.
    """
    parts = [_on_corpus(moderator, plan, name, corpus) for name, corpus in plan.read(folder, progress)]
    suite = None
    if plan.functional is not None:
        progress(FUNCTIONAL_STEP)
        suite = measure_suite(moderator, plan.locate(plan.functional.cases, folder), plan.functional.reach)
    return Evaluation(
        findings=_in_order(part.findings for part in parts),
        agreements=_in_order(part.agreements for part in parts),
        streams=_in_order(part.streams for part in parts),
        explanations=_in_order(part.explanations for part in parts),
        suite=suite,
    )


def _on_corpus(moderator: Moderator, plan: EvaluationMap, name: str, corpus: LabelledComments) -> Evaluation:
    at_site = ScoredCorpus(moderator, name, corpus)
    by_kind = {kind: ScoredCorpus(Moderator(moderator.bundle, kind), name, corpus) for kind in CalibrationKind}

    def rules(table: Mapping[str, Mapping[str, _Rule]]) -> Iterator[tuple[str, _Rule]]:
        return ((label, by[name]) for label, by in table.items() if name in by and label in moderator.labels)

    findings = []
    for label, rule in rules(plan.heads):
        scored, limits = at_site.scored(label, rule), moderator.policy.thresholds.get(label)
        findings.append(Finding(measure(scored, limits, rule.reach), details(scored, limits)))
    return Evaluation(
        findings=findings,
        agreements=[measure_agreement(by_kind[rule.calibration], label, rule) for label, rule in rules(plan.agreement)],
        streams=[measure_stream(at_site.scored(label, rule), rule) for label, rule in rules(plan.calibration)],
        explanations=[
            measure_explanation(moderator, name, corpus, label, rule) for label, rule in rules(plan.explanation)
        ],
        suite=None,
    )


def _in_order(results: Iterable[Iterable[_Result]]) -> list[_Result]:
    return sorted(chain.from_iterable(results), key=lambda found: (LABELS.index(found.label), found.corpus))
