"""Recipes: TOML files that name, for each head, which corpora teach it and how."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from moderation.errors import RecipeError
from moderation.labels import LABELS, OFF_TOPIC, TEXT_LABELS


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CorpusSpec(_Table):
    """Where a corpus lies, under which terms, and in which columns its texts stand.

    Files are CSV, JSON Lines or Parquet, gzipped or not, relative to the corpora folder or, where they are not there,
    to the folder of the file that names them.
    """

    file: Path
    licence: Literal["ship", "eval"]
    terms: str
    id: str = "id"
    text: str = "text"
    parent_text: str = "parent_text"
    parent_id: str = "parent_id"
    article_title: str = "article_title"
    article_text: str = "article_text"
    article_id: str = "article_id"
    articles: Path | None = None
    group: str | None = None


class LabelRule(_Table):
    """How a corpus teaches one label.

    Its values are shares in [0, 1], true or false; blank means that the label is not defined for that row.

    Attributes
    ----------
    column : str
        The corpus's column, by default the label's own name.
    positive, negative : tuple of str
        For a column of words: which of them mean 1 and which 0; all others leave the label undefined.
    above, below : float
        For a column of other numbers: values at or above `above` mean 1, those at or below `below` mean 0 (all others,
        where there is no `below`), and those between leave the label undefined.
    invert : bool
        The column says how far the label does not apply.
    constant : float
        No column: every row has this share.
    moved : bool
        Only off_topic: every comment is on topic under its own article, and off topic under another one of the corpus.
    excerpts : int or None
        Only with `moved`: the corpus holds articles, whose titles are given as those of a comment's article. From so
        many of them excerpts are cut that stand in for comments, see `moderation.corpora.excerpts`.
    keep : {"all", "positives", "negatives"}
        Which rows teach: above .5, at or below it, or all.
    where : str
        Only rows in which this column is 1.
    weight : float
        What one row counts.
    """

    column: str | None = None
    positive: tuple[str, ...] = ()
    negative: tuple[str, ...] = ()
    above: float | None = None
    below: float | None = None
    invert: bool = False
    constant: float | None = Field(default=None, ge=0, le=1)
    moved: bool = False
    excerpts: int | None = Field(default=None, ge=2)
    keep: Literal["all", "positives", "negatives"] = "all"
    where: str | None = None
    weight: float = Field(default=1.0, gt=0)


class Balance(_Table):
    """Weigh kept-out rows of an enriched corpus so that a column's share of ones is what it is in nature."""

    column: str
    rate: float = Field(gt=0, lt=1)


class CalibrationRule(_Table):
    """Which rows are kept out of training to calibrate some labels and choose their thresholds.

    Attributes
    ----------
    labels : tuple of str
    corpora : tuple of str
        They must teach the labels.
    share : float
        Part of the rows (of the groups, where the corpus has such) that is kept out. For off_topic nothing is: it is
        calibrated on every thread of the corpora, by heads that had not seen it.
    balance : Balance
        How to weigh those rows.
    rate : float
        The label's rate on a site, where it differs from that among those rows, weighed so.
    harder : tuple of str
        Corpora of comments that are harder to judge than a site's own. Rows of theirs are kept out as well, but count
        in the balanced calibration alone: there those without the label are theirs.
    """

    labels: tuple[str, ...]
    corpora: tuple[str, ...]
    harder: tuple[str, ...] = ()
    share: float = Field(gt=0, lt=1)
    balance: Balance | None = None
    rate: float | None = Field(default=None, gt=0, lt=1)


class PolicyRule(_Table):
    """Precision from which on a label is flagged and sent to review, and from which on it is rejected.

    Attributes
    ----------
    review_precision, reject_precision : float
    review_precisions : dict of str to float
        For labels that shall be looked at with less certainty, or more.
    flag_only, review_only : tuple of str
        Labels that never ask for more.
    """

    review_precision: float = Field(default=0.5, gt=0, lt=1)
    reject_precision: float = Field(default=0.9, gt=0, lt=1)
    review_precisions: dict[str, float] = {}
    flag_only: tuple[str, ...] = ()
    review_only: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _labels_must_exist(self) -> Self:
        if unknown := sorted({*self.flag_only, *self.review_only, *self.review_precisions} - set(LABELS)):
            raise ValueError(f"no such label: {', '.join(unknown)}; labels are {', '.join(LABELS)}")
        return self


