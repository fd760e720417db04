"""What a moderator gets right, function by function, and whether it is fair to those whom a comment names.

A functional suite (Ribeiro et al. 2020, Röttger et al. 2021) asks one thing at a time: does the filter see a threat
between the lines, does it leave a quotation in peace. Such a suite is a folder of TOML files that people read and
correct: every ``*.toml`` holds functions, but for ``lists.toml`` with what fills the slots of their sentences, and
``identity_terms.toml`` with the sentences of the prejudice measure. tests/functional holds one, and says how to add.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from moderation.comment import Comment
from moderation.errors import InputError
from moderation.evaluation.plan import FunctionalReach
from moderation.evaluation.resampling import RESAMPLES, Estimate, rounded
from moderation.heads.calibration import CalibrationKind
from moderation.labels import TEXT_LABELS
from moderation.moderator import Moderator

THRESHOLD: Final = 0.5
LISTS: Final = "lists.toml"
IDENTITY_TERMS: Final = "identity_terms.toml"
IDENTITY: Final = "identity"
"""The list whose entries the prejudice measure tells apart."""

_SLOT = re.compile(r"\{(\w+)(?:\.(\w+))?\}")
_PREJUDICE_LABEL: Final = "toxicity"
_TERM = "term"  # the form that a slot without a form takes

_Entry = Mapping[str, str]  # of a list: its forms by name
_Lists = Mapping[str, Sequence[_Entry]]
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Case:
    """A sentence, and whether the function's label applies to it."""

    text: str
    positive: bool


@dataclass(frozen=True, slots=True)
class Function:
    """One thing that a moderator should get right.

    Attributes
    ----------
    name : str
    label : str
        One of `moderation.labels.TEXT_LABELS`: the flag that is expected, or not.
    meaning : str
        What is tested, in a sentence.
    cases : tuple of Case
    """

    name: str
    label: str
    meaning: str
    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class FunctionResult:
    """How a moderator did in one function.

    Attributes
    ----------
    name, label, meaning : str
        The function's.
    cases : int
    accuracy : float
        Share of the cases that are right.
    wrong : tuple of Case
        Those that are not.
    """

    name: str
    label: str
    meaning: str
    cases: int
    accuracy: float
    wrong: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class TermResult:
    """How well abuse is told from neutral talk where an identity is named (Borkan et al. 2019).

    Attributes
    ----------
    term : str
    subgroup : float
        ROC AUC among the sentences that name it.
    bpsn : float
        Background positive, subgroup negative: its neutral sentences against the abusive ones of the others. Low where
        the term alone raises the score.
    bnsp : float
        Background negative, subgroup positive: its abusive sentences against the neutral ones of the others.
    """

    term: str
    subgroup: float
    bpsn: float
    bnsp: float


@dataclass(frozen=True, slots=True)
class IdentityTerms:
    """The prejudice of a moderator.

    Attributes
    ----------
    terms : tuple of TermResult
    worst, mean : mapping of str to Estimate
        ``subgroup``, ``bpsn`` and ``bnsp`` of the term for which it is lowest, and of the average term; sentences are
        what is drawn anew, all terms filling the same.
    """

    terms: tuple[TermResult, ...]
    worst: Mapping[str, Estimate]
    mean: Mapping[str, Estimate]

    def figures(self, reach: FunctionalReach) -> dict[str, float]:
        """The numbers by name, with those that were to be reached."""
        figures: dict[str, float] = {"terms": len(self.terms)}
        for extent, estimates in (("worst", self.worst), ("mean", self.mean)):
            for kind, estimate in estimates.items():
                figures |= estimate.figures(f"{extent}_{kind}", getattr(reach, f"{extent}_{kind}", None))
        return figures


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """How a moderator did on a folder of cases.

    Attributes
    ----------
    functions : sequence of FunctionResult
    identities : IdentityTerms or None
        None where the folder tells none apart, or the bundle gives no toxicity.
    reach : FunctionalReach
    """

    functions: Sequence[FunctionResult]
    identities: IdentityTerms | None
    reach: FunctionalReach

    @property
    def worst(self) -> FunctionResult:
        """The function with the smallest share of cases right."""
        return min(self.functions, key=lambda result: result.accuracy)

    @property
    def missed(self) -> int | None:
        """How many functions stay below what was to be reached in each; None where that was nothing."""
        wanted = self.reach.worst_function
        return None if wanted is None else sum(result.accuracy < wanted for result in self.functions)

    def figures(self) -> dict[str, dict[str, float]]:
        """The numbers by what was measured, then by name."""
        missed = {} if self.missed is None else {"functions_missed": self.missed}
        figures = {
            "functional cases": {
                "cases": sum(result.cases for result in self.functions),
                "functions": len(self.functions),
                **missed,
                **accuracy(self.functions).figures("accuracy", self.reach.accuracy),
                **accuracy([self.worst]).figures("worst_function", self.reach.worst_function),
            }
        }
        if self.identities is not None:
            figures["identity terms"] = self.identities.figures(self.reach)
        return figures

    def document(self) -> dict[str, Any]:
        """Everything as JSON holds it, numbers rounded to four places."""
        document: dict[str, Any] = rounded(
            {
                "figures": self.figures(),
                "functions": [asdict(result) for result in self.functions],
                "terms": [asdict(term) for term in self.identities.terms] if self.identities is not None else [],
            }
        )
        return document


