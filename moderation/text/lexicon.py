"""Words that posters disguise, and what a disguised word stands for."""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, product
from pathlib import Path
from typing import Final, Self

LEET: Final = {
    **{"0": "o", "1": "il", "2": "z", "3": "e", "4": "a", "5": "s", "6": "g", "7": "t", "8": "b", "9": "g"},
    **{"@": "a", "$": "s", "!": "il", "|": "il", "<": "c", "(": "c", "+": "t"},
}
"""Letters that a figure or mark is drawn like."""

LONGEST: Final = 40
"""A longer piece is read as it stands."""

_LONGEST_WORD: Final = 16
_SHORTEST_JOINED: Final = 6
_FROM: Final = "abcdefghijklmnopqrstuvwxyz"
_ASTERISKS: Final = frozenset("*#")
_MASKS: Final = frozenset("*#%^~?_-.=&@$")
_SOFT: Final = ".!?-_~&%^=+<(|"
_FULL_STOPS: Final = re.compile(r"\.\.\.|\.\*")  # a mark may hide a letter, an omission does not
_THREE: Final = re.compile(r"(.)\1\1+")
_OBVIOUS_REPEAT: Final = re.compile(r"(.)\1\1|([aiu])\2")
_LETTERS: Final = re.compile(r"[a-z]+")
_BETWEEN_JOINTS: Final = re.compile(r"[^._\-+&?~=]+")
_NUMBER: Final = re.compile(r"[a-z]?\d+|\d+[a-z]{1,2}|[a-z]+(?!55$)\d{2,}")  # "A55", "4th", "user84"
_WORD_WITH_FIGURES: Final = re.compile(r"[a-z$][a-z0-9@$]*[a-z$]")
_FIGURE_INSIDE: Final = re.compile(r"(?<=[a-z])([013$])\1?(?=[a-z]{2})")


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Words that posters disguise, with the ordinary words that stand in the way of reading them.

    Attributes
    ----------
    words : dict of str to str
        Every form, and every other way to write one, with the form that it stands for. The commoner comes first.
    joined : frozenset of str
        Keys of `words` that are split off strings of joined words.
    openings : frozenset of str
        The first four letters of each of them.
    starred : tuple of str
        Forms that a first letter and asterisks stand for.
    anywhere : Pattern
        Finds a form that lies inside no ordinary word.
    common, innocent, parts : frozenset of str
        Words that stand between joined ones; strings that are one word; ordinary words that are a part of a form.
    by_shape : dict of (int, str) to tuple of str
        Forms by length and first letter.
    by_skeleton : dict of str to tuple of str
        Forms by themselves without repeated letters.
    """

    words: Mapping[str, str]
    joined: frozenset[str]
    openings: frozenset[str]
    starred: tuple[str, ...]
    anywhere: re.Pattern[str]
    common: frozenset[str]
    innocent: frozenset[str]
    parts: frozenset[str]
    by_shape: Mapping[tuple[int, str], Sequence[str]]
    by_skeleton: Mapping[str, Sequence[str]]

    @classmethod
    def load(cls) -> Self:
        """Read the lists that lie beside this module."""
        lists = tomllib.loads(Path(__file__).with_name("disguised_words.toml").read_text(encoding="utf-8"))
        abuse = {**dict(_inflected(lists["abuse"])), **dict(_phrases(lists["phrases"]))}
        words = {**abuse, **{word: form for word, form in _inflected(lists["loaded"]) if word not in abuse}}
        forms = [form for form in dict.fromkeys(words.values()) if form.isalpha()]
        common = frozenset(lists["common"].split())
        roots = tuple(lists["anywhere"].split())
        by_shape: dict[tuple[int, str], list[str]] = defaultdict(list)
        by_skeleton: dict[str, list[str]] = defaultdict(list)
        for form in forms:
            by_shape[len(form), form[0]].append(form)
            by_skeleton[_skeleton(form)].append(form)
        return cls(
            words=words,
            joined=frozenset(abuse),
            openings=frozenset(word[:4] for word in abuse if len(word) > 3),
            starred=tuple(lists["starred"].split()),
            anywhere=re.compile("|".join(sorted((form for form in forms if form.startswith(roots)), key=len)[::-1])),
            common=common,
            innocent=frozenset(lists["innocent"].split()),
            parts=frozenset(lists["parts"].split()) | common,
            by_shape=dict(by_shape),
            by_skeleton=dict(by_skeleton),
        )

    def read(self, piece: str) -> str | None:
        """What a piece of text without blanks stands for; None where it stands for itself.

        Parameters
        ----------
        piece : str
            Lower-case ASCII letters, figures and marks.
        """
        if len(piece) > LONGEST:
            return None
        if piece.isalpha():
            return self.read_letters(piece)
        return self._read_marked(piece) or self._read_between_joints(piece) or _undo_leet(piece)

    def is_ordinary(self, word: str) -> bool:
        """Whether a run of letters is sure to stand for itself; `read_letters` would take longer to find out."""
        if len(word) > LONGEST or word in self.words or _OBVIOUS_REPEAT.search(word):
            return False
        return len(word) < _SHORTEST_JOINED or not self._has_opening(word)

    def read_letters(self, word: str) -> str | None:
        """What a run of letters stands for: a word written another way, with letters repeated, or several as one."""
        twice = _THREE.sub(r"\1\1", word)
        meant = self.words.get(twice)
        if meant is not None:
            return meant if meant != word else None
        if len(word) > LONGEST or twice in self.innocent:
            return None
        return (self._unrepeat(word) if _OBVIOUS_REPEAT.search(word) else None) or self._split(twice)

    def read_spaced(self, glyphs: str) -> str | None:
        """The word that letters and figures make up which stood apart."""
        return None if len(glyphs) > LONGEST else self.words.get(glyphs) or self._unleet(glyphs)

    def join(self, fragments: Sequence[str]) -> str | None:
        """The word that fragments make up, unless each of them is a word itself."""
        meant = self.words.get("".join(fragments))
        if meant is None or not self.words.keys().isdisjoint(fragments):
            return None
        ordinary = sum(fragment in self.parts for fragment in fragments)
        strict = len(fragments) == 2 and (meant not in self.joined or len(meant) < 4)  # "evaluate f at x", "he ll go"
        return meant if ordinary < (1 if strict else len(fragments)) else None

    def _read_marked(self, piece: str) -> str | None:
        for core in _cores(piece):
            meant = self._read_core(core)
            if meant is not None:
                return piece.replace(core, meant, 1)
        return None

    def _read_core(self, core: str) -> str | None:
        if core in self.words:
            return self.words[core]
        if core.isalpha():
            return self.read_letters(core)
        if not _LETTERS.search(core) or _NUMBER.fullmatch(core):
            return None
        return self._unmark(core) or self._unleet(core) or self._unmask(core)

    def _unmark(self, core: str) -> str | None:
        """Letters with marks between them: "i.d.i.o.t", "fu_ck"."""
        fragments = _LETTERS.findall(core)
        return self.join(fragments) if len(fragments) > 1 and _MASKS.issuperset(_LETTERS.sub("", core)) else None

    def _unleet(self, core: str) -> str | None:
        """Figures and marks drawn like letters: "1d10t", "@$$hole"."""
        letters = [mark if mark.isalpha() else LEET.get(mark, "") for mark in core]
        if sum(map(len, letters)) > len(letters) + 3:
            return None
        joined = bool(_WORD_WITH_FIGURES.fullmatch(core))
        for spelling in map("".join, product(*letters)):
            meant = self.words.get(spelling) or self._unrepeat(spelling) or (self._split(spelling) if joined else None)
            if meant is not None:
                return meant
        return None

    def _unmask(self, core: str) -> str | None:
        """Letters under marks: one for each, or a run of marks for one letter more or fewer."""
        marks = _LETTERS.sub(" ", core).split()
        widest = max(marks, key=len)
        known = len(core) - sum(map(len, marks))
        if known == 1 and core[0].isalpha() and _ASTERISKS.issuperset(widest):
            return next((form for form in self.starred if len(form) == len(core) and form[0] == core[0]), None)
        if known < 2 or len(core) < 4 or _FULL_STOPS.search(core):
            return None
        wider, narrower = core.replace(widest, widest + widest[0], 1), core.replace(widest, widest[1:], 1)
        shapes = [core, *([wider] if known > 2 or len(widest) > 1 else []), *([narrower] if len(widest) > 1 else [])]
        return next((form for shape in shapes for form in self._under(shape)), None)

    def _under(self, shape: str) -> Iterator[str]:
        """Forms that a shape with masks fits; a mark that a writer may have typed for itself hides abuse alone."""
        first = shape[0] if shape[0].isalpha() else LEET.get(shape[0], "*")[0]
        slots = [mark if mark.isalpha() else _FROM if mark in _MASKS else LEET[mark] for mark in shape]
        starred = not _ASTERISKS.isdisjoint(shape)
        for form in self.by_shape.get((len(shape), first), ()):
            if (starred or form in self.joined) and all(map(str.__contains__, slots, form)):
                yield form

    def _unrepeat(self, word: str) -> str | None:
        """The form that a word is with some letters repeated: "loooser"."""
        forms = self.by_skeleton.get(_skeleton(word), ())
        runs = _runs(word) if forms else []
        return next((form for form in forms if all(map(int.__ge__, runs, _runs(form)))), None)

    def _split(self, word: str) -> str | None:
        """The words that a string is made of, if one of them is abuse: "youareanidiot"."""
        if len(word) < _SHORTEST_JOINED or word in self.innocent or not self._has_opening(word):
            return None
        return self._segmented(word) or self._carved(word)

    def _has_opening(self, word: str) -> bool:
        return not self.openings.isdisjoint([word[start : start + 4] for start in range(len(word) - 3)])

    def _segmented(self, word: str) -> str | None:
        """The fewest words that a string is made of altogether, ordinary ones where there is a choice."""
        best: list[tuple[float, list[str]] | None] = [(0, [])]
        for end in range(1, len(word) + 1):
            choices = []
            for start in range(max(0, end - _LONGEST_WORD), end):
                before, part = best[start], word[start:end]
                if before is not None and (part in self.common or part in self.joined):
                    choices.append((before[0] + (1 if part in self.common else 1.1), [*before[1], part]))
            best.append(min(choices, default=None))
        if best[-1] is None:
            return None
        found = best[-1][1]
        abusive = any(len(part) > 3 and part in self.joined for part in found)
        return " ".join(self.words.get(part, part) for part in found) if abusive else None

    def _carved(self, word: str) -> str | None:
        """A form that lies in no ordinary word, set apart from what is around it: "unfuckingbelievable"."""
        found = self.anywhere.search(word)
        if found is None or (found.start() == 0 and len(word) - found.end() < 6):  # an ending is no other word
            return None
        around = (word[: found.start()], word[found.end() :])
        before, after = (self.read_letters(part) or part for part in around)
        return f"{before} {found[0]} {after}".strip()

    def _read_between_joints(self, piece: str) -> str | None:
        if _BETWEEN_JOINTS.fullmatch(piece):
            return None
        read = _BETWEEN_JOINTS.sub(self._read_part, piece)
        return read if read != piece else None

    def _read_part(self, found: re.Match[str]) -> str:
        part = found[0]
        return (self.read_letters(part) if part.isalpha() else self._read_marked(part)) or part


def _inflected(lines: str) -> Iterator[tuple[str, str]]:
    """Each form and each other way to write it, with the form."""
    for line in lines.strip().splitlines():
        stem, *rest = line.split()
        endings = ["", *(entry[1:] for entry in rest if entry[0] == "-")]
        for written in [stem, *(entry[1:] for entry in rest if entry[0] == "=")]:
            yield from ((written + ending, stem + ending) for ending in endings)


def _phrases(lines: str) -> Iterator[tuple[str, str]]:
    for line in lines.strip().splitlines():
        written, _, meant = line.partition(": ")
        yield written, meant


def _cores(piece: str) -> Iterator[str]:
    """A piece without the marks around it; some of them may be a part of the word."""
    bare, opened, starred = piece.strip(_SOFT + "*#"), piece.strip("#*").rstrip(_SOFT), piece.strip(_SOFT)
    return (core for core in dict.fromkeys((bare, opened.lstrip(_SOFT.replace("!", "")), starred)) if len(core) > 1)


def _undo_leet(piece: str) -> str | None:
    """Figures between letters of a word that the lists do not know: "h3llo"."""
    if "@" in piece or sum(map(str.isalpha, piece)) < 3:
        return None
    read = _FIGURE_INSIDE.sub(lambda found: "".join(LEET[figure][0] for figure in found[0]), piece)
    return read if read != piece and not any(map(str.isdigit, read)) else None


def _skeleton(word: str) -> str:
    return "".join(letter for letter, _ in groupby(word))


def _runs(word: str) -> list[int]:
    return [sum(1 for _ in run) for _, run in groupby(word)]