class CorpusMap(_Table):
    """Corpora, and what each says of each label. A recipe is one; so is the map of what to evaluate on.

    Attributes
    ----------
    corpora : mapping of str to CorpusSpec
    heads : mapping of str to mapping of str to LabelRule
        By label, then by corpus.
    home : Path
        Folder of the TOML file.
    """

    corpora: Mapping[str, CorpusSpec]
    heads: Mapping[str, Mapping[str, LabelRule]]
    home: Path = Path()

    @model_validator(mode="after")
    def _names_must_exist(self) -> Self:
        for label, rules in self.heads.items():
            if label not in LABELS:
                raise ValueError(f"heads.{label}: no such label; labels are {', '.join(LABELS)}")
            for name, rule in rules.items():
                if name not in self.corpora:
                    raise ValueError(f"heads.{label}.{name}: no such corpus; add [corpora.{name}]")
                if rule.moved and label != OFF_TOPIC:
                    raise ValueError(f"heads.{label}.{name}: only {OFF_TOPIC} is learned from moved comments")
                if rule.excerpts is not None and not rule.moved:
                    raise ValueError(f"heads.{label}.{name}: excerpts must be moved to teach anything")
        return self

    def locate(self, file: Path, folder: Path) -> Path:
        """Where a file lies that a corpus names, see `CorpusSpec`."""
        return folder / file if (folder / file).exists() else self.home / file

    @classmethod
    def from_toml(cls, path: Path) -> Self:
        """Read and check a file.

        Raises
        ------
        RecipeError
            Says which entry is wrong.
        """
        try:
            return cls.model_validate({**tomllib.loads(path.read_text(encoding="utf-8")), "home": path.parent})
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise RecipeError(f"{path}: {where + ': ' if where else ''}{first['msg']}") from error
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise RecipeError(f"{path}: cannot be read as a recipe: {error}") from error


class Recipe(CorpusMap):
    """Everything that makes a bundle what it is.

    Attributes
    ----------
    name, version : str
    evaluation : Path or None
        File of corpora to measure on when trained, relative to the recipe.
    seed : int
    perspective : mapping of str to mapping of float to float
        By label: which share of comments Google's Perspective scored above each of some thresholds. On the rows that
        calibrate the label (which should be of the kind that Google scored) as many shall be above.
    """

    name: str
    version: str
    evaluation: Path | None = None
    seed: int = 0
    calibration: tuple[CalibrationRule, ...]
    perspective: Mapping[str, Mapping[Annotated[float, Field(gt=0, lt=1)], float]] = Field(default={})
    policy: PolicyRule = PolicyRule()

    @model_validator(mode="after")
    def _a_text_label_is_taught(self) -> Self:
        if not set(self.heads) & set(TEXT_LABELS):
            raise ValueError(f"[heads] needs a label that a comment's own text decides: {', '.join(TEXT_LABELS)}")
        return self

    @model_validator(mode="after")
    def _each_label_is_calibrated_once(self) -> Self:
        calibrated = [label for rule in self.calibration for label in rule.labels]
        if sorted(calibrated) != sorted(self.heads):
            raise ValueError(
                f"[[calibration]] must name each label of [heads] once: heads {sorted(self.heads)}, "
                f"calibration {sorted(calibrated)}"
            )
        for rule in self.calibration:
            for label in rule.labels:
                if strangers := sorted({*rule.corpora, *rule.harder} - set(self.heads[label])):
                    raise ValueError(f"calibration of {label}: {', '.join(strangers)} does not teach it")
        for label, rates in self.perspective.items():
            if label not in self.heads or len(rates) < 2:
                raise ValueError(f"perspective.{label}: must be a label of [heads], with two thresholds or more")
            shares = [rates[threshold] for threshold in sorted(rates)]
            if not all(0 < low < high < 1 for high, low in pairwise(shares)):
                raise ValueError(f"perspective.{label}: shares must lie in (0, 1) and fall as thresholds rise")
        return self

    def check_licences(self, *, allow_eval_only: bool) -> None:
        """Refuse corpora on which a bundle that is passed on may not be trained.

        Raises
        ------
        RecipeError
            Names the first such corpus that teaches a head.
        """
        used = {name for rules in self.heads.values() for name in rules}
        for name in sorted(used):
            spec = self.corpora[name]
            if spec.licence != "ship" and not allow_eval_only:
                raise RecipeError(
                    f"corpus {name} ({spec.terms}) may be measured on but not trained on: its licence is "
                    f"'{spec.licence}'; take it out of [heads], or pass --allow-eval-only for a bundle of your own use"
                )
