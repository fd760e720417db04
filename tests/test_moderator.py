"""The contract of `Moderator`: what goes in, what comes out, and that nothing odd breaks it."""

from __future__ import annotations

import doctest
import itertools
import math
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from moderation import Action, Article, Comment, Moderator, Policy, Span, Thresholds, Verdict
from moderation import moderator as module
from moderation.errors import BundleError
from moderation.explanation import parts_of
from moderation.heads.calibration import CalibrationKind
from moderation.labels import LABELS, OFF_TOPIC, TEXT_LABELS
from moderation.text.features import Featuriser

FERRY = Article(
    "Harbour town votes to keep its night ferry",
    "The council voted to go on paying for the night ferry across the estuary, which carries nurses and bakers.",
)
INSULT = "You are a complete idiot."
CLEAN = "Thank you, that explains the budget very well."
ODD_TEXTS = {
    "empty": "",
    "white space": " \t\r\n\u00a0\u3000",
    "one emoji": "😀",
    "one letter": "x",
    "a megabyte of one letter": "a" * 1_000_000,
    "a long word of two alphabets": "aж" * 50_000,
    "lone surrogates": "\ud83d you \udc00\ud800",
    "NUL bytes": "you\x00are\x00nice\x00",
    "right-to-left marks": "\u202eyou are nice\u202c\u200f",
    "record separators": "\x1eyou\x1e\x1eare\x1e",
    "other separators": "a\x1c\x1d\x1f\x85\u2028b",
    "combining marks": "Z\u0351\u036b\u0343\u036a\u0302" * 50,
    "right-to-left script": "שלום לכולם وشكرا",
    "only punctuation": "?!...",
    "only zero widths": "\u200b\u200d\ufeff",
}


@pytest.fixture(scope="module")
def balanced(bundle_path: Path) -> Moderator:
    """The shipped bundle, as Perspective's endpoint serves it."""
    return Moderator.load(bundle_path, calibration="balanced")


@pytest.fixture(scope="module")
def sample(root: Path) -> list[Comment]:
    """The sample's comments under their articles."""
    articles = pd.read_csv(root / "data" / "articles.csv").set_index("id")
    rows = pd.read_csv(root / "data" / "comments.csv")[["text", "article_id"]]
    under = {key: Article(row.title, row.text) for key, row in articles.iterrows()}
    return [Comment(text, under[article]) for text, article in rows.itertuples(index=False)]


def scores(verdicts: list[Verdict]) -> list[list[float]]:
    """Scores of each verdict in the order of labels, with -1 for the absent one."""
    return [[verdict.scores.get(label, -1) for label in LABELS] for verdict in verdicts]


def log_odds(score: float) -> float:
    return math.log(score / (1 - score))


# --- the contract


def test_a_verdict_has_a_score_for_each_label_flags_and_an_action(moderator: Moderator) -> None:
    (verdict,) = moderator.score([Comment(INSULT, article=FERRY)])

    assert tuple(verdict.scores) == LABELS == moderator.labels
    assert all(type(score) is float and 0 < score < 1 for score in verdict.scores.values())
    assert {"toxicity", "insult"} <= set(verdict.flags)
    assert verdict.action in {"review", "reject"}


def test_a_clean_comment_on_its_article_is_approved(moderator: Moderator) -> None:
    (verdict,) = moderator.score([Comment("The night ferry carries the nurses home; the council was right.", FERRY)])

    assert verdict == Verdict(verdict.scores, flags=(), action=Action.APPROVE)


@pytest.mark.parametrize(
    "disguised",
    ["you are an 1diot and a m0ron", "you i d i o t", "you are an id\u200biot", "you аrе аn іdіоt", "ÝOÙ ÍDÏÓT"],
)
def test_a_disguised_insult_is_flagged(moderator: Moderator, disguised: str) -> None:
    assert "insult" in moderator.score([Comment(disguised)])[0].flags


@pytest.mark.parametrize(
    "innocent",
    [
        "The assessment of the class was passed to the association.",
        "The rapper played in Scunthorpe at 3pm.",
        "Kung-Fu lessons with Mr Shital start on Monday.",
        "Covid19 cases in the U.S.A. rose, says @john.",
    ],
)
def test_an_innocent_look_alike_is_far_from_an_insult(moderator: Moderator, innocent: str) -> None:
    insult, look_alike = moderator.score([Comment(INSULT), Comment(innocent)])

    for label in ("toxicity", "insult"):
        assert log_odds(look_alike.scores[label]) < log_odds(insult.scores[label]) - 1.5


def test_flags_and_action_are_what_the_policy_makes_of_the_scores(moderator: Moderator, sample: list[Comment]) -> None:
    for verdict in moderator.score(sample):
        assert verdict.flags == moderator.policy.flags(verdict.scores)
        assert verdict.action == moderator.policy.action(verdict.scores)