def read_functions(folder: Path) -> list[Function]:
    """Read a folder of cases and fill their templates, always in the same way.

    Returns
    -------
    list of Function
        By file name, then in the order of the file. No two share a name or a sentence.

    Raises
    ------
    InputError
        Names the file, the entry and the reason.
    """
    lists = _read_lists(folder)
    paths = sorted(path for path in folder.glob("*.toml") if path.name not in (LISTS, IDENTITY_TERMS))
    if not paths:
        raise InputError(f"{folder}: no functions; expected files *.toml beside {LISTS}")
    functions: dict[str, Function] = {}
    owners: dict[str, str] = {}
    for path in paths:
        for name, table in _read(path, _FUNCTIONS).items():
            where = f"{path}: {name}"
            if name in functions:
                raise InputError(f"{where}: another file has a function of this name; rename one of them")
            functions[name] = Function(name, table.label, table.meaning, tuple(_cases(table, lists, where)))
            for case in functions[name].cases:
                if case.text in owners:
                    raise InputError(f"{where}: {case.text!r} already stands in {owners[case.text]}; keep one of them")
                owners[case.text] = name
    return list(functions.values())


def measure(moderator: Moderator, functions: Sequence[Function]) -> list[FunctionResult]:
    """Judge every case by whether it is flagged exactly if it should be.

    Flagged means a score of at least .5 in the ``balanced`` calibration of the moderator's bundle, whatever calibration
    and policy it serves with: about half of a suite is abuse, where on a site it is a few comments in a hundred, and
    one fixed threshold for all labels lets figures be compared between bundles and with published ones.

    Parameters
    ----------
    moderator : Moderator
    functions : sequence of Function

    Returns
    -------
    list of FunctionResult
        In the order of `functions`, without those whose label the bundle does not give.

    Raises
    ------
    InputError
        If the bundle gives no label of any function.
    """
    balanced = Moderator(moderator.bundle, CalibrationKind.BALANCED)
    known = [function for function in functions if function.label in balanced.labels]
    if not known:
        raise InputError(f"{moderator.model} gives no label tested here; its labels are {', '.join(balanced.labels)}")
    probabilities = balanced.probabilities([Comment(case.text) for function in known for case in function.cases])
    results, start = [], 0
    for function in known:
        end = start + len(function.cases)
        flagged = probabilities[start:end, balanced.labels.index(function.label)] >= THRESHOLD
        start = end
        pairs = zip(function.cases, flagged, strict=True)
        wrong = tuple(case for case, flag in pairs if case.positive != bool(flag))
        accuracy = 1 - len(wrong) / len(function.cases)
        described = function.name, function.label, function.meaning
        results.append(FunctionResult(*described, len(function.cases), accuracy, wrong))
    return results


def measure_suite(moderator: Moderator, folder: Path, reach: FunctionalReach) -> SuiteResult:
    """Measure a folder of cases, and the prejudice where the folder holds sentences for it.

    Raises
    ------
    InputError
        Names the file, the entry and the reason; or if the bundle gives no label of any function.
    """
    functions = measure(moderator, read_functions(folder))
    tells_apart = (folder / IDENTITY_TERMS).exists() and _PREJUDICE_LABEL in moderator.labels
    return SuiteResult(functions, identity_terms(moderator, folder) if tells_apart else None, reach)


