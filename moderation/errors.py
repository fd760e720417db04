"""The errors this software raises on purpose, as one small tree.

ModerationError
├── InputError            what came in cannot be used: a file, a row, a comment
│   └── RowError          one row of a file; reading can go on behind it
├── RecipeError           a training recipe asks for something that cannot be done
├── BundleError           a bundle is missing, altered or not made for this installation
├── PolicyError           thresholds that contradict each other or name no label
├── KeysError             a file of API keys that cannot be used
├── StoreError            decisions or articles cannot be kept or read
└── UnknownArticleError   an article that was never given, or is no longer kept

Every message says what was wrong, where, and what to do.
"""

from __future__ import annotations


class ModerationError(Exception):
    """Root of all errors raised on purpose by this package."""


class InputError(ModerationError):
    """A file, stream or comment that cannot be used."""


class RowError(InputError):
    """One unusable row; the rows behind it may be fine.

    Parameters
    ----------
    source : str
        The file's name as the user gave it, or ``<stdin>``.
    row : int
        Number of the data row, counted from 1 without the header.
    reason : str
        What is wrong with it and what would be right.
    """

    def __init__(self, source: str, row: int, reason: str) -> None:
        super().__init__(f"{source}, row {row}: {reason}")
        self.source = source
        self.row = row
        self.reason = reason


class RecipeError(ModerationError):
    """A recipe that cannot be followed."""


class BundleError(ModerationError):
    """A bundle that must not or cannot be loaded."""


class PolicyError(ModerationError):
    """A policy that contradicts itself or names an unknown label."""


class KeysError(ModerationError):
    """API keys that cannot be read or written."""


class WorkerError(ModerationError):
    """A process that shared the work is gone."""


class StoreError(ModerationError):
    """A store of decisions or articles that cannot be used."""


class UnknownArticleError(ModerationError):
    """An article that was never given, or is no longer kept.

    Parameters
    ----------
    name : str
        What it was asked for by, id or url.
    """

    def __init__(self, name: str) -> None:
        super().__init__(f"no article with this {name} is kept; give it first, or its title and text with the comment")
        self.name = name
