"""What to measure on, and what is to be reached: the TOML file that `moderation evaluate` follows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import compress
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from moderation.corpora import CorpusMap, CorpusSpec, LabelledComments, LabelRule, read_corpora, read_labelled
from moderation.heads.calibration import CalibrationKind
from moderation.labels import LABELS, OFF_TOPIC


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


class TopicReach(_Table):
    """What is to be reached on one row of the topic table.

    Attributes
    ----------
    roc_auc : float or None
    matched_roc_auc : float or None
        Over pairs of like length, see `moderation.evaluation.topic.matched.LengthMatched`.
    flag_precision, flag_recall : float or None
        Of flags at the policy's threshold.
    replies_flagged : int or None
        How many replies of one line may be flagged that are on topic, behind a comment that is not flagged: only where
        training counts them.
    """

    roc_auc: float | None = Field(default=None, gt=0, le=1)
    matched_roc_auc: float | None = Field(default=None, gt=0, le=1)
    flag_precision: float | None = Field(default=None, gt=0, le=1)
    flag_recall: float | None = Field(default=None, gt=0, le=1)
    replies_flagged: int | None = Field(default=None, ge=0)


class TopicRule(LabelRule):
    """One row of the topic table: which comments, in which context.

    Attributes
    ----------
    corpus : str
    only : {"top-level", "replies"} or None
        Comments whose parent is not known, or those whose parent is.
    min_words : int
    context : {"article", "parent", "both"}
        What of it is shown, to us and to our rivals.
    thread_text : int or None
        So many other comments of the group stand in for the text of the article.
    sample : int or None
        At most so many comments, drawn at random: of each kind, where people said which are off topic.
    cross_validated : bool
        The bundle has learned from these comments: what training found by heads that had not seen them stands in the
        bundle's manifest, and the rivals alone are measured here.
    reach : TopicReach
    """

    corpus: str
    only: Literal["top-level", "replies"] | None = None
    min_words: int = Field(default=0, ge=0)
    context: Literal["article", "parent", "both"] = "both"
    thread_text: int | None = Field(default=None, gt=0)
    sample: int | None = Field(default=None, gt=0)
    cross_validated: bool = False
    reach: TopicReach = TopicReach()


class TopicCost(_Table):
    """Comments with which the cost of an off-topic score is measured, where the transformer is installed.

    Attributes
    ----------
    row : str
        Of the topic table: the first of its comments are taken.
    comments : int
        How many; others of the corpus are scored before, as in a service that has been running for a while.
    reach : float or None
        How many times as long the transformer is to take.
    """

    row: str
    comments: int = Field(default=2000, gt=0)
    reach: float | None = Field(default=None, gt=0)


class EvaluationMap(CorpusMap):
    """What to measure on; all but `topic`, its cost and `functional` by label, then by corpus.

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
    topic : mapping of str to TopicRule
        How well off_topic is told, beside other ways of telling it.
    topic_cost : TopicCost or None
    functional : FunctionalPlan or None
    """

    corpora: Mapping[str, MeasuredCorpus]
    heads: Mapping[str, Mapping[str, RankingRule]] = {}
    agreement: Mapping[str, Mapping[str, AgreementRule]] = {}
    calibration: Mapping[str, Mapping[str, StreamRule]] = {}
    explanation: Mapping[str, Mapping[str, SpanRule]] = {}
    topic: Mapping[str, TopicRule] = {}
    topic_cost: TopicCost | None = None
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
        for name, ranking in self.heads.get(OFF_TOPIC, {}).items():
            if ranking.moved:
                raise ValueError(f"heads.{OFF_TOPIC}.{name}: moved comments are measured by [topic.<name>]")
        for name, rule in self.topic.items():
            if rule.corpus not in self.corpora:
                raise ValueError(f"topic.{name}: no such corpus; add [corpora.{rule.corpus}]")
            if name in self.heads.get(OFF_TOPIC, {}):
                raise ValueError(f"topic.{name}: heads.{OFF_TOPIC} has that name already")
        if self.topic_cost is not None and self.topic_cost.row not in self.topic:
            raise ValueError(f"topic_cost.row: no such row; add [topic.{self.topic_cost.row}]")
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
