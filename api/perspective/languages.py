"""The languages of a comment, and which of them the heads were taught."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from api.perspective.errors import unsupported_language

TAUGHT: Final = frozenset({"en"})
"""ISO 639-1 codes; each holds for its variants, too: en-GB."""


class Detector(Protocol):
    """Tells the language of a text."""

    def detect(self, text: str) -> str:
        """ISO 639-1 code of the language, a default where the text is too short to tell."""


@dataclass(frozen=True, slots=True)
class CommentLanguages:
    """What is known of the language of a comment.

    Parameters
    ----------
    requested : sequence of str
        ISO 639-1 or BCP 47, as the client says.
    detected : sequence of str
        ISO 639-1, as the text looks.
    """

    requested: Sequence[str]
    detected: Sequence[str]

    @classmethod
    def of(cls, text: str, requested: Sequence[str], detector: Detector) -> CommentLanguages:
        """Look at a text and at what its client says; empty names say nothing."""
        return cls([language for language in requested if language], [detector.detect(text)])

    @property
    def effective(self) -> Sequence[str]:
        """Those in which the comment is judged: the client knows better than any detection."""
        return self.requested or self.detected

    @property
    def untaught(self) -> Sequence[str]:
        """Those in which it cannot be judged."""
        return [language for language in self.effective if _primary(language) not in TAUGHT]

    def require_taught(self, attribute: str) -> None:
        """Refuse to score an attribute in a language that its head was not taught.

        Raises
        ------
        InvalidArgumentError
            If there is any.
        """
        if self.untaught:
            raise unsupported_language(attribute, self.untaught, detected=not self.requested)


def _primary(tag: str) -> str:
    return tag.replace("_", "-").partition("-")[0].lower()
