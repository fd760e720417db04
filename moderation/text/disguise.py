"""Disguised words in a batch: where words may be broken is found in arrays, the lexicon says what pieces stand for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from moderation.text.lexicon import LONGEST, Lexicon

Edit: TypeAlias = tuple[int, int, str]
"""Start, end, and what stands there instead."""
Reader: TypeAlias = Callable[[re.Match[str]], str]

_LEXICON: Final = Lexicon.load()
_A: Final = 27  # letters and "no letter"

_CODE = np.zeros(256, dtype=np.intp)
_CODE[ord("a") : ord("z") + 1] = np.arange(1, _A)
_LETTERS: Final = frozenset([*b"abcdefghijklmnopqrstuvwxyz0123456789'", *range(128, 256)])
_GLYPHS_OR_WORDS: Final = bytes(2 if byte in _LETTERS else byte in b"@$!" for byte in range(256))
_NEAR: Final = 4  # bytes from one letter that stands alone to the next
_CASES: Final = bytes(
    ord("a") if chr(c).islower() else ord("A") if chr(c).isupper() else c for c in range(128)
) + bytes(128)
_AROUND = np.array([-2, -1, 1, 2])
_MIDDLE_FOUR = _A ** np.array([3, 2, 1, 0])

_GLYPH: Final = r"[a-z0-9@$!](?!')"
_APART: Final = re.compile(rf"{_GLYPH}(?:(?: {{1,3}}| ?[\-_*./] ?){_GLYPH}){{2,}}")
_GLYPHS: Final = re.compile(_GLYPH)
_MARKED: Final = r"a-z0-9@$!|*<(+%^#&=?~._\-"
_PIECE: Final = re.compile(rf"(?<![{_MARKED}])(?<![a-z0-9]')[{_MARKED}]+")  # not what follows an apostrophe
_PLAIN: Final = re.compile(r"[(\"']*([a-z]+)(?:'[a-z]{1,2})?[.,!?;:)\"']*")  # most pieces
_CAPITALISED: Final = re.compile(r"(?:(?<![\w/])#)?[A-Za-z]+")
_HUMP: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_THIRD: Final = re.compile(rb"([a-z])\1\1+")
_WIDE_GAP: Final = re.compile(r" {2,}")
_FRAGMENT: Final = re.compile(rb"(?<![\w'\x80-\xff])(?<!\d )[a-z]+\Z")
_FRAGMENTS: Final = re.compile(rb"(?: [a-z]{1,14}(?![\w'\x80-\xff])){1,3}")
_REACH: Final = 16  # bytes before a seam among which its word starts


def split_humps(text: bytes) -> bytes:
    """Part words that capitals part: in a hash tag, and where one of them is in the lexicon."""
    kinds = text.translate(_CASES)
    if b"aA" not in kinds:
        return text
    case = np.frombuffer(kinds, dtype=np.uint8)
    humps = ((case[:-1] == ord("a")) & (case[1:] == ord("A"))).nonzero()[0]
    return _edited(text, _rewritten(text, humps, _CAPITALISED, _split_capitalised))


def undo_spacing(text: bytes) -> bytes:
    """Join letters that stand apart: "i d i o t", "k.y.s", "s t u p i d  f o o l".

    Four letters or more are joined always, fewer where they make up a word of the lexicon.
    """
    kinds = np.frombuffer(text.translate(_GLYPHS_OR_WORDS), dtype=np.uint8)
    alone = (kinds[1:-1] > (kinds[:-2] | kinds[2:]) & 2).nonzero()[0] + 1
    if not len((alone[2:] - alone[:-2] <= 2 * _NEAR).nonzero()[0]):
        return text
    return _edited(text, _joined_runs(text, alone, alone[1:] - alone[:-1] <= _NEAR))


def join_fragments(text: bytes) -> bytes:
    """Join words with a blank inside: "stu pid".

    Parameters
    ----------
    text : bytes
        Lower-case UTF-8 in which no two blanks follow each other, at either end a blank or separator.
    """
    seams = _seams(np.frombuffer(text, dtype=np.uint8))
    return _edited(text, _joined_fragments(text, seams.tolist())) if len(seams) else text


def _seams(raw: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Blanks by which a word of the lexicon may be broken in two; seldom any, in ordinary text."""
    blanks = (raw[2:-2] == ord(" ")).nonzero()[0] + 2
    around = _CODE.take(raw.take(blanks[:, None] + _AROUND))
    near = _SEAMS.short.take(around @ _MIDDLE_FOUR).nonzero()[0]
    if not len(near):
        return np.asarray(near)
    blanks, around = blanks[near], around[near]
    before = np.where(around[:, 0] > 0, _CODE[raw[blanks - 3]], 0)
    after = np.where(around[:, 3] > 0, _CODE[raw[np.minimum(blanks + 3, len(raw) - 1)]], 0)
    found = _contains(_SEAMS.long, before * _A**5 + (around @ _MIDDLE_FOUR) * _A + after)
    return np.asarray(blanks[found])


def _contains(table: NDArray[np.intp], values: NDArray[np.intp]) -> NDArray[np.bool_]:
    return np.asarray(table[np.minimum(np.searchsorted(table, values), len(table) - 1)] == values)


