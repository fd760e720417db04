"""Off-topic detection is measured on moved and on labelled comments, beside other ways of telling it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from moderation import Article, Comment, Moderator
from moderation.corpora import LabelledComments
from moderation.errors import RecipeError
from moderation.evaluation import EvaluationMap, evaluate, figures_of
from moderation.evaluation.plan import TopicRule
from moderation.evaluation.topic import InContext, Transformer, installed_transformer, transformer
from moderation.evaluation.topic.matched import LengthMatched
from moderation.evaluation.topic.rivals import rivals
from moderation.evaluation.topic.sides import passages

Command = Callable[..., CompletedProcess[bytes]]

THREADS = {
    "bakery": ["The bakery closes at noon.", "Who will bake our bread then?", "Bread from the supermarket is dry."],
    "ferry": ["The ferry sails at night.", "My ferry was late again.", "Night crossings make me seasick, sadly."],
    "choir": ["The choir sings on Sunday.", "Too loud for me.", "A choir of forty needs a larger hall."],
}


def corpus(threads: dict[str, list[str]] = THREADS, **columns: list[Any]) -> LabelledComments:
    """Threads under their titles, in which the second comment answers the first."""
    comments, groups = [], []
    for name, texts in threads.items():
        for at, text in enumerate(texts):
            comments.append(Comment(text, Article(f"News of the {name}"), texts[0] if at == 1 else None))
            groups.append(name)
    return LabelledComments("threads.csv", comments, groups, columns, list(range(1, len(comments) + 1)))


def moved(**rule: Any) -> InContext:
    return InContext.of(corpus(), TopicRule(corpus="threads", moved=True, **rule))


# --- comments in their contexts


def test_a_moved_comment_takes_article_and_parent_of_one_place_elsewhere() -> None:
    homes = dict(zip(corpus().rows, corpus().groups, strict=True))
    found = moved()
    at_home, elsewhere = found.comments[:9], found.comments[9:]

    assert at_home == corpus().comments
    assert found.off_topic.tolist() == [False] * 9 + [True] * 9
    assert [comment.text for comment in elsewhere] == [comment.text for comment in at_home]
    for row, comment in zip(found.rows[9:], elsewhere, strict=True):
        assert comment.article is not None
        host = comment.article.title.removeprefix("News of the ")
        assert host != homes[row]
        assert comment.parent in (None, THREADS[host][0])


def test_replies_are_moved_to_places_of_replies_and_others_to_those_of_others() -> None:
    found = moved()

    assert [comment.parent is None for comment in found.comments[9:]] == [
        comment.parent is None for comment in found.comments[:9]
    ]


def test_a_rule_chooses_depth_length_and_context() -> None:
    replies = moved(only="replies", context="parent")
    long = moved(only="top-level", min_words=6, context="article")

    assert [comment.text for comment in replies.comments[:3]] == [texts[1] for texts in THREADS.values()]
    assert all(comment.article is None and comment.parent for comment in replies.comments)
    assert [comment.text for comment in long.comments[:3]] == [texts[2] for texts in THREADS.values()]
    assert all(comment.article and comment.parent is None for comment in long.comments)


def test_a_comment_without_the_context_in_question_is_not_measured() -> None:
    assert len(moved(context="parent").comments) == 2 * len(THREADS)


def test_rows_may_be_chosen_by_a_column() -> None:
    threads = corpus(known=[1, 0, 1, 1, 0, 0, 1, 0, 0])

    found = InContext.of(threads, TopicRule(corpus="threads", moved=True, where="known"))

    assert found.rows == [1, 3, 4, 7] * 2


@pytest.mark.parametrize("count", [1, 2, 5])
def test_other_comments_of_the_thread_stand_in_for_the_article(count: int) -> None:
    rule = TopicRule(corpus="threads", moved=True, thread_text=count)

    for comment, home in zip(InContext.of(corpus(), rule).comments[:9], corpus().groups, strict=True):
        assert comment.article is not None
        others = comment.article.text.splitlines()
        assert len(others) == min(count, 2)
        assert set(others) <= set(THREADS[home]) - {comment.text}


def test_a_comment_that_is_alone_has_no_thread_to_stand_under() -> None:
    alone = corpus({**THREADS, "market": ["Nobody else came."]})
    without = replace(alone, comments=[replace(comment, article=None, parent=None) for comment in alone.comments])

    found = InContext.of(without, TopicRule(corpus="threads", moved=True, thread_text=2))

    assert "Nobody else came." not in {comment.text for comment in found.comments}


def test_people_say_what_is_off_topic_where_nothing_is_moved() -> None:
    threads = corpus(votes=[0, 3, 1, 0, 0, 2, 0, 0, 5])

    found = InContext.of(threads, TopicRule(corpus="threads", column="votes", above=2, below=0))

    assert found.rows == [1, 2, 4, 5, 6, 7, 8, 9]
    assert [row for row, off in zip(found.rows, found.off_topic, strict=True) if off] == [2, 6, 9]


def test_a_sample_is_the_same_in_every_run_and_holds_so_many_of_each_kind() -> None:
    votes = corpus(votes=[0, 3, 0, 0, 0, 2, 0, 0, 5])
    rule = TopicRule(corpus="threads", column="votes", above=2, below=0, sample=2)

    assert moved(sample=4).comments == moved(sample=4).comments
    assert len(moved(sample=4).comments) == 8
    assert InContext.of(votes, rule).off_topic.sum() == 2
    assert len(InContext.of(votes, rule).comments) == 4


def test_comments_of_one_thread_cannot_be_moved() -> None:
    with pytest.raises(RecipeError, match=r"threads\.csv: comments can be moved only between two threads or more"):
        InContext.of(corpus({"ferry": THREADS["ferry"]}), TopicRule(corpus="threads", moved=True))


# --- pairs of like length


def pairs_auc(words: NDArray[np.intp], off_topic: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """The definition, pair by pair."""
    wins = [
        1.0 if scores[off] > scores[on] else 0.5 if scores[off] == scores[on] else 0.0
        for off in np.flatnonzero(off_topic)
        for on in np.flatnonzero(~off_topic)
        if abs(words[off] - words[on]) <= 0.1 * max(words[off], words[on])
    ]
    return float(np.mean(wins))


def test_only_pairs_of_like_length_count() -> None:
    generator = np.random.default_rng(3)
    words, off_topic = generator.integers(1, 60, 80), generator.random(80) < 0.4
    scores = generator.integers(0, 6, 80).astype(np.float64)

    assert LengthMatched(words, off_topic).roc_auc(scores) == pytest.approx(pairs_auc(words, off_topic, scores))


def test_shortness_tells_nothing_of_short_comments_matched_in_length() -> None:
    words = np.array([1, 1, 2, 3, 3, 3, 7, 8, 9])
    off_topic = np.array([True, False, True, True, False, False, False, False, False])

    assert LengthMatched(words, off_topic).roc_auc(-words.astype(np.float64)) == 0.5
    assert roc_auc_score(off_topic, -words) > 0.8


def test_comments_without_a_counterpart_are_not_counted() -> None:
    words, off_topic = np.array([3, 3, 50, 9]), np.array([True, False, True, False])

    assert LengthMatched(words, off_topic).sizes == (1, 1)


def test_the_interval_over_pairs_surrounds_the_figure() -> None:
    generator = np.random.default_rng(5)
    off_topic = generator.random(200) < 0.5

    found = LengthMatched(generator.integers(1, 9, 200), off_topic).estimate(off_topic + generator.normal(size=200))

    assert 0.5 < found.low < found.value < found.high < 1


# --- rivals


@pytest.mark.parametrize("name", ["tfidf", "lsa"])
def test_words_in_common_with_title_body_or_parent_speak_for_the_place(name: str) -> None:
    threads = corpus(THREADS)
    body = Article("Timetable", "The ferry sails at night, and a choir sings.\nBread is sold on board by the bakery.")
    comments = [
        Comment("A ferry that is late", Article("The ferry")),
        Comment("A ferry that is late", body),
        Comment("A ferry that is late", Article("The bread"), parent="My ferry was late"),
        Comment("A ferry that is late", Article("The bread"), parent="Loud"),
    ]

    *near, far = rivals(threads, None)[name](comments)

    assert max(near) < far


def test_the_shortest_comment_is_the_most_suspicious() -> None:
    scores = rivals(corpus(), None)["shortness"]([Comment("One two three."), Comment("One."), Comment("One two.")])

    assert np.argsort(-scores).tolist() == [1, 2, 0]


def test_long_paragraphs_are_cut_into_passages() -> None:
    assert passages("one two\n\nthree") == ["one two", "three"]
    assert [len(passage.split()) for passage in passages("word " * 130)] == [60, 60, 10]


def letters(texts: Sequence[str]) -> NDArray[np.float64]:
    """Unit vectors that count letters, for want of a transformer."""
    counts = np.array([[text.lower().count(chr(letter)) for letter in range(97, 123)] for text in texts], float)
    return np.asarray(counts / np.maximum(np.linalg.norm(counts, axis=1, keepdims=True), 1))


def test_the_transformer_looks_at_passages_one_by_one(tmp_path: Path) -> None:
    comment, text = "zebra", f"{'on ' * 60}zebra {'of ' * 59}"

    apart, together = (
        Transformer(letters, tmp_path).unlikeness([Comment(comment, Article("x", body))])
        for body in (f"{text}\nzebra", text)
    )

    assert apart == pytest.approx(-1)
    assert together > apart + 0.5


def test_the_transformer_is_asked_but_once(tmp_path: Path) -> None:
    asked: list[Sequence[str]] = []

    def encode(texts: Sequence[str]) -> NDArray[np.float64]:
        asked.append(texts)
        return letters(texts)

    first = Transformer(encode, tmp_path).unlikeness(corpus().comments)
    again = Transformer(encode, tmp_path).unlikeness(corpus().comments)

    assert len(asked) == 1
    assert sorted(asked[0]) == sorted({*asked[0]})
    assert first.tolist() == again.tolist()


def test_there_is_no_transformer_where_it_is_not_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(transformer, "find_spec", lambda name: None if name == "torch" else object())

    assert installed_transformer(tmp_path) is None


# --- the table

MAP = """
[corpora.ours]
file = "comments.csv"
articles = "articles.csv"
licence = "eval"
terms = "ours"
[heads]
[topic.elsewhere]
corpus = "ours"
moved = true
reach = { roc_auc = 0.6, flag_recall = 0.99 }
[topic.labelled]
corpus = "ours"
reach = { roc_auc = 0.6, matched_roc_auc = 0.99 }
[topic.learned]
corpus = "ours"
cross_validated = true
reach = { roc_auc = 0.5, flag_precision = 0.9, replies_flagged = 0 }
[topic_cost]
row = "elsewhere"
comments = 100
reach = 0.001
"""
LEARNED = "off_topic on ours, cross-validated by thread"


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> EvaluationMap:
    file = tmp_path_factory.mktemp("topic") / "map.toml"
    file.write_text(MAP, encoding="utf-8")
    return EvaluationMap.from_toml(file)


@pytest.fixture(scope="module")
def judged(moderator: Moderator) -> Moderator:
    """The shipped bundle with figures that training may have written."""
    figures = {LEARNED: {"cross_validated_roc_auc": 0.75, "flag_precision": 0.95, "replies_flagged": 2.0}}
    manifest = moderator.bundle.manifest.model_copy(update={"figures": figures})
    return Moderator(replace(moderator.bundle, manifest=manifest))


def test_a_row_holds_our_figure_and_those_of_every_rival(
    judged: Moderator, plan: EvaluationMap, root: Path, tmp_path: Path
) -> None:
    found = evaluate(judged, plan, root / "data", transformer=Transformer(letters, tmp_path))
    rows = {row.name: row for row in found.topic}

    assert list(rows) == ["elsewhere", "labelled", "learned"]
    for row in rows.values():
        assert set(row.whole.rivals) == {"shortness", "tfidf", "lsa", "transformer"}
    assert rows["elsewhere"].whole.rivals["shortness"] == pytest.approx(0.5)
    assert rows["elsewhere"].whole.rivals["tfidf"] > 0.6
    assert found.cost is not None
    assert found.cost.times == found.cost.transformer / found.cost.off_topic


def test_our_figures_are_those_of_scikit_learn(moderator: Moderator, plan: EvaluationMap, root: Path) -> None:
    [(_, data)] = plan.read(root / "data", lambda _: None)
    found = InContext.of(data, plan.topic["labelled"])
    scores = moderator.probabilities(found.comments)[:, moderator.labels.index("off_topic")]
    row = next(row for row in evaluate(moderator, plan, root / "data").topic if row.name == "labelled")
    middling = np.array([15 <= len(comment.text.split()) < 40 for comment in found.comments])
    replies = np.array([comment.parent is not None for comment in found.comments])
    parts = {part.name: part for part in row.parts}

    assert row.whole.ours is not None
    assert row.whole.ours.value == pytest.approx(roc_auc_score(found.off_topic, scores))
    for name, members in (("15 to 39 words", middling), ("replies", replies)):
        assert (parts[name].comments, parts[name].off_topic) == (members.sum(), found.off_topic[members].sum())
        expected = roc_auc_score(found.off_topic[members], scores[members])
        assert (ours := parts[name].ours) is not None
        assert ours.value == pytest.approx(expected)
        assert ours.low < ours.value < ours.high


def test_what_training_found_stands_in_for_what_it_learned_from(
    judged: Moderator, plan: EvaluationMap, root: Path
) -> None:
    rows = {
        (figure.measured, figure.measure.title): (figure.value, figure.outcome)
        for figure in figures_of(evaluate(judged, plan, root / "data").figures())
        if figure.measured == LEARNED
    }

    assert rows == {
        (LEARNED, "ROC AUC, cross-validated"): (0.75, "met"),
        (LEARNED, "precision of flags"): (0.95, "met"),
        (LEARNED, "clean replies flagged"): (2.0, "missed"),
    }


def test_a_bundle_that_knows_nothing_of_topics_has_no_rows(
    moderator: Moderator, plan: EvaluationMap, root: Path, tmp_path: Path
) -> None:
    bundle = moderator.bundle
    manifest = bundle.manifest.model_copy(update={"labels": bundle.manifest.labels[:-1]})
    without = Moderator(replace(bundle, manifest=manifest, topic=None))

    found = evaluate(without, plan, root / "data", transformer=Transformer(letters, tmp_path))

    assert (found.topic, found.cost) == ([], None)


def test_the_command_prints_the_table_and_writes_it(cli: Command, root: Path, tmp_path: Path) -> None:
    (tmp_path / "map.toml").write_text(MAP, encoding="utf-8")
    files = ("--json", tmp_path / "report.json", "--html", tmp_path / "report.html")

    done = cli("evaluate", tmp_path / "map.toml", "--corpora", root / "data", *files)
    document = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    page = (tmp_path / "report.html").read_text(encoding="utf-8")

    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.decode().splitlines()]
    for row in document["topic"][:2]:
        whole = row["whole"]
        cells = [f"{whole['comments']:,}", f"{whole['ours']['value']:.3f}"]
        assert any(line[:3] == [row["name"], *cells] for line in lines)
        assert f"<b>{whole['ours']['value']:.3f}</b>" in page
    assert document["topic"][0]["matched"] is None
    [met] = [row["met"] for row in document["reach"] if row["measure"] == "ROC AUC, matched in length"]
    assert any(line[0] == "matched" and line[-1] == ("met" if met else "missed") for line in lines if line)
    assert "elsewhere, moved" in page
    assert max(map(len, done.stdout.decode().splitlines())) <= 80


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (
            '[topic.elsewhere]\ncorpus = "ours"',
            '[topic.elsewhere]\ncorpus = "theirs"',
            "topic.elsewhere: no such corpus",
        ),
        ("[heads]", "[heads.off_topic]\nours = {}\n[topic.ours]\ncorpus = 'ours'", "topic.ours: heads.off_topic has"),
        (
            "[heads]",
            "[heads.off_topic]\nours = { moved = true }",
            r"heads.off_topic.ours: moved comments are measured by \[topic",
        ),
        ('row = "elsewhere"', 'row = "nowhere"', "topic_cost.row: no such row"),
        ("cross_validated = true", 'only = "deep"', "topic.learned.only: Input should be 'top-level' or 'replies'"),
    ],
)
def test_a_map_that_cannot_be_followed_names_the_entry(tmp_path: Path, old: str, new: str, reason: str) -> None:
    assert old in MAP
    (tmp_path / "map.toml").write_text(MAP.replace(old, new), encoding="utf-8")

    with pytest.raises(RecipeError, match=rf"map\.toml: (Value error, )?{reason}"):
        EvaluationMap.from_toml(tmp_path / "map.toml")
