"""Reasons are compared, character by character, with what people underlined."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from moderation import Comment, Moderator
from moderation.errors import ModerationError, RecipeError, RowError
from moderation.evaluation import EvaluationMap, evaluate
from moderation.evaluation.spans import Explanation, character_f1

INSULT = "Read it again, you clueless moron, the ferry stays."
KIND = "Thank you for this careful article."


def explanation(moderator: Moderator, folder: Path, *rows: object, where: str = "") -> Explanation:
    content = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "underlined.jsonl").write_text(content, encoding="utf-8")
    (folder / "map.toml").write_text(
        '[corpora.underlined]\nfile = "underlined.jsonl"\nlicence = "eval"\nterms = "ours"\n'
        f"[explanation.insult]\nunderlined = {{ column = 'spans', reach = 0.68{where} }}\n",
        encoding="utf-8",
    )
    [found] = evaluate(moderator, EvaluationMap.from_toml(folder / "map.toml"), folder).explanations
    return found


def explained(moderator: Moderator, text: str) -> list[int]:
    spans = moderator.explain(Comment(text), ["insult"])
    return [at for span in spans for at in range(span.start, span.end)]


def row(text: str, spans: object, split: str = "trial") -> dict[str, object]:
    return {"text": text, "spans": spans, "split": split}


@pytest.mark.parametrize(
    ("found", "wanted", "f1"),
    [
        ("", "", 1.0),
        ("", "abc", 0.0),
        ("abc", "", 0.0),
        ("abc", "abc", 1.0),
        ("ab", "cd", 0.0),
        ("abcd", "ab", 2 / 3),
        ("ab", "abcd", 2 / 3),
    ],
)
def test_f1_counts_characters_that_both_have(found: str, wanted: str, f1: float) -> None:
    assert character_f1(frozenset(map(ord, found)), frozenset(map(ord, wanted))) == pytest.approx(f1)


def test_reasons_that_are_what_people_underlined_reach_one(moderator: Moderator, tmp_path: Path) -> None:
    rows = [row(text, explained(moderator, text)) for text in (INSULT, KIND)]

    found = explanation(moderator, tmp_path, *rows)

    assert (found.comments, found.character_f1.value) == (2, 1)
    assert found.underlined == pytest.approx(found.explained)


def test_every_comment_counts_alike_whether_it_is_flagged_or_not(moderator: Moderator, tmp_path: Path) -> None:
    assert not moderator.score([Comment(KIND)])[0].flags
    start = INSULT.index("moron")
    expected = [
        character_f1(frozenset(explained(moderator, text)), frozenset(wanted))
        for text, wanted in ((INSULT, range(start, start + 5)), (KIND, range(5)))
    ]

    found = explanation(moderator, tmp_path, row(INSULT, list(range(start, start + 5))), row(KIND, [0, 1, 2, 3, 4]))

    assert 0 < found.character_f1.value == pytest.approx(sum(expected) / 2)
    assert found.underlined == pytest.approx(10 / len(INSULT + KIND))
    figures = found.figures()
    assert (figures["character_f1_reach"], figures["comments"]) == (0.68, 2)


def test_only_the_rows_that_the_map_names_are_explained(moderator: Moderator, tmp_path: Path) -> None:
    rows = [row(INSULT, "[0]"), row(INSULT, "[0]", "train"), row(KIND, None), row(KIND, "[]")]

    assert explanation(moderator, tmp_path, *rows, where=", where = { split = 'trial' }").comments == 2
    assert explanation(moderator, tmp_path, *rows).comments == 3


@pytest.mark.parametrize(
    ("spans", "where", "error", "reason"),
    [
        ("[0, 51]", "", RowError, r"row 1: spans is '\[0, 51\]'; expected a list of characters from 0 to 50"),
        ([-1], "", RowError, "row 1: spans is"),
        ("moron", "", RowError, "row 1: spans is 'moron'"),
        ("7", "", RowError, "row 1: spans is '7'"),
        ([0.5], "", RowError, "row 1: spans is"),
        ([0], ", where = { split = 'test' }", RecipeError, "underlined cannot measure explanations: in no row"),
        ([0], ", where = { part = 'test' }", RecipeError, "no column 'part'; it has spans, split"),
    ],
)
def test_spans_that_cannot_be_compared_with_are_named(
    moderator: Moderator, tmp_path: Path, spans: object, where: str, error: type[ModerationError], reason: str
) -> None:
    with pytest.raises(error, match=reason):
        explanation(moderator, tmp_path, row(INSULT, spans), where=where)