def accuracy(results: Sequence[FunctionResult]) -> Estimate:
    """Share of all cases that are right, each counted once; cases are drawn anew within each function."""
    sizes = np.array([result.cases for result in results])
    right = sizes - [len(result.wrong) for result in results]
    drawn = np.random.default_rng(0).binomial(sizes, right / sizes, size=(RESAMPLES, len(sizes)))
    return Estimate.of(right.sum() / sizes.sum(), drawn.sum(axis=1) / sizes.sum())


def identity_terms(moderator: Moderator, folder: Path, label: str = _PREJUDICE_LABEL) -> IdentityTerms:
    """Measure the prejudice of a moderator: every sentence is filled with every identity.

    Parameters
    ----------
    moderator : Moderator
        Its calibration does not matter, as only the order of scores counts.
    folder : Path
        Holds ``identity_terms.toml``, and ``lists.toml`` with a list ``identity``.
    label : str
        Whose scores are measured.

    Returns
    -------
    IdentityTerms
        Its terms in the order of the list.

    Raises
    ------
    InputError
        If a file cannot be used, or the bundle does not give the label.
    """
    if label not in moderator.labels:
        raise InputError(f"{moderator.model} gives no {label}; its labels are {', '.join(moderator.labels)}")
    entries = _read_lists(folder).get(IDENTITY, ())
    if len(entries) < 2:
        raise InputError(f"{folder / LISTS}: {IDENTITY}: needs two entries or more, as terms are compared")
    path = folder / IDENTITY_TERMS
    sentences = _read(path, _IDENTITY_TERMS)
    templates = [*sentences.neutral, *sentences.abusive]
    texts = [_fill(template, {IDENTITY: entry}, str(path)) for entry in entries for template in templates]
    scores = moderator.probabilities([Comment(text) for text in texts])[:, moderator.labels.index(label)]
    neutral, abusive = np.hsplit(scores.reshape(len(entries), -1), [len(sentences.neutral)])
    wins = _wins(neutral, abusive)
    values = {kind: won.mean(axis=(1, 2)) for kind, won in wins.items()}
    resampled = {kind: _resampled(won) for kind, won in wins.items()}
    worst = {kind: int(found.argmin()) for kind, found in values.items()}
    return IdentityTerms(
        terms=tuple(
            TermResult(entry[_TERM], **{kind: float(found[at]) for kind, found in values.items()})
            for at, entry in enumerate(entries)
        ),
        worst={kind: Estimate.of(values[kind][at], resampled[kind][:, at]) for kind, at in worst.items()},
        mean={kind: Estimate.of(found.mean(), resampled[kind].mean(axis=1)) for kind, found in values.items()},
    )


