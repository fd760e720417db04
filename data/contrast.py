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

_SEED = 20
_TRIES = 20  # draws for each row wanted, as some repeat what was drawn before
_LONGEST = 30  # words
_SLOT = re.compile(r"\{(\w+)\}")
_CHOICE = re.compile(r"\[([^\[\]]+)\]")
_SENTENCE = re.compile(r"(?:^|(?<=[.!?] ))\W?[a-z]")
_ARTICLE = re.compile(r"\b([Aa]) (?=[aeio]|ugly)(?!one)")


def filled(template: str, lists: dict[str, list[str]], rng: random.Random) -> str:
    """One expansion of `template`: each alternative chosen, no slot filled twice with the same."""
    text = _CHOICE.sub(lambda found: rng.choice(found[1].split("|")), template)
    left: dict[str, list[str]] = {}
    for name in _SLOT.findall(text):
        left.setdefault(name, rng.sample(lists[name], len(lists[name])))
    text = _SLOT.sub(lambda found: left[found[1]].pop(), text)
    return _ARTICLE.sub(r"\1n ", text)


def typed(text: str, around: list[str], rng: random.Random) -> str:
    """`text` as people type: some with a sentence around it, some without capitals or the last mark."""
    careful = not text[0].islower() or text[-1] in ".!?"
    if rng.random() < 0.3 and careful:
        other = rng.choice(around)
        longer = f"{other} {text}" if rng.random() < 0.5 else f"{text} {other}"
        text = longer if len(longer.split()) <= _LONGEST else text
    if careful:
        text = _SENTENCE.sub(lambda found: found[0].upper(), text)
    draw = rng.random()
    if draw < 0.18:
        text = text.lower()
    elif draw < 0.22:
        text = text.upper()
    return text.rstrip(".") if rng.random() < 0.2 else text


def rows(source: dict[str, Any]) -> list[dict[str, str]]:
    """The rows of contrast.csv; no text stands in it twice, whatever its capitals and marks."""
    lists: dict[str, list[str]] = source["lists"]
    seen: set[str] = set()
    made: list[dict[str, str]] = []
    number = 0
    for family in source["family"]:
        labels = {label: str(family["labels"].get(label, "")) for label in LABELS}
        for template in family["templates"]:
            number += 1
            rng = random.Random(_SEED * 1000 + number)  # a template's rows do not change with those before it
            wanted: int = family.get("rows", source["rows_per_template"])
            count = 0
            for _ in range(_TRIES * wanted):
                text = typed(filled(template, lists, rng), lists["around"], rng)
                key = " ".join(re.findall(r"\w+", text.lower()))
                if key in seen:
                    continue
                seen.add(key)
                count += 1
                made.append({"id": f"contrast-{number:03}-{count:02}", "group": f"{number:03}", "text": text} | labels)
                if count == wanted:
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
