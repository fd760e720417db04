"""One normalisation pass over a batch: what hides words is undone before anything is hashed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

import numpy as np

from moderation.text.disguise import join_fragments, read_piece, split_humps, undo_spacing

SEPARATOR = "\x1e"
"""Stands between the texts of a batch (ASCII record separator)."""

_BETWEEN = f" {SEPARATOR} "

_TYPOGRAPHY = {"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "...", "\u00a0": " "}
_INVISIBLE: dict[int, None] = dict.fromkeys(
    [
        *(0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x180E, 0x3164, 0xFEFF),
        *(*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070)),
        *(*range(0xFE00, 0xFE10), *range(0xE0000, 0xE0080)),
    ]
)
_PUNCTUATION: dict[int, str | int | None] = {
    **dict.fromkeys(map(ord, "‚‛′´ˈ＇"), "'"),
    **dict.fromkeys(map(ord, "„‟″«»"), '"'),
    **dict.fromkeys(map(ord, "‐‑‒―−"), "-"),
    **dict.fromkeys(map(ord, "•·∙●■█▓▒░★☆✱∗×"), "*"),
    **str.maketrans("¢§¡", "c$!"),
}
# Letters that Unicode does not decompose: white ones in circles and squares, small capitals, those with a stroke.
_ENCLOSED = {start + place: chr(ord("a") + place) for start in (0x1F150, 0x1F170) for place in range(26)}
_UNDECOMPOSED = str.maketrans("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢıłøđħŧƀɑɡɩɨʉƒ", "abcdefghijklmnoprstuvwyzilodhtbagiiuf")
# Unicode TR 39 confusables that posters use: Cyrillic, Greek and Armenian letters drawn like Latin ones.
_LOOKALIKES = str.maketrans(
    "аеорсухіјѕһԁѵԛԝбвзкмнтгпАВЕЗКМНОРСТУХІЈЅԚԜαβγεηικμνοπρστυχωΑΒΕΖΗΙΚΜΝΟΡΤΥΧօսոհ",
    "aeopcyxijshdvqwbb3kmhtrnABE3KMHOPCTYXIJSQWabyenikuvonpotuxwABEZHIKMNOPTYXounh",
)
_NON_ASCII_TABLE: dict[int, str | int | None] = {**_INVISIBLE, **_PUNCTUATION, **_ENCLOSED}
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")
_COMBINING = re.compile(r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+")
_NEAR_LATIN = re.compile(r"[\u0370-\u058f]")
_LATIN_MIXED_WORD = re.compile(
    # tried at the first letter of a word alone, or a long word would take time with the square of its length
    r"(?<!\w)\w*(?:[A-Za-z][\u0370-\u058f]|[\u0370-\u058f][A-Za-z])\w*"
)
_LONE_SURROGATES = re.compile(r"[\ud800-\udfff]")

_LINKS = {  # patterns of their own, since `re` looks fast for what opens with a literal
    **{scheme: re.compile(rf"{scheme}[sS]?://[^\s\x1e]+") for scheme in ("http", "Http", "HTTP")},
    **{host: re.compile(rf"{host}\.[^\s\x1e]+") for host in ("www", "Www", "WWW")},
}
_MAIL_ADDRESS = re.compile(r"@(?=[\w-]+\.[A-Za-z])")  # not an "a": the name of a host follows
_ECHO = re.compile(r"\({3}(?<![\w(]\({3})\s{0,3}(\w[^()\x1e]{0,60})\){3}(?!\))")

_BLOCK = 512  # texts at a time, so that the arrays stay in the cache of a processor
_LOWER = bytes(
    ord(" ") if byte < ord(" ") and byte != ord(SEPARATOR) else ord(chr(byte).lower()) if byte < 128 else byte
    for byte in range(256)
)


def normalise(texts: Sequence[str]) -> list[str]:
    """Fold case, accents, look-alike letters, disguises and white space; for looking at, not for speed.

    Parameters
    ----------
    texts : sequence of str
        As typed; lone surrogates and control characters are allowed.

    Returns
    -------
    list of str
        The texts, with one blank between pieces.
    """
    read = b" ".join(map(read_piece, prepare(texts).split())).decode()
    return [text.strip(" ") for text in read.split(SEPARATOR)[1:-1]]


def prepare(texts: Sequence[str]) -> bytes:
    """Do what `normalise` does, except for what concerns pieces that stand between blanks one by one.

    Returns
    -------
    bytes
        Lower-case UTF-8 of the texts, with a `SEPARATOR` before and behind each, between blanks.
    """
    blocks = (_prepare(texts[start : start + _BLOCK]) for start in range(0, len(texts), _BLOCK))
    return b"".join([*blocks, _BETWEEN.encode()])


def _prepare(texts: Sequence[str]) -> bytes:
    joined = _BETWEEN.join(["", *map(_spelt_out, texts)]) + " "
    if joined.count(SEPARATOR) > len(texts):
        return _prepare([text.replace(SEPARATOR, " ") for text in texts])
    text = split_humps(joined.encode()).translate(_LOWER)
    return join_fragments(_squeeze_blanks(undo_spacing(text)))


def _spelt_out(text: str) -> str:
    """One text, in plain letters, links and the like as words."""
    folded = text if text.isascii() else _fold(text)
    linked = "://" in folded or "ww." in folded or "WW." in folded
    return _name_entities(folded) if linked or "@" in folded or "(((" in folded else folded


def _fold(text: str) -> str:
    """Undo curly quotes, and in a text that still goes beyond ASCII everything that Unicode lets a poster play with."""
    for typed, plain in _TYPOGRAPHY.items():
        text = text.replace(typed, plain)
    return text if text.isascii() else _fold_letters(text)


def _fold_letters(text: str) -> str:
    text = _LONE_SURROGATES.sub("\ufffd", _translated(text, _NON_ASCII_TABLE))
    text = _COMBINING.sub("", unicodedata.normalize("NFKD", text))
    if _NEAR_LATIN.search(text):
        text = _LATIN_MIXED_WORD.sub(lambda word: word[0].translate(_LOOKALIKES), text)
    text = text.lower()
    return text if text.isascii() else _translated(text, _UNDECOMPOSED)


def _translated(text: str, table: Mapping[int, str | int | None]) -> str:
    """Do what `str.translate` does with a table for letters beyond ASCII, in less time where these are few."""
    return _BEYOND_ASCII.sub(lambda found: found[0].translate(table), text)


def _name_entities(text: str) -> str:
    """Links, the at-sign of an e-mail address and the triple parentheses around a name become words."""
    for opening, link in _LINKS.items():
        if opening in text:
            text = link.sub(" httplink ", text)
    return _ECHO.sub(r" echoparens \1 ", _MAIL_ADDRESS.sub(" at ", text))


def _squeeze_blanks(text: bytes) -> bytes:
    """One blank for several."""
    if b"  " not in text:
        return text
    raw = np.frombuffer(text, dtype=np.uint8)
    blank = raw == ord(" ")
    kept: bytes = raw[np.append(True, ~(blank[1:] & blank[:-1]))].tobytes()
    return kept
