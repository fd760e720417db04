"""Perspective's attributes, and which of our labels stands behind each."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from api.perspective.errors import unknown_attribute
from moderation.heads.calibration import CalibrationKind
from moderation.labels import OFF_TOPIC

SCALE: Final = CalibrationKind.PERSPECTIVE
"""What a score means on these endpoints: as many comments above a threshold as there were in Google's answers."""

_PRODUCTION: Final = {
    "TOXICITY": "toxicity",
    "SEVERE_TOXICITY": "severe_toxicity",
    "IDENTITY_ATTACK": "identity_attack",
    "INSULT": "insult",
    "PROFANITY": "profanity",
    "THREAT": "threat",
}
_LABELS: Final = {
    **_PRODUCTION,
    **{f"{name}_EXPERIMENTAL": label for name, label in _PRODUCTION.items()},
    "SPAM": "spam",
    "OBSCENE": "profanity",  # "obscene or vulgar language such as cursing" is what PROFANITY means, too
    "OFF_TOPIC": OFF_TOPIC,
}
_NAME = re.compile(r"(?P<base>[A-Z][A-Z0-9_]{0,63})(?:@[0-9]{1,3})?")


def label_of(name: str, labels: Collection[str]) -> str:
    """The label that answers for an attribute, whatever version of it is asked for.

    Parameters
    ----------
    name : str
        As in a request: ``TOXICITY``, ``TOXICITY@6``.
    labels : collection of str
        Those that the loaded heads give.

    Raises
    ------
    InvalidArgumentError
        If no loaded head stands behind the attribute.
    """
    label = _LABELS.get(base_name(name))
    if label is None or label not in labels:
        raise unknown_attribute(name)
    return label


def suggested_label(name: str) -> str:
    """The label under which a suggested score is kept: ours, or else the attribute's own name in lower case.

    Raises
    ------
    InvalidArgumentError
        If the name is not formed as attributes' names are.
    """
    base = base_name(name)
    return _LABELS.get(base, base.lower())


def base_name(name: str) -> str:
    """An attribute's name without its version.

    Raises
    ------
    InvalidArgumentError
        If the name is not formed as attributes' names are.
    """
    parsed = _NAME.fullmatch(name)
    if parsed is None:
        raise unknown_attribute(name)
    return parsed["base"]