def _joined_fragments(text: bytes, seams: Iterable[int]) -> Iterator[Edit]:
    end = 0
    for seam in seams:
        before, found = _FRAGMENT.search(text, max(end, seam - _REACH), seam), _FRAGMENTS.match(text, seam)
        if before is None or found is None:
            continue
        fragments = [before[0].decode(), *found[0].decode().split()]
        for count in range(2, len(fragments) + 1):
            meant = _LEXICON.join(fragments[:count])
            if meant is not None:
                end = seam + sum(map(len, fragments[1:count])) + count - 1
                yield before.start(), end, meant
                break


def _joined_runs(text: bytes, alone: NDArray[np.intp], near: NDArray[np.bool_]) -> Iterator[Edit]:
    """Runs of three or more letters that stand alone, near each other."""
    breaks = np.flatnonzero(~near)
    firsts, lasts = np.append(0, breaks + 1), np.append(breaks, len(near))
    long = lasts - firsts > 1
    for start, last in zip(alone[firsts[long]].tolist(), alone[lasts[long]].tolist(), strict=True):
        run = text[start : last + 1].decode("latin-1")
        yield start, last + 1, _APART.sub(_respaced, run)


def _respaced(found: re.Match[str]) -> str:
    run = found[0]
    glyphs = "".join(_GLYPHS.findall(run))
    meant = _LEXICON.read_spaced(glyphs)
    if meant is not None:
        return meant
    marks = set(_GLYPHS.sub("", run))
    if not glyphs.isalpha() or len(glyphs) < (3 if marks <= {*"-_"} else 4) or len(marks) > 1 or "*" in marks:
        return run
    if marks == {" "} and "  " in run:  # the wider gap stands between words
        return " ".join(word.replace(" ", "") for word in _WIDE_GAP.split(run))
    return glyphs


def read_piece(piece: bytes) -> bytes:
    """What a piece without blanks stands for: masks, leet spelling, repeated letters and joined words are read.

    Of other letters at most two of the same stay in a row.

    Parameters
    ----------
    piece : bytes
        Lower-case UTF-8.
    """
    text = piece.decode("latin-1")
    plain = _PLAIN.fullmatch(text)
    if plain and _LEXICON.is_ordinary(plain[1]):
        return piece
    read = _PIECE.sub(_read, text).encode("latin-1")
    return b" ".join(_THIRD.sub(rb"\1\1", read).split())


def _read(found: re.Match[str]) -> str:
    piece = found[0]
    return piece if len(piece) > LONGEST else _LEXICON.read(piece) or piece


def _split_capitalised(found: re.Match[str]) -> str:
    words = _HUMP.split(found[0])
    if len(words) == 1 or found[0].lower() in _LEXICON.words:
        return found[0]
    parted = words[0].startswith("#") or not _LEXICON.words.keys().isdisjoint(word.lower() for word in words)
    return (" " if parted else "").join(words)


def _rewritten(text: bytes, places: NDArray[np.intp], pattern: re.Pattern[str], read: Reader) -> Iterator[Edit]:
    """Each chunk between blanks that holds one of the places, with what the pattern finds in it read."""
    blanks = np.flatnonzero(np.frombuffer(text, dtype=np.uint8) <= ord(" "))
    ends = np.unique(np.searchsorted(blanks, places))
    for start, end in zip((blanks[ends - 1] + 1).tolist(), blanks[ends].tolist(), strict=True):
        yield start, end, pattern.sub(read, text[start:end].decode("latin-1"))


def _edited(text: bytes, edits: Iterable[Edit]) -> bytes:
    """The text with the edits made; of two that overlap, the one that starts earlier."""
    parts, done = [], 0
    for start, end, meant in sorted(edits):
        if start >= done:
            parts += [text[done:start], meant.encode("latin-1")]
            done = end
    return b"".join([*parts, text[done:]]) if parts else text


@dataclass(frozen=True, slots=True)
class _Grams:
    """A few characters to look for: a table of their middle four, and the numbers of all of them."""

    short: NDArray[np.bool_]
    long: NDArray[np.intp]

    @classmethod
    def of(cls, grams: Iterable[str], middle: slice) -> Self:
        distinct = sorted(set(grams))
        short = np.zeros(_A**4, dtype=bool)
        short[[_number(gram[middle]) for gram in distinct]] = True
        return cls(short, np.unique([_number(gram) for gram in distinct]))


def _number(gram: str) -> int:
    """Letters as figures to base 27; what is no letter is a nought."""
    number = 0
    for letter in gram:
        number = number * _A + int(_CODE[ord(letter)])
    return number


def _around_seams() -> Iterator[str]:
    """Three characters on either side of every place where a word may be broken in two."""
    for word in filter(str.isalpha, _LEXICON.words):
        for place in range(1, len(word)):
            before, after = word[:place], word[place:]
            if _LEXICON.join((before, after)):
                yield f"  {before}"[-3:] + f"{after}  "[:3]


_SEAMS: Final = _Grams.of(_around_seams(), slice(1, 5))