def test_scores_can_be_judged_later(moderator: Moderator, sample: list[Comment]) -> None:
    some = [*sample[:20], Comment(INSULT)]

    assert moderator.judge(moderator.probabilities(some)) == moderator.score(some)


def test_a_community_can_have_its_own_policy(moderator: Moderator, bundle_path: Path) -> None:
    strict = Policy({"insult": Thresholds(flag=0, reject=0)})

    for verdict in (
        moderator.score([Comment(CLEAN)], strict)[0],
        Moderator.load(bundle_path, policy=strict).score([Comment(CLEAN)])[0],
    ):
        assert (verdict.flags, verdict.action) == (("insult",), Action.REJECT)


def test_nothing_gives_nothing(moderator: Moderator) -> None:
    assert moderator.score([]) == []
    assert moderator.probabilities([]).shape == (0, len(LABELS))


def test_a_comment_is_a_string() -> None:
    with pytest.raises(TypeError, match=r"Comment\.text must be str, not bytes"):
        Comment(b"text")  # type: ignore[arg-type]


def test_without_a_path_the_shipped_bundle_is_loaded(moderator: Moderator) -> None:
    assert Moderator.load().model == moderator.model


def test_an_unknown_calibration_is_refused(bundle_path: Path) -> None:
    with pytest.raises(ValueError, match="'half' is not a valid CalibrationKind"):
        Moderator.load(bundle_path, calibration="half")


def test_a_folder_without_a_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no bundle here"):
        Moderator.load(tmp_path)


def test_the_example_in_the_docstring_runs() -> None:
    outcome = doctest.testmod(module)

    assert outcome.attempted > 0
    assert outcome.failed == 0


# --- off topic


@pytest.mark.parametrize(
    ("article", "parent", "given"),
    [
        (None, None, False),
        (None, "", False),
        (None, " \n", False),
        (Article(), None, False),
        (Article(" ", "\n"), " ", False),
        (FERRY, None, True),
        (Article("Title"), None, True),
        (Article(text="Body"), None, True),
        (None, "You are right.", True),
        (FERRY, "You are right.", True),
        (Article("!?"), None, True),
        (None, "😀", True),
        (Article("\ud800"), "\x1e", True),
    ],
)
@pytest.mark.parametrize("text", ["The ferry is needed.", "", "😀"])
def test_there_is_an_off_topic_score_only_with_an_article_or_a_parent(
    moderator: Moderator, text: str, article: Article | None, parent: str | None, given: bool
) -> None:
    (verdict,) = moderator.score([Comment(text, article, parent)])

    assert tuple(verdict.scores) == (LABELS if given else TEXT_LABELS)
    assert all(0 < score < 1 for score in verdict.scores.values())


def test_as_an_array_a_score_that_cannot_be_given_is_nan(moderator: Moderator) -> None:
    found = moderator.probabilities([Comment(CLEAN), Comment(CLEAN, FERRY)])

    assert np.isnan(found[0, LABELS.index(OFF_TOPIC)])
    assert np.isfinite(np.delete(found[0], LABELS.index(OFF_TOPIC))).all()
    assert np.isfinite(found[1]).all()


def test_a_comment_elsewhere_is_more_off_topic_than_at_home(moderator: Moderator) -> None:
    text = "The night ferry takes nurses home; the council must keep paying for it."
    cup = Article("Ashdale win the cup", "A late penalty by the striker decided the final at the stadium.")

    home, elsewhere = moderator.score([Comment(text, FERRY), Comment(text, cup)])

    assert home.scores[OFF_TOPIC] < 0.1 < elsewhere.scores[OFF_TOPIC]


def test_an_article_leaves_the_other_scores_alone(moderator: Moderator) -> None:
    alone, under = moderator.score([Comment(INSULT), Comment(INSULT, FERRY, "parent")])

    assert {label: under.scores[label] for label in TEXT_LABELS} == pytest.approx(dict(alone.scores), abs=1e-6)


# --- odd input


@pytest.mark.parametrize("text", ODD_TEXTS.values(), ids=ODD_TEXTS.keys())
def test_odd_texts_are_scored_as_any_other(moderator: Moderator, text: str) -> None:
    verdicts = moderator.score([Comment(text), Comment(text, Article(text, text), text), Comment(CLEAN, FERRY, text)])

    for verdict in verdicts:
        assert set(TEXT_LABELS) <= set(verdict.scores)
        assert all(0 < score < 1 for score in verdict.scores.values())


