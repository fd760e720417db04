"""The topic head weighs likeness, asides and brevity; the aside head finds what belongs nowhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from moderation import Article, Comment, Moderator
from moderation.heads.aside import AsideHead
from moderation.heads.pairs import FEATURE_NAMES, Pairs
from moderation.heads.topic import TopicHead
from moderation.text.tokens import tokenise
from moderation.verdict import MarkKind, Side

ADVERT, TALK = "cheap pills order now", "the ferry is late again"
TEXTS = [ADVERT, "order cheap flags now", "cheap boats order today", TALK, "the ferry was late", "late ferry again"] * 4
ASIDES = np.array([True, True, True, False, False, False] * 4)
FERRY = Article(
    "Harbour town votes to keep its night ferry",
    "The council voted seven to four to go on paying for the boat. " + "It crosses the bay once an hour. " * 9,
)


def pairs(texts: list[str], similarity: NDArray[np.float64]) -> Pairs:
    """Comments that are so close to their articles, and alike in all else but their length."""
    tokens = tokenise(texts)
    table = np.zeros((len(texts), len(FEATURE_NAMES)), dtype=np.float32)
    table[:, FEATURE_NAMES.index("similarity_best")] = similarity
    table[:, FEATURE_NAMES.index("log_words")] = np.log1p(tokens.counts)
    return Pairs(tokens, table)


# --- asides


def test_words_of_asides_are_told_from_others() -> None:
    head = AsideHead().fit(tokenise(TEXTS), ASIDES)

    aside, talk, unheard = head.decision_function(tokenise(["order cheap ones now", "ferry late", "wholly unheard"]))

    assert talk < unheard < aside
    assert unheard == pytest.approx(head.intercept_)


def test_texts_of_weight_0_teach_no_word() -> None:
    texts = [*TEXTS, "zebra", "zebra"]
    weight = np.append(np.ones(len(TEXTS)), [0, 0])

    taught = AsideHead().fit(tokenise(texts), np.append(ASIDES, [True, True]), weight)
    alone = AsideHead().fit(tokenise(TEXTS), ASIDES)

    np.testing.assert_array_equal(taught.hashes_, alone.hashes_)
    np.testing.assert_allclose(taught.table_, alone.table_, atol=1e-6)


# --- the three kinds of evidence


def test_a_comment_closer_to_its_article_is_less_off_topic() -> None:
    similarity = np.tile(np.linspace(0, 1, 6), 40)
    texts = [TALK] * len(similarity)

    moved = np.zeros(len(texts), dtype=bool)
    head = TopicHead().fit(pairs(texts, similarity), similarity < 0.5, judged=moved)
    found = head.decision_function(pairs(texts[:6], similarity[:6]))

    assert (np.diff(found) < 0).all()
    assert found[0] - found[-1] > 0.5


def test_of_comments_equally_close_the_shorter_is_more_off_topic_until_both_are_long() -> None:
    alike = pairs([TALK] * 4, np.array([0.0, 0.1, 0.9, 1.0]))
    of_length = pairs(["word", "word " * 20, "word " * 150, "word " * 300], np.full(4, 0.5))
    target = [True, True, False, False]

    ours = TopicHead().fit(alike, target).decision_function(of_length)
    without = TopicHead(brevity=0).fit(alike, target).decision_function(of_length)

    brevity = ours - without
    assert brevity[0] > brevity[1] > brevity[2] == brevity[3]


def test_an_aside_is_off_topic_however_close_it_is() -> None:
    close = np.ones(len(TEXTS))

    head = TopicHead().fit(pairs(TEXTS, close), ASIDES)
    advert, talk = head.decision_function(pairs([ADVERT, TALK], np.ones(2)))

    assert advert > talk + 1


def test_a_moved_comment_is_no_aside() -> None:
    similarity = np.where(ASIDES, 0.0, 1.0)

    head = TopicHead().fit(pairs(TEXTS, similarity), ASIDES, judged=np.zeros(len(TEXTS), dtype=bool))

    assert head.aside_ is None
    far, close = head.decision_function(pairs([ADVERT, ADVERT], np.array([0.0, 1.0])))
    assert far > close


# --- of the shipped bundle


def test_closer_in_every_way_is_never_more_off_topic(moderator: Moderator) -> None:
    assert moderator.bundle.topic is not None
    comparisons = [name for name in FEATURE_NAMES if name.startswith(("similarity", "tfidf", "overlap"))]
    levels = np.linspace(0, 0.9, 10)
    for text in ("I would rather pay for the boat than for the bridge that nobody asked for.", "Fair point. " * 20):
        table = np.zeros((len(levels), len(FEATURE_NAMES)), dtype=np.float32)
        table[:, FEATURE_NAMES.index("has_article")] = 1
        words = np.log1p(len(text.split()))
        for name in comparisons:
            if not name.endswith("_parent") and "_parent_" not in name:
                scale = (0.5 if "tfidf" in name else 1.0) * (words if name.endswith("by_words") else 1.0)
                table[:, FEATURE_NAMES.index(name)] = levels * scale
        own = {"log_words": words, "log_rare_words": words - 0.7, "mean_rarity": 3.0, "focus": 0.35}
        for name, value in own.items():
            table[:, FEATURE_NAMES.index(name)] = value
        found = moderator.bundle.topic.decision_function(Pairs(tokenise([text] * len(levels)), table))

        assert (np.diff(found) < 0).all(), text


def test_a_score_can_be_traced_to_the_passage_that_answers_it(moderator: Moderator) -> None:
    placed = moderator.place(Comment("It is right that the council pays for the boat.", FERRY, "Who pays?"))

    assert placed is not None
    assert not placed.says_little
    similarities = [passage.similarity for passage in placed.closest]
    assert similarities == sorted(similarities, reverse=True)
    assert len(similarities) == 3
    for passage in placed.closest:
        side = {Side.TITLE: FERRY.title, Side.TEXT: FERRY.text, Side.PARENT: "Who pays?"}[passage.side]
        assert 0 <= passage.start < passage.end <= len(side)
    text = [passage for passage in placed.closest if passage.side is Side.TEXT]
    assert FERRY.text[text[0].start : text[0].end].startswith("The council voted seven to four")


def test_what_looks_away_from_the_article_is_marked(moderator: Moderator) -> None:
    comment = Comment("Mods, why was your comment deleted? See https://example.org for cheap offers.", FERRY)

    placed = moderator.place(comment)

    assert placed is not None
    marked = {kind: [comment.text[m.start : m.end] for m in placed.marks if m.kind is kind] for kind in MarkKind}
    assert marked[MarkKind.SITE] == ["Mods,", "comment", "deleted?"]
    assert marked[MarkKind.LINK] == ["https://example.org"]
    assert marked[MarkKind.PERSON] == ["your"]
    assert [mark.start for mark in placed.marks] == sorted(mark.start for mark in placed.marks)


def test_a_comment_about_the_article_is_no_aside(moderator: Moderator) -> None:
    aside = moderator.place(Comment("Hi Sheila, I lost your number, could you ring me about the choir?", FERRY))
    about = moderator.place(Comment("The council should pay for the night ferry from the harbour fees.", FERRY))

    assert aside is not None
    assert about is not None
    assert MarkKind.ASIDE in {mark.kind for mark in aside.marks}
    assert MarkKind.ASIDE not in {mark.kind for mark in about.marks}


@pytest.mark.parametrize("text", ["", "Well said.", "😀", "I agree with you there"])
def test_of_a_short_reply_it_is_said_that_it_says_little(moderator: Moderator, text: str) -> None:
    placed = moderator.place(Comment(text, FERRY, "The fare is too high."))

    assert placed is not None
    assert placed.says_little


def test_without_a_score_there_is_nothing_to_place(moderator: Moderator) -> None:
    assert moderator.place(Comment(TALK)) is None
    assert (
        Moderator(replace(moderator.bundle, topic=None, manifest=_without_topic(moderator))).place(Comment(TALK, FERRY))
        is None
    )


def _without_topic(moderator: Moderator):  # type: ignore[no-untyped-def]
    manifest = moderator.bundle.manifest
    labels = [label for label in manifest.labels if label != "off_topic"]
    return manifest.model_copy(
        update={
            "labels": labels,
            "calibration": {label: manifest.calibration[label] for label in labels},
            "policy": {label: manifest.policy[label] for label in labels},
        }
    )
