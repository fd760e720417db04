"""From scores to flags and an action, per community."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import inf
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from moderation.errors import PolicyError
from moderation.labels import LABELS
from moderation.verdict import Action, Verdict

_STEPS: Final = ("flag", "review", "reject")
_BITS = 1 << np.arange(len(LABELS))
_MILDEST_FIRST: Final = tuple(Action)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From which score on a label is flagged, sent to review, rejected.

    Parameters
    ----------
    flag : float
        At or above it the label is named in the verdict.
    review, reject : float or None
        At or above it a moderator looks at the comment, or it is refused. None: never for this label.

    Raises
    ------
    PolicyError
        If a threshold lies outside [0, 1] or they are not in rising order.
    """

    flag: float
    review: float | None = None
    reject: float | None = None

    def __post_init__(self) -> None:
        steps = [step for step in (self.flag, self.review, self.reject) if step is not None]
        if not all(0.0 <= step <= 1.0 for step in steps):
            raise PolicyError(f"thresholds must lie between 0 and 1: {self}")
        if steps != sorted(steps):
            raise PolicyError(f"thresholds must rise from flag over review to reject: {self}")

    def action(self, score: float) -> Action:
        """The action that this one label asks for."""
        if self.reject is not None and score >= self.reject:
            return Action.REJECT
        if self.review is not None and score >= self.review:
            return Action.REVIEW
        return Action.APPROVE


@dataclass(frozen=True)  # without slots, which would leave no place for what is cached
class Policy:
    """Thresholds per label; a label without any is scored but never flagged."""

    thresholds: Mapping[str, Thresholds] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = sorted(set(self.thresholds) - set(LABELS))
        if unknown:
            raise PolicyError(f"no such label: {', '.join(unknown)}; labels are {', '.join(LABELS)}")

    def verdict(self, scores: Mapping[str, float]) -> Verdict:
        """Scores with what they lead to."""
        return Verdict(scores, self.flags(scores), self.action(scores))

    def flags(self, scores: Mapping[str, float]) -> tuple[str, ...]:
        """Labels of `scores` at or above their flag threshold."""
        limits = self.thresholds
        return tuple([label for label, score in scores.items() if label in limits and score >= limits[label].flag])

    def action(self, scores: Mapping[str, float]) -> Action:
        """The strictest action that any label asks for."""
        wanted = [self.thresholds[label].action(scores[label]) for label in self.flags(scores)]
        return max(wanted, key=_MILDEST_FIRST.index, default=Action.APPROVE)

    def decisions(
        self, scores: NDArray[np.floating], labels: Sequence[str]
    ) -> tuple[list[tuple[str, ...]], list[Action]]:
        """Flags and action for many comments at once, those that `flags` and `action` give for each.

        Parameters
        ----------
        scores : ndarray, shape (n_comments, n_labels)
            NaN where there is none.
        labels : sequence of str
            One a column.
        """
        limits = self._limits if labels == LABELS else self._limits[:, :, [LABELS.index(label) for label in labels]]
        flagged, review, reject = ((scores >= limits) @ _BITS[: len(labels)]).tolist()
        flags = {code: tuple([label for bit, label in enumerate(labels) if code >> bit & 1]) for code in set(flagged)}
        actions = [
            Action.REJECT if no else Action.REVIEW if doubt else Action.APPROVE
            for doubt, no in zip(review, reject, strict=True)
        ]
        return [flags[code] for code in flagged], actions

    @cached_property
    def _limits(self) -> NDArray[np.float64]:
        """From which score on labels are flagged, reviewed, rejected; infinity for never; shape (3, 1, len(LABELS))."""
        found = [[getattr(self.thresholds.get(label), step, None) for label in LABELS] for step in _STEPS]
        return np.array([[[inf if limit is None else limit for limit in limits]] for limits in found])

    def but(self, changes: Mapping[str, Thresholds]) -> Policy:
        """The same policy with some labels' thresholds replaced."""
        return Policy({**self.thresholds, **changes})

    @classmethod
    def from_dict(cls, table: Mapping[str, Mapping[str, float]]) -> Self:
        """Read ``{label: {flag, review, reject}}``, as manifests and TOML files hold it."""
        return cls({label: _thresholds(label, entry) for label, entry in table.items()})

    def to_dict(self) -> dict[str, dict[str, float]]:
        """The inverse of `from_dict`."""
        return {
            label: {name: value for name in _STEPS if (value := getattr(limit, name)) is not None}
            for label, limit in self.thresholds.items()
        }


@dataclass(frozen=True, slots=True)
class Policies:
    """The policy of a site and those of its communities that differ from it."""

    default: Policy
    communities: Mapping[str, Policy] = field(default_factory=dict)

    def of(self, community: str | None) -> Policy:
        """The policy of a community; of the site where the community has none of its own."""
        return self.communities.get(community or "", self.default)

    @classmethod
    def from_toml(cls, path: Path, base: Policy) -> Self:
        """Read ``[labels.<label>]`` and ``[communities.<name>.<label>]`` tables over `base`.

        Raises
        ------
        PolicyError
            If the file is missing, is not TOML, or holds unusable thresholds.
        """
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise PolicyError(f"{path}: cannot be read as a policy: {error}") from error
        if unknown := sorted(set(table) - {"labels", "communities"}):
            raise PolicyError(f"{path}: [{unknown[0]}] means nothing; tables are [labels.*] and [communities.*.*]")
        try:
            default = base.but(Policy.from_dict(table.get("labels", {})).thresholds)
            communities = {
                name: default.but(Policy.from_dict(entry).thresholds)
                for name, entry in table.get("communities", {}).items()
            }
        except PolicyError as error:
            raise PolicyError(f"{path}: {error}") from error
        except AttributeError as error:  # a value where a table belongs
            raise PolicyError(f"{path}: thresholds stand in tables [labels.*] and [communities.*.*]") from error
        return cls(default, communities)


def _thresholds(label: str, entry: Any) -> Thresholds:
    try:
        return Thresholds(**entry)
    except PolicyError as error:
        raise PolicyError(f"{label}: {error}") from error
    except TypeError as error:
        raise PolicyError(f"{label}: expected numbers named flag, review, reject; got {entry!r}") from error
