"""Sentences of a comment, and offsets as Perspective counts them: in UTF-16 code units."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Final, Self

MAX_SENTENCES: Final = 200
"""Comments with more are scored in as many runs of sentences: one that may be answered has some 200 of usual length."""

_END_OF_SENTENCE = re.compile(
    # tried at the first mark of a run alone, or a long run would take time with the square of its length
    r"(?<![.!?\u2026\u3002])[.!?\u2026]++[\"'\u201d\u2019)\]]*+(?=\s)|[\u3002\uff01\uff1f]++|\n"
)


def sentences(text: str) -> list[tuple[int, int]]:
    """Find the sentences of a text by their marks and line breaks.

    Parameters
    ----------
    text : str

    Returns
    -------
    list of (int, int)
        Start and end of each as offsets into `text`, without the white space around it; the whole text where there is
        nothing but white space. At most `MAX_SENTENCES`: above, neighbours are joined.
    """
    ends = [0, *(match.end() for match in _END_OF_SENTENCE.finditer(text)), len(text)]
    found = [_stripped(text, start, end) for start, end in pairwise(ends)]
    spoken = [(start, end) for start, end in found if start < end]
    return _joined(spoken) or [(0, len(text))]


@dataclass(frozen=True, slots=True)
class CodeUnits:
    """Translates between offsets into a Python string and offsets in UTF-16 code units.

    Parameters
    ----------
    starts : sequence of int
        Code units before each character, and in all.
    """

    starts: Sequence[int]

    @classmethod
    def of(cls, text: str) -> Self:
        """Count those of a text."""
        if text.isascii():
            return cls(range(len(text) + 1))
        return cls([0, *accumulate(2 if character > "\uffff" else 1 for character in text)])

    @property
    def count(self) -> int:
        """Characters of the text."""
        return len(self.starts) - 1

    def at(self, offset: int) -> int:
        """The code unit with which the character at `offset` begins."""
        return self.starts[offset]

    def offset(self, unit: int) -> int | None:
        """The character that begins with a code unit; None inside a surrogate pair and outside of the text."""
        offset = bisect_left(self.starts, unit)
        return offset if offset < len(self.starts) and self.starts[offset] == unit else None


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    part = text[start:end]
    return end - len(part.lstrip()), start + len(part.rstrip())


def _joined(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    size = -(-len(spans) // MAX_SENTENCES) or 1
    runs = [spans[first : first + size] for first in range(0, len(spans), size)]
    return [(run[0][0], run[-1][1]) for run in runs]