def test_odd_texts_do_not_touch_their_neighbours(moderator: Moderator) -> None:
    batch = [comment for text in ODD_TEXTS.values() for comment in (Comment(text), Comment(INSULT, FERRY))]

    found = scores(moderator.score(batch))

    np.testing.assert_allclose(
        found[1::2], scores(moderator.score([Comment(INSULT, FERRY)])) * len(ODD_TEXTS), atol=1e-6
    )
    alone = [scores(moderator.score([Comment(text)]))[0] for text in ODD_TEXTS.values()]
    np.testing.assert_allclose(found[::2], alone, atol=1e-6)


@pytest.mark.parametrize("text", ODD_TEXTS.values(), ids=ODD_TEXTS.keys())
def test_odd_texts_can_be_explained(moderator: Moderator, text: str) -> None:
    for span in moderator.explain(Comment(text, FERRY), LABELS):
        assert 0 <= span.start < span.end <= len(text)
        assert span.weight > 0


def test_three_thousand_comments_are_scored_at_once_in_their_order(moderator: Moderator) -> None:
    texts = [INSULT, CLEAN, "See you tomorrow!"]

    found = scores(moderator.score([Comment(text) for text in texts * 1000]))

    np.testing.assert_allclose(found, scores(moderator.score([Comment(text) for text in texts])) * 1000, atol=1e-6)


def test_long_comments_take_no_more_memory_than_short_ones(moderator: Moderator) -> None:
    tracemalloc.start()
    try:
        moderator.score([Comment(CLEAN * 2000, parent=CLEAN * 1000)] * 20)
        moderator.explain(Comment(CLEAN * 600), ["insult"])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 110e6


def test_a_batch_gives_the_scores_of_its_comments_one_by_one(moderator: Moderator, sample: list[Comment]) -> None:
    batch = [
        Comment(comment.text, comment.article if at % 3 else None, other.text if at % 2 else None)
        for at, (comment, other) in enumerate(itertools.pairwise(sample[:300]))
    ]

    alone = [verdict for comment in batch for verdict in moderator.score([comment])]

    np.testing.assert_allclose(scores(moderator.score(batch)), scores(alone), atol=1e-6)


# --- calibration


def test_balanced_scores_of_rare_labels_are_higher_than_those_of_the_site(
    moderator: Moderator, balanced: Moderator, sample: list[Comment]
) -> None:
    rates = [moderator.bundle.lines[label].rate for label in moderator.labels]
    of_the_site, of_half_and_half = moderator.probabilities(sample), balanced.probabilities(sample)
    possible = of_the_site > 0.01  # below, lines of different slopes cross

    assert max(rates) < 0.5
    assert possible.any(axis=0).all()
    assert (of_half_and_half > of_the_site)[possible].all()


def test_either_calibration_flags_the_same_comments(
    moderator: Moderator, balanced: Moderator, sample: list[Comment]
) -> None:
    of_the_site, of_half_and_half = moderator.score(sample), balanced.score(sample)

    assert len({verdict.flags for verdict in of_the_site}) > 5
    assert [v.flags for v in of_the_site] == [v.flags for v in of_half_and_half]
    assert [v.action for v in of_the_site] == [v.action for v in of_half_and_half]


# --- explanations


@pytest.mark.parametrize(
    ("text", "insulting"),
    [
        ("The timetable is out. You are a complete idiot. See you on Monday.", "idiot"),
        ("😀𝔘𝔫𝔦 you are a compl\u200bete id\u200biot 😀 about timetables", "id\u200biot"),
        ("Timetables\r\n\r\n\tyou  \u200b  stu\u00adpid!!! 👍🏽", "stu\u00adpid"),
        ("e\u0301te\u0301 \x1e the bus was late, you m0r0n", "m0r0n"),
        (f"{'The bus was late and the train was late. ' * 40}You utter moron.", "moron"),
    ],
)
def test_the_insulting_word_is_inside_a_span_of_the_text_as_it_was_typed(
    moderator: Moderator, text: str, insulting: str
) -> None:
    spans = moderator.explain(Comment(text), ["insult"])

    start = text.index(insulting)
    best = max(spans, key=lambda span: span.weight)
    assert best.start <= start < start + len(insulting) <= best.end
    assert best.label == "insult"


def test_by_default_what_is_flagged_is_explained(moderator: Moderator) -> None:
    comment = Comment(INSULT)
    (verdict,) = moderator.score([comment])

    spans = moderator.explain(comment)

    assert {span.label for span in spans} <= set(verdict.flags)
    assert "insult" in {span.label for span in spans}


