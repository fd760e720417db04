"""One normalisation pass over a batch: what hides words is undone before anything is hashed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SEPARATOR = "\x1e"
"""Stands between the texts of a batch (ASCII record separator)."""

_INVISIBLE = dict.fromkeys(
    (0xAD, 0x34F, 0x61C, 0x180E, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070))
)
_PUNCTUATION = {
    **dict.fromkeys(map(ord, "‘’‚‛′´ˈ＇"), "'"),
    **dict.fromkeys(map(ord, "“”„‟″«»"), '"'),
    **dict.fromkeys(map(ord, "‐‑‒–—―−"), "-"),
    0x2026: "...",
}
# Unicode TR 39 confusables that posters use: Cyrillic and Greek letters drawn like Latin ones.
_LOOKALIKES = str.maketrans("аеорсухіјѕһԁѵΑΒΕΖΗΙΚΜΝΟΡΤΥΧαονικτυρωбзкмнт", "aeopcyxijshdvabezhikmnoptyxaovikturwb3kmht")
_NON_ASCII_TABLE = {**_INVISIBLE, **_PUNCTUATION}
_COMBINING = re.compile(r"[\u0300-\u036f\u0483-\u0489\u20d0-\u20ff]+")
_LATIN_MIXED_WORD = re.compile(
    # tried at the first letter of a word alone, or a long word would take time with the square of its length
    r"(?<!\w)\w*(?:[a-z][\u0370-\u04ff\u0500-\u052f]|[\u0370-\u04ff\u0500-\u052f][a-z])\w*"
)

_SPACED_LETTERS = re.compile(
    # "i d i o t", "k-y-s": letters that stand alone, one mark between two of them; "U.S.A." is an abbreviation
    r"(?<![\w'])[a-z](?:[ \-_*][a-z](?![^\W_]|')){3,}|(?<![\w'])[a-z](?:[\-_*][a-z](?![^\W_]|')){2,}"
)
_DOTTED_LETTERS = re.compile(r"(?<![\w'])[a-z](?:\.[a-z](?![\w'])){3,}")
_LINK = re.compile(r"https?://[^\s\x1e]+")
_MAIL_ADDRESS = re.compile(r"@(?=[\w-]+\.[a-z])")  # not an "a": the name of a host follows
_BARE_LINK = re.compile(r"www\.[^\s\x1e]+")
_MARKS = re.compile(r"[ .\-_*]")
_LONE_SURROGATES = re.compile(r"[\ud800-\udfff]")


_LETTER = np.zeros(256, dtype=bool)
_LETTER[ord("a") : ord("z") + 1] = True
_LEET = np.arange(256, dtype=np.uint8)
_LEET[np.frombuffer(b"013457@$!|", dtype=np.uint8)] = np.frombuffer(b"oieastasil", dtype=np.uint8)
_IS_LEET = np.arange(256) != _LEET
_SPACE = np.zeros(256, dtype=bool)
_SPACE[: ord(" ") + 1] = True
_SPACE[ord(SEPARATOR)] = False


def normalise(texts: Sequence[str]) -> NDArray[np.uint8]:
    """Fold case, accents, look-alike letters, disguises and white space.

    Parameters
    ----------
    texts : sequence of str
        As typed; lone surrogates and control characters are allowed.

    Returns
    -------
    ndarray of uint8
        UTF-8 of the texts, each with a `SEPARATOR` before and behind it, so ``len(texts) + 1`` separators.
    """
    joined = SEPARATOR.join(map(_fold, texts))
    if joined.count(SEPARATOR) != max(len(texts) - 1, 0):
        joined = SEPARATOR.join(_fold(text.replace(SEPARATOR, " ")) for text in texts)
    enclosed = f"{SEPARATOR}{_join_letters(joined)}{SEPARATOR}" if texts else SEPARATOR
    return _fold_bytes(np.frombuffer(enclosed.encode(), dtype=np.uint8))


def _fold(text: str) -> str:
    """Lower case, and for text beyond ASCII everything that Unicode lets a poster play with."""
    if text.isascii():
        return text.lower()
    text = _LONE_SURROGATES.sub("\ufffd", text.translate(_NON_ASCII_TABLE))
    text = unicodedata.normalize("NFKD", text).lower()
    text = _COMBINING.sub("", text)
    return _LATIN_MIXED_WORD.sub(lambda word: word[0].translate(_LOOKALIKES), text)


def _join_letters(text: str) -> str:
    text = _MAIL_ADDRESS.sub(" at ", _BARE_LINK.sub(" httplink ", _LINK.sub(" httplink ", text)))
    for pattern in (_SPACED_LETTERS, _DOTTED_LETTERS):
        text = pattern.sub(lambda run: _MARKS.sub("", run[0]), text)
    return text


def _fold_bytes(text: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Undo leet spelling, squeeze repeats to two letters and white space to one blank."""
    text = _undo_leet(text)
    same = text[1:] == text[:-1]
    keep = np.ones(len(text), dtype=bool)
    keep[2:] = ~(same[1:] & same[:-1] & _LETTER[text[2:]])
    space = _SPACE[text]
    keep[1:] &= ~(space[1:] & space[:-1])
    return np.where(space, np.uint8(ord(" ")), text)[keep]


def _undo_leet(text: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Read "m0ron" as "moron": a figure or mark between two letters, never one that opens or ends a word.

    Two in a row ("l00ser") count as one. "$hit" and "@ss" open with a mark that no figure or mention would have there.
    """
    leet, letter = _IS_LEET[text], _LETTER[text]
    if not leet.any():
        return text
    before = np.zeros(len(text), dtype=bool)
    after = np.zeros(len(text), dtype=bool)
    before[1:] = letter[:-1]
    after[:-1] = letter[1:]
    before[2:] |= leet[1:-1] & letter[:-2] & (text[1:-1] == text[2:])
    after[:-2] |= leet[1:-1] & letter[2:] & (text[1:-1] == text[:-2])
    late = np.zeros(len(text), dtype=bool)  # "sh!t", but "great!thanks"
    late[3:] = letter[:-3] & letter[1:-2] & letter[2:-1] & (text[3:] == ord("!"))
    opens = np.zeros(len(text), dtype=bool)
    opens[1:-2] = (text[1:-2] == ord("$")) & letter[2:-1] & letter[3:] & ~before[1:-2]
    opens[1:-2] |= (text[1:-2] == ord("@")) & (text[2:-1] == ord("s")) & (text[3:] == ord("s")) & ~before[1:-2]
    return np.where(leet & ((before & after & ~late) | opens), _LEET[text], text)
