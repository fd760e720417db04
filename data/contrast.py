"""Expand the templates of contrast.toml into contrast.csv: `python data/contrast.py`. The same file every time."""

from __future__ import annotations

import csv
import io
import random
import re
import tomllib
from pathlib import Path
from typing import Any

LABELS = ("toxicity", "severe_toxicity", "identity_attack", "insult", "profanity", "threat")
TEMPLATES = Path(__file__).with_name("contrast.toml")
TARGET = TEMPLATES.with_suffix(".csv")

_TRIES = 20  # draws for each row wanted, as some repeat what was drawn before
_LONGEST = 40  # words
_SLOT = re.compile(r"\{(\w+)\}")
_CHOICE = re.compile(r"\[([^\[\]]+)\]")
_SENTENCE = re.compile(r"(?:^|(?<=[.!?] ))\W?[a-z]")
_ARTICLE = re.compile(r"\b(a) (?=[aei]|o(?!ne\b)|hon(?:e|o)|hour|u[glmpt]|un(?!i[cfoqtv]))(?!eu)", re.IGNORECASE)
_APOSTROPHE = re.compile(r"(?<=\w)'(?=\w)")


class Decks:
    """Fills templates. A list is dealt to its end before it is shuffled again, so that its entries come equally often.

    Abuse and the rest have decks of their own: no identity, name or town stands in one of them more than in the other.
    """

    def __init__(self, lists: dict[str, list[str]], seed: int) -> None:
        self.rng = random.Random(seed)
        self._lists = lists
        self._left: dict[str, list[str]] = {name: [] for name in lists}

    def filled(self, template: str) -> str:
        """One expansion of `template`: each alternative chosen, no entry taken twice."""
        text, taken = template, set[str]()
        while "{" in text or "[" in text:
            text = _CHOICE.sub(lambda found: self.rng.choice(found[1].split("|")), text)
            text = _SLOT.sub(lambda found: self._dealt(found[1], taken), text)
        return _ARTICLE.sub(r"\1n ", text)

    def _dealt(self, name: str, taken: set[str]) -> str:
        while True:
            if not self._left[name]:
                self._left[name] = self.rng.sample(self._lists[name], len(self._lists[name]))
            entry = self._left[name].pop()
            if entry not in taken:
                taken.add(entry)
                return entry


def typed(text: str, around: str, rng: random.Random) -> str:
    """`text` as people type: some with `around` beside it, some without capitals, apostrophes or the last mark."""
    careful = not text[0].islower() or text[-1] in ".!?"
    if rng.random() < 0.3 and careful:
        longer = f"{around} {text}" if rng.random() < 0.5 else f"{text} {around}"
        text = longer if len(longer.split()) <= _LONGEST else text
    if careful:
        text = _SENTENCE.sub(lambda found: found[0].upper(), text)
    draw = rng.random()
    if draw < 0.18:
        text = text.lower()
    elif draw < 0.22:
        text = text.upper()
    if rng.random() < 0.08:
        text = _APOSTROPHE.sub("", text)
    draw = rng.random()
    if draw < 0.2:
        return text.rstrip(".")
    return text.rstrip(".") + rng.choice(["!", "!", "!!", "...", "!!!"]) if draw < 0.28 and text[-1] == "." else text


def rows(source: dict[str, Any]) -> list[dict[str, str]]:
    """The rows of contrast.csv; no sentence stands in it twice, whatever its capitals and marks."""
    decks = {abusive: Decks(source["lists"], seed=int(abusive)) for abusive in (False, True)}
    seen: set[str] = set()
    made: list[dict[str, str]] = []
    number = 0
    for family in source["family"]:
        labels = {label: str(family["labels"].get(label, "")) for label in LABELS}
        side = decks[family["labels"]["toxicity"] >= 0.5]
        wanted = family.get("rows", source["rows_per_template"])
        for template in family["templates"]:
            number += 1
            for count, text in enumerate(distinct(template, wanted, side, seen), start=1):
                made.append({"id": f"contrast-{number:04}-{count:02}", "group": f"{number:04}", "text": text} | labels)
    return made


def distinct(template: str, wanted: int, decks: Decks, seen: set[str]) -> list[str]:
    """Up to `wanted` expansions of `template` whose words are not in `seen`, which grows by them."""
    made: list[str] = []
    for _ in range(_TRIES * wanted):
        text = decks.filled(template)
        words = " ".join(re.findall(r"\w+", text.lower()))
        if words not in seen:
            seen.add(words)
            made.append(typed(text, decks.filled("{around}"), decks.rng))
        if len(made) == wanted:
            break
    return made


def as_csv(table: list[dict[str, str]]) -> str:
    """`table` as the text of a CSV file."""
    out = io.StringIO()
    writer = csv.DictWriter(out, ["id", "group", "text", *LABELS], lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return out.getvalue()


def main() -> None:
    """Write contrast.csv beside the templates."""
    TARGET.write_text(as_csv(rows(tomllib.loads(TEMPLATES.read_text(encoding="utf-8")))), encoding="utf-8")


if __name__ == "__main__":
    main()