def test_spans_come_by_position_and_those_of_a_label_do_not_overlap(moderator: Moderator) -> None:
    text = "Idiot! The bus was late on Monday. What a moron, honestly, and the train as well. Stupid clown."

    spans = moderator.explain(Comment(text), ["toxicity", "insult"])

    assert [span.start for span in spans] == sorted(span.start for span in spans)
    for label in ("toxicity", "insult"):
        own = [span for span in spans if span.label == label]
        assert len(own) > 1
        assert all(first.end < second.start for first, second in itertools.pairwise(own))


def test_a_span_weighs_what_its_words_contribute_to_the_score_as_it_is_served(
    moderator: Moderator, balanced: Moderator
) -> None:
    text = "Fine, moron, fine."
    featuriser = Featuriser(moderator.bundle.embeddings)
    features = featuriser.transform([text])
    by_word = moderator.bundle.abuse.contributions(features, featuriser.contributions(features.tokens))
    raw = float(by_word[1, moderator.labels.index("insult")])

    (served,), (even,) = (kind.explain(Comment(text), ["insult"]) for kind in (moderator, balanced))

    assert text[served.start : served.end] == text[even.start : even.end] == "moron"
    line = moderator.bundle.lines["insult"]
    assert served.weight == pytest.approx(raw * line.line(CalibrationKind.SITE).slope, rel=1e-4)
    assert even.weight == pytest.approx(raw * line.line(CalibrationKind.BALANCED).slope, rel=1e-4)


def test_contributions_of_all_parts_and_what_no_word_adds_make_up_the_score(moderator: Moderator) -> None:
    text = 'Well , you i d i o t!! "clown" ... never mind ,'
    column = moderator.labels.index("insult")
    features = Featuriser(moderator.bundle.embeddings).transform([text])
    line = moderator.bundle.lines["insult"]
    rest = line.slope * moderator.bundle.abuse.baseline(features)[0, column] + line.offset

    by_part = moderator._contributions(Comment(text), parts_of(text))["insult"]

    score = moderator.probabilities([Comment(text)])[0, column]
    assert by_part.sum() + rest == pytest.approx(log_odds(score), rel=1e-4)


def test_nothing_is_said_of_a_clean_comment(moderator: Moderator) -> None:
    assert moderator.explain(Comment(CLEAN)) == []


@pytest.mark.parametrize("text", ["", "   "])
def test_nothing_is_said_of_an_empty_comment(moderator: Moderator, text: str) -> None:
    assert moderator.explain(Comment(text), LABELS) == []


def test_an_off_topic_score_that_there_is_not_is_not_explained(moderator: Moderator) -> None:
    assert moderator.explain(Comment("The striker missed a penalty."), [OFF_TOPIC]) == []


def test_what_is_off_topic_is_explained(moderator: Moderator) -> None:
    comment = Comment("The striker missed a penalty in the cup final again.", FERRY)

    spans = moderator.explain(comment, [OFF_TOPIC])

    assert spans
    assert all(span == Span(span.start, span.end, OFF_TOPIC, span.weight) for span in spans)


# --- the articles that are kept


def test_only_the_articles_used_last_are_kept(bundle_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ARTICLES_KEPT", 8)
    own = Moderator.load(bundle_path)
    often = Article("always this one")
    own.score([Comment(CLEAN, often)])
    computed = own._articles[often]

    for number in range(50):
        own.score([Comment(CLEAN, often), Comment(CLEAN, Article(f"article {number}"))])

    assert len(own._articles) == 8
    assert own._articles[often] is computed
    assert Article("article 49") in own._articles


def test_more_articles_than_are_kept_in_one_batch_are_no_problem(
    bundle_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = [Comment(CLEAN, Article(f"article {number}", CLEAN if number % 2 else "")) for number in range(50)]
    expected = scores(Moderator.load(bundle_path).score(batch))
    monkeypatch.setattr(module, "ARTICLES_KEPT", 8)

    found = scores(Moderator.load(bundle_path).score(batch))

    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_several_threads_may_use_one_moderator(
    bundle_path: Path, sample: list[Comment], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ARTICLES_KEPT", 5)
    shared = Moderator.load(bundle_path)
    batches = [sample[start : start + 40] for start in range(0, len(sample), 40)]
    expected = [scores(shared.score(batch)) for batch in batches]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda batch: scores(shared.score(batch)), batches))

    for got, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-6)
    assert len(shared._articles) <= 5


def test_the_words_that_the_article_does_not_answer_speak_for_off_topic(moderator: Moderator) -> None:
    article = Article("Harbour town votes to keep its night ferry", "The council pays for the boat across the estuary.")
    text = "Which of you moderators deleted my password? The login page of this website does not work in our town."
    named = " ".join(text[span.start : span.end] for span in moderator.explain(Comment(text, article), ["off_topic"]))
    assert "moderators" in named
    assert "town" not in named
    assert named.split()[0] != "Which"
