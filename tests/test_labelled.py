"""Labelled comments: read with their articles and parents, and every fault named with file, row and reason."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from moderation.comment import Article
from moderation.corpora import CorpusSpec, LabelledComments, LabelRule, check_labelled, moved, read_labelled
from moderation.errors import InputError, RecipeError, RowError
from moderation.labels import LABELS

ARTICLES = "id,title,text\nferry,The ferry,It sails at night.\nmayor,The mayor,She resigns.\n"


def spec(**columns: Any) -> CorpusSpec:
    """A corpus with the column names of our own format, save those given."""
    return CorpusSpec(file=Path("comments.csv"), licence="ship", terms="", **columns)


def written(tmp_path: Path, text: str, name: str = "comments.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def corpus_of(tmp_path: Path, rows: str, **columns: Any) -> LabelledComments:
    return read_labelled(written(tmp_path, rows), spec(**columns))


def shares(tmp_path: Path, values: Sequence[str], **rule: Any) -> list[float | None]:
    """What a rule makes of a column `x`; None where the label is not defined. Every other row has a 1 in `chosen`."""
    rows = "".join(f"text {at},{value},{at % 2}\n" for at, value in enumerate(values))
    corpus = corpus_of(tmp_path, f"text,x,chosen\n{rows}")
    return [None if np.isnan(share) else share for share in corpus.shares("insult", LabelRule(column="x", **rule))]


def faults(path: Path, articles: Path | None = None) -> tuple[int, list[str]]:
    """Number of sound rows, and what is said of the others."""
    found: list[RowError] = []
    return check_labelled(path, spec(), articles, found.append), [str(fault) for fault in found]


# --- reading


def test_a_corpus_keeps_its_order_its_rows_and_its_other_columns(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path, "text,insult,lang\nhello,0,en\n\nyou fool,1,\n")

    assert len(corpus) == 2
    assert [comment.text for comment in corpus.comments] == ["hello", "you fool"]
    assert corpus.columns["lang"] == ["en", ""]
    assert corpus.rows == [1, 2]


def test_texts_can_stand_in_a_column_of_another_name(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path, "comment_text,insult\nhello,0\n", text="comment_text")

    assert corpus.comments[0].text == "hello"


def test_articles_are_joined_by_their_id(tmp_path: Path) -> None:
    path = written(tmp_path, "text,article_id\nnice boat,ferry\npoor woman,mayor\n")

    corpus = read_labelled(path, spec(), written(tmp_path, ARTICLES, "articles.csv"))

    assert corpus.comments[0].article == Article("The ferry", "It sails at night.")
    assert corpus.groups == ["The ferry", "The mayor"]


def test_articles_can_stand_in_the_row_itself(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path, "text,article_title,article_text\na,The ferry,\nb,,It sails.\nc, ,\n")

    articles = [comment.article for comment in corpus.comments]
    assert articles == [Article("The ferry", ""), Article("", "It sails."), None]


def test_parents_are_joined_by_their_id_or_stand_in_the_row(tmp_path: Path) -> None:
    by_id = corpus_of(tmp_path, "id,text,parent_id\n1,first,\n2,second,1\n3,third,99\n")
    by_text = corpus_of(tmp_path, "text,parent_text\nsecond,first\nthird,\n")

    assert [comment.parent for comment in by_id.comments] == [None, "first", None]
    assert [comment.parent for comment in by_text.comments] == ["first", None]


def test_groups_come_from_the_column_that_the_recipe_names(tmp_path: Path) -> None:
    assert corpus_of(tmp_path, "text,video\na,v1\nb,v2\n", group="video").groups == ["v1", "v2"]


def test_json_lines_are_read_with_numbers_truth_values_and_absent_keys(tmp_path: Path) -> None:
    rows = [
        {"id": 1, "text": "first", "insult": True},
        {"id": 2, "text": "second", "insult": 0.25, "parent_id": 1, "note": {"deep": [1]}},
        {"id": 3, "text": "third\nline", "insult": None},
        {"id": 4, "text": "fourth"},
    ]
    path = written(tmp_path, "".join(json.dumps(row) + "\n" for row in rows), "comments.jsonl")

    corpus = read_labelled(path, spec())

    np.testing.assert_array_equal(corpus.shares("insult", LabelRule()), [1, 0.25, np.nan, np.nan])
    assert corpus.comments[1].parent == "first"
    assert corpus.columns["note"] == [None, {"deep": [1]}, None, None]


def test_a_file_without_rows_is_an_empty_corpus(tmp_path: Path) -> None:
    assert len(corpus_of(tmp_path, "text,insult\n")) == 0
    assert faults(written(tmp_path, "text,insult\n")) == (0, [])


def test_the_sample_is_read_with_all_its_articles_and_parents(root: Path) -> None:
    corpus = read_labelled(root / "data" / "comments.csv", spec(), root / "data" / "articles.csv")

    assert len(set(corpus.groups)) == 24
    assert all(comment.article for comment in corpus.comments)
    replies = [at for at, parent in enumerate(corpus.columns["parent_id"]) if parent]
    assert replies
    assert all(corpus.comments[at].parent for at in replies)


@pytest.mark.parametrize(
    ("comments", "columns", "error", "reason"),
    [
        ("comment,insult\na,0\n", {}, InputError, r"comments\.csv: has no column 'text'"),
        ("text,insult\na\n", {}, RowError, r"comments\.csv, row 1: too few fields: 1 where the header has 2"),
        (
            "text,insult\na,0\n",
            {"group": "video"},
            InputError,
            r"comments\.csv: no column 'video'; it has insult, text",
        ),
    ],
)
def test_an_unusable_file_is_named(
    tmp_path: Path, comments: str, columns: dict[str, str], error: type[InputError], reason: str
) -> None:
    with pytest.raises(error, match=reason):
        corpus_of(tmp_path, comments, **columns)


@pytest.mark.parametrize(
    ("comments", "articles", "reason"),
    [
        (
            "text,article_id\na,ferry\nb,zoo\n",
            ARTICLES,
            r"comments\.csv, row 2: article_id 'zoo' is not in .*articles\.csv",
        ),
        ("text,article_id\na,ferry\n", "id,title,text\n", r"comments\.csv, row 1: article_id 'ferry' is not in"),
        ("text,insult\na,0\n", ARTICLES, r"comments\.csv: no column 'article_id'"),
        (
            "text,article_id\na,ferry\n",
            "title,text\nThe ferry,It\n",
            r"articles\.csv: no column 'id'; .* id, title and text",
        ),
        ("text,article_id\na,ferry\n", "id,text\nferry,It\n", r"articles\.csv: no column 'title'"),
        ("text,article_id\na,ferry\n", "id,title\nferry,It\n", r"articles\.csv: has no column 'text'"),
    ],
)
def test_an_article_that_cannot_be_joined_is_named(tmp_path: Path, comments: str, articles: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        read_labelled(written(tmp_path, comments), spec(), written(tmp_path, articles, "articles.csv"))


# --- rules


def test_values_are_shares_truth_values_or_nothing(tmp_path: Path) -> None:
    found = shares(tmp_path, ["1", "0", "0.33", "true", "FALSE", "yes", "No", "", " 1 "])

    assert found == [1, 0, 0.33, 1, 0, 1, 0, None, 1]


def test_a_label_has_a_column_of_its_own_name(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path, "text,insult\na,1\n")

    assert corpus.shares("insult", LabelRule()).tolist() == [1]


@pytest.mark.parametrize("value", ["3", "-0.1", "maybe", "inf"])
def test_any_other_value_is_named_with_its_row(tmp_path: Path, value: str) -> None:
    with pytest.raises(RowError, match=rf"comments\.csv, row 2: x is '{value}'; expected a number from 0 to 1"):
        shares(tmp_path, ["1", value])


def test_words_can_mean_1_or_0_and_all_others_nothing(tmp_path: Path) -> None:
    found = shares(tmp_path, ["hate", "offensive", "neither", "unsure", ""], positive=("hate",), negative=("neither",))

    assert found == [1, None, 0, None, None]


def test_numbers_at_or_above_a_bound_mean_1(tmp_path: Path) -> None:
    assert shares(tmp_path, ["1", "2", "2.5", "-7", ""], above=2) == [0, 1, 1, 0, None]


def test_numbers_between_two_bounds_mean_nothing(tmp_path: Path) -> None:
    assert shares(tmp_path, ["1", "1.5", "2", "0", ""], above=2, below=1) == [0, None, 1, 0, None]


def test_what_is_no_number_is_not_above_anything(tmp_path: Path) -> None:
    with pytest.raises(RowError, match=r"comments\.csv, row 2: x is 'lots'; expected a number"):
        shares(tmp_path, ["1", "lots"], above=2)


def test_a_column_can_say_how_far_the_label_does_not_apply(tmp_path: Path) -> None:
    assert shares(tmp_path, ["0.75", "1", ""], invert=True) == [0.25, 0, None]


def test_a_constant_needs_no_column(tmp_path: Path) -> None:
    assert corpus_of(tmp_path, "text\na\nb\n").shares("spam", LabelRule(constant=0)).tolist() == [0, 0]


def test_only_positives_or_only_negatives_can_teach(tmp_path: Path) -> None:
    values = ["1", "0.6", "0.5", "0", ""]

    assert shares(tmp_path, values, keep="positives") == [1, 0.6, None, None, None]
    assert shares(tmp_path, values, keep="negatives") == [None, None, 0.5, 0, None]


def test_only_rows_with_a_1_elsewhere_can_teach(tmp_path: Path) -> None:
    assert shares(tmp_path, ["1", "1", "0", "0"], where="chosen") == [None, 1, None, 0]


def test_a_rule_leaves_the_corpus_as_it_was(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path, "text,insult\na,1\nb,0\n")

    corpus.shares("insult", LabelRule(keep="positives", invert=True))

    assert corpus.shares("insult", LabelRule()).tolist() == [1, 0]


@pytest.mark.parametrize("rule", [{"column": "rude"}, {"constant": 0.0, "where": "rude"}])
def test_a_missing_column_is_told_which_there_are(tmp_path: Path, rule: dict[str, Any]) -> None:
    with pytest.raises(RecipeError, match=r"comments\.csv: no column 'rude'; it has insult, lang"):
        corpus_of(tmp_path, "text,insult,lang\na,1,en\n").shares("insult", LabelRule(**rule))


# --- moving


def test_a_moved_comment_never_lands_in_its_own_thread(tmp_path: Path) -> None:
    rows = "".join(f"c{at},comment {at},{'ferry' if at % 5 else 'mayor'},\n" for at in range(200))
    path = written(tmp_path, f"id,text,article_id,parent_id\n{rows}r,reply,ferry,c1\n")
    corpus = read_labelled(path, spec(), written(tmp_path, ARTICLES, "articles.csv"))

    elsewhere = moved(corpus, seed=0)

    assert [comment.text for comment in elsewhere] == [comment.text for comment in corpus.comments]
    assert all(there.article != home.article for there, home in zip(elsewhere, corpus.comments, strict=True))


def test_a_moved_reply_answers_somebody_in_its_new_thread(tmp_path: Path) -> None:
    rows = "1,nice boat,ferry,\n2,very nice,ferry,1\n3,poor woman,mayor,\n4,indeed,mayor,3\n"
    path = written(tmp_path, f"id,text,article_id,parent_id\n{rows}")
    corpus = read_labelled(path, spec(), written(tmp_path, ARTICLES, "articles.csv"))
    threads = {"The ferry": {"nice boat", "very nice"}, "The mayor": {"poor woman", "indeed"}}

    for home, there in zip(corpus.comments, moved(corpus, seed=1), strict=True):
        assert there.article is not None
        assert (there.parent in threads[there.article.title]) if home.parent else (there.parent is None)


def test_moving_is_repeatable(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path, "text,video\n" + "".join(f"t{at},v{at % 7}\n" for at in range(50)), group="video")

    assert moved(corpus, seed=3) == moved(corpus, seed=3)


def test_one_thread_has_nowhere_to_move_to(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"comments\.csv: comments can be moved only between two threads or more"):
        moved(corpus_of(tmp_path, "text,video\na,v\nb,v\n", group="video"), seed=0)


# --- checking


def test_the_sample_has_no_fault(root: Path) -> None:
    sound, found = faults(root / "data" / "comments.csv", root / "data" / "articles.csv")

    assert found == []
    assert sound > 800


@pytest.mark.parametrize("label", LABELS)
def test_every_label_may_be_a_column(tmp_path: Path, label: str) -> None:
    assert faults(written(tmp_path, f"text,{label}\na,0.5\n")) == (1, [])


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("9,   ,0,ferry,", "the text is empty; leave the row out"),
        ("9,a,3,ferry,", "insult is '3'; expected a number from 0 to 1, true, false or nothing"),
        ("9,a,rude,ferry,", "insult is 'rude'; expected"),
        ("1,a,0,ferry,", "id '1' stands already in row 1; ids must be unique"),
        ("9,a,0,zoo,", "article_id 'zoo' is not in the articles file"),
        ("9,a,0,,", "article_id '' is not in the articles file"),
        ("9,a,0,ferry,7", "parent_id '7' is not the id of an earlier row"),
        ("9,a,0,ferry,9", "parent_id '9' is not the id of an earlier row"),
        ("9,a,0", "too few fields: 3 where the header has 5"),
    ],
)
def test_each_fault_is_named_and_the_rows_around_it_are_sound(tmp_path: Path, row: str, reason: str) -> None:
    path = written(tmp_path, f"id,text,insult,article_id,parent_id\n1,a,0,ferry,\n{row}\n3,b,1,mayor,1\n")

    sound, found = faults(path, written(tmp_path, ARTICLES, "articles.csv"))

    assert sound == 2
    assert len(found) == 1
    assert found[0].startswith(f"{path}, row 2: ")
    assert reason in found[0]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "is not JSON"),
        ("[1]", "not a JSON object"),
        ('{"insult": 0}', "has no 'text'"),
        ('{"text": null}', "'text' is null"),
        ('{"text": 5}', "'text' is a number, not a string"),
        ('{"text": "a", "insult": [1]}', "insult is [1]; expected a number"),
        ('{"text": "a", "insult": 2}', "insult is 2; expected a number"),
        ('{"text": "a", "id": 1}', "id 1 stands already in row 1"),
    ],
)
def test_each_fault_in_json_lines_is_named(tmp_path: Path, line: str, reason: str) -> None:
    path = written(tmp_path, f'{{"id": 1, "text": "a", "insult": 1}}\n{line}\n{{"text": "b"}}\n', "comments.jsonl")

    sound, found = faults(path)

    assert sound == 2
    assert len(found) == 1
    assert found[0].startswith(f"{path}, row 2: ")
    assert reason in found[0]


def test_rows_without_an_id_are_no_duplicates(tmp_path: Path) -> None:
    assert faults(written(tmp_path, "id,text,insult\n,a,0\n,b,1\n")) == (2, [])


def test_a_row_with_two_faults_is_one_row_at_fault(tmp_path: Path) -> None:
    sound, found = faults(written(tmp_path, "text,insult\n ,3\nb,1\n"))

    assert (sound, len(found)) == (1, 1)


def test_a_file_without_a_label_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"comments\.csv: no label column; expected at least one of toxicity, "):
        faults(written(tmp_path, "text,rude\na,1\n"))