def _wins(neutral: NDArray[np.float64], abusive: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """How often an abusive sentence scores higher than a neutral one, of the terms that each kind of figure compares.

    Parameters
    ----------
    neutral, abusive : ndarray, shape (n_terms, n_neutral) and (n_terms, n_abusive)

    Returns
    -------
    dict of str to ndarray, shape (n_terms, n_neutral, n_abusive)
        Shares, ties counting half: their mean over all pairs of sentences is the ROC AUC (Mann and Whitney 1947).
    """
    terms = range(len(neutral))
    return {
        "subgroup": np.stack([_won(neutral[[at]], abusive[[at]]) for at in terms]),
        "bpsn": np.stack([_won(neutral[[at]], np.delete(abusive, at, axis=0)) for at in terms]),
        "bnsp": np.stack([_won(np.delete(neutral, at, axis=0), abusive[[at]]) for at in terms]),
    }


def _won(neutral: NDArray[np.float64], abusive: NDArray[np.float64]) -> NDArray[np.float64]:
    """By pair of sentences, averaged over terms; shape (n_neutral, n_abusive)."""
    low, high = neutral[:, None, :, None], abusive[None, :, None, :]
    return np.asarray(((high > low) + (high == low) / 2).mean(axis=(0, 1)))


def _resampled(won: NDArray[np.float64]) -> NDArray[np.float64]:
    """ROC AUC of every term on sentences drawn anew, shape (n_resamples, n_terms)."""
    generator = np.random.default_rng(0)
    _, n_neutral, n_abusive = won.shape
    neutral, abusive = (
        generator.multinomial(size, np.full(size, 1 / size), size=RESAMPLES) / size for size in (n_neutral, n_abusive)
    )
    return np.asarray(np.einsum("ri,tij,rj->rt", neutral, won, abusive, optimize=True))


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _FunctionTable(_Table):
    """A function as it is written: how often each template is filled, and what the label does, and does not, fit."""

    label: str
    meaning: str = Field(min_length=1)
    fillings: int = Field(default=1, ge=1)
    positive: tuple[str, ...] = ()
    negative: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _is_usable(self) -> Self:
        if self.label not in TEXT_LABELS:
            raise ValueError(f"no such label: {self.label}; labels are {', '.join(TEXT_LABELS)}")
        sentences = [*self.positive, *self.negative]
        if not sentences or not all(sentence.strip() for sentence in sentences):
            raise ValueError("needs sentences under positive or negative, and none of them blank")
        return self


class _ListsTable(_Table):
    lists: dict[str, tuple[str | dict[str, str], ...]]
    joined: dict[str, tuple[str, ...]] = {}


class _IdentityTermsTable(_Table):
    neutral: tuple[str, ...] = Field(min_length=1)
    abusive: tuple[str, ...] = Field(min_length=1)


_FUNCTIONS: Final = TypeAdapter(dict[str, _FunctionTable])
_LISTS: Final = TypeAdapter(_ListsTable)
_IDENTITY_TERMS: Final = TypeAdapter(_IdentityTermsTable)


def _read(path: Path, expected: TypeAdapter[_T]) -> _T:
    try:
        return expected.validate_python(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError(f"{path}: {where}: {first['msg']}") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path}: cannot be read as cases: {error}") from error


def _read_lists(folder: Path) -> _Lists:
    path = folder / LISTS
    table = _read(path, _LISTS)
    lists = {
        name: [{_TERM: entry} if isinstance(entry, str) else entry for entry in entries]
        for name, entries in table.lists.items()
    }
    for name, entries in lists.items():
        if not entries or any(set(entry) != {*entries[0], _TERM} for entry in entries):
            raise InputError(f"{path}: {name}: needs entries, all with the same forms, {_TERM} among them")
    for name, members in table.joined.items():
        if name in lists or not members or not set(members) <= set(table.lists):
            raise InputError(f"{path}: joined.{name}: needs a name of its own and names of lists, not {members}")
    joined = {name: [entry for member in members for entry in lists[member]] for name, members in table.joined.items()}
    return lists | joined


def _cases(table: _FunctionTable, lists: _Lists, where: str) -> Iterator[Case]:
    for sentences, positive in ((table.positive, True), (table.negative, False)):
        for sentence in sentences:
            for text in _fillings(sentence, table.fillings, lists, where):
                yield Case(text, positive)


def _fillings(sentence: str, times: int, lists: _Lists, where: str) -> Iterator[str]:
    """The sentence with its slots filled that often, or as often as its longest list allows."""
    slots = {slot[1] for slot in _SLOT.finditer(sentence) if slot[1] in lists}
    orders = {name: _shuffled(lists[name], sentence) for name in slots}
    for at in range(min(times, max(map(len, orders.values()), default=1))):
        yield _fill(sentence, {name: order[at % len(order)] for name, order in orders.items()}, where)


def _shuffled(entries: Sequence[_Entry], sentence: str) -> list[_Entry]:
    """In an order of the sentence's own, so that a change of one sentence or entry leaves the other cases alone."""
    return sorted(entries, key=lambda entry: sha256(f"{sentence}{entry[_TERM]}".encode()).digest())


def _fill(sentence: str, entries: Mapping[str, _Entry], where: str) -> str:
    def form(slot: re.Match[str]) -> str:
        try:
            return entries[slot[1]][slot[2] or _TERM]
        except KeyError:
            raise InputError(
                f"{where}: nothing in {LISTS} fills {slot[0]} of {sentence!r}; write {{list}} or {{list.form}}"
            ) from None

    text = _SLOT.sub(form, sentence)
    return text[0].upper() + text[1:] if sentence.startswith("{") else text
