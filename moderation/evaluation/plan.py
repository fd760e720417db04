"""What to measure on, and what is to be reached: the TOML file that `moderation evaluate` follows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import compress
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from moderation.corpora import CorpusMap, CorpusSpec, LabelledComments, LabelRule, read_corpora, read_labelled
from moderation.heads.calibration import CalibrationKind
from moderation.labels import LABELS


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class MeasuredCorpus(CorpusSpec):
    """A corpus to measure on.

    Attributes
    ----------
    without : Path or None
        File of comments that are left out where they stand in this corpus too, whatever their case and blanks: what
        taught the bundle. It has the same column of texts.
    """

    without: Path | None = None


class RankingRule(LabelRule):
    """Where to find whether a comment has the label, and the ROC AUC to be reached."""

    reach: float | None = Field(default=None, gt=0, le=1)


class StreamRule(LabelRule):
    """A stream of comments as a site sees them, on which scores should be probabilities.

    Attributes
    ----------
    rate : float or None
        The label's rate on the site, where it differs from that among the comments: they are weighed so.
    reach : float or None
        Highest expected calibration error.
    """

    rate: float | None = Field(default=None, gt=0, lt=1)
    reach: float | None = Field(default=None, gt=0, le=1)


class AgreementRule(_Table):
    """A column of numbers that scores should rise and fall with; blank where there is none.

    Attributes
    ----------
    column : str
    reach : float or None
        Spearman's rank correlation.
    flags_at : tuple of float
        Thresholds at which as many comments should be flagged by us as by the column, which then holds scores.
    flags_within : float or None
        Highest difference of those rates, as a share of the column's.
    calibration : CalibrationKind
        Of our scores; it says what a threshold means, and leaves their order alone.
    """

    column: str
    reach: float | None = Field(default=None, gt=0, le=1)
    flags_at: tuple[float, ...] = ()
    flags_within: float | None = Field(default=None, gt=0)
    calibration: CalibrationKind = CalibrationKind.BALANCED


class SpanRule(_Table):
    """A column with the characters that people underlined.

    Attributes
    ----------
    column : str
        A JSON list of offsets, as ``[0, 1, 2]``.
    where : dict of str to str
        Only rows in which these columns hold these words.
    reach : float or None
        Character F1.
    """

    column: str
    where: Mapping[str, str] = {}
    reach: float | None = Field(default=None, gt=0, le=1)


class FunctionalReach(_Table):
    """What is to be reached on functional cases.

    Attributes
    ----------
    accuracy, worst_function : float or None
        Share of cases that are right: of all, and of every function.
    worst_bpsn, mean_bpsn : float or None
        ROC AUC, see `moderation.evaluation.functional.TermResult`.
    """

    accuracy: float | None = Field(default=None, gt=0, le=1)
    worst_function: float | None = Field(default=None, gt=0, le=1)
    worst_bpsn: float | None = Field(default=None, gt=0, le=1)
    mean_bpsn: float | None = Field(default=None, gt=0, le=1)


class FunctionalPlan(_Table):
    """Functional cases to measure on.

    Attributes
    ----------
    cases : Path
        Folder, found as the files of corpora are.
    """

    cases: Path
    reach: FunctionalReach = FunctionalReach()


class EvaluationMap(CorpusMap):
    """What to measure on; all but `functional` by label, then by corpus.

    Attributes
    ----------
    heads : mapping to RankingRule
        How well comments with a label are told from those without.
    agreement : mapping to AgreementRule
        How far scores follow a graded truth.
    calibration : mapping to StreamRule
        How far scores are probabilities.
    explanation : mapping to SpanRule
        How far a label's spans are what people would underline.
    functional : FunctionalPlan or None
    """

    corpora: Mapping[str, MeasuredCorpus]
    heads: Mapping[str, Mapping[str, RankingRule]] = {}
    agreement: Mapping[str, Mapping[str, AgreementRule]] = {}
    calibration: Mapping[str, Mapping[str, StreamRule]] = {}
    explanation: Mapping[str, Mapping[str, SpanRule]] = {}
    functional: FunctionalPlan | None = None

    @model_validator(mode="after")
    def _measured_names_must_exist(self) -> Self:
        tables = {"agreement": self.agreement, "calibration": self.calibration, "explanation": self.explanation}
        for kind, rules in tables.items():
            for label, by_corpus in rules.items():
                if label not in LABELS:
                    raise ValueError(f"{kind}.{label}: no such label; labels are {', '.join(LABELS)}")
                if strangers := sorted(set(by_corpus) - set(self.corpora)):
                    raise ValueError(f"{kind}.{label}.{strangers[0]}: no such corpus; add [corpora.{strangers[0]}]")
        return self

    def read(self, folder: Path, progress: Callable[[str], None]) -> Iterator[tuple[str, LabelledComments]]:
        """Read every corpus, in order, and tell the name of each before.

        Raises
        ------
        InputError, RowError
            If a file or a row of it cannot be used.
        """
        for name, corpus in read_corpora(self, folder, progress):
            spec = self.corpora[name]
            if spec.without is None:
                yield name, corpus
            else:
                texts = CorpusSpec(file=spec.without, licence=spec.licence, terms=spec.terms, text=spec.text)
                taught = read_labelled(self.locate(spec.without, folder), texts)
                yield name, _without(corpus, {_plain(comment.text) for comment in taught.comments})


def _plain(text: str) -> str:
    return " ".join(text.lower().split())


def _without(corpus: LabelledComments, texts: set[str]) -> LabelledComments:
    kept = [_plain(comment.text) not in texts for comment in corpus.comments]
    return replace(
        corpus,
        comments=list(compress(corpus.comments, kept)),
        groups=list(compress(corpus.groups, kept)),
        columns={name: list(compress(values, kept)) for name, values in corpus.columns.items()},
        rows=list(compress(corpus.rows, kept)),
    )
