"""The abuse head averages what the very words of a text say and how it sounds, and says what each word adds."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.exceptions import NotFittedError

from moderation.heads.abuse import AbuseHead
from moderation.heads.lexical import LexicalHead
from moderation.heads.linear import NaiveBayesLogistic
from moderation.heads.shares import harden
from moderation.heads.tone import ToneHead
from moderation.text.embeddings import ScopedEmbeddings, StaticEmbeddings
from moderation.text.features import Featuriser, TextFeatures
from moderation.text.ngrams import NgramTfidf
from moderation.text.scopes import N_MARKS, NEGATED, SCOPES
from moderation.text.tokens import tokenise

INSULTS = [f"you {word} {noun}" for word in ("stupid", "dumb", "daft") for noun in ("idiot", "moron", "fool", "clown")]
THREATS = [f"i will {verb} {whom}" for verb in ("hurt", "find", "beat") for whom in ("you", "him", "her", "them")]
CALM = [f"the {noun} was {word} today" for word in ("good", "late", "fine") for noun in ("bus", "soup", "match", "sea")]
TEXTS = [*INSULTS, *THREATS, *CALM]
ODD_TEXTS = [
    "",
    "!?",
    "unheard of",
    "i d i o t",
    '"you idiot" he never said, you clown!!',
    "\ud800",
    "東京 you",
    "you " * 50,
]
SHARES = np.array([[1.0, 0.0]] * 12 + [[0.0, 1.0]] * 12 + [[0.0, 0.0]] * 12)
INSULT, THREAT = range(2)

KNOWN = sorted({word for text in TEXTS for word in text.split()})
HARSH = ["stupid", "dumb", "daft", "idiot", "moron", "fool", "clown", "hurt", "beat"]
FEATURISER = Featuriser(StaticEmbeddings.from_table(KNOWN, np.eye(len(KNOWN)), np.ones(len(KNOWN))))
HARSHNESS = ScopedEmbeddings.from_table([*HARSH, "good"], [*[[1.0, 0.2]] * len(HARSH), [-1.0, 0.5]], [1.0] * 10)


def features(texts: Sequence[str]) -> TextFeatures:
    """Features in which every word of the texts has a vector of its own."""
    return FEATURISER.transform(texts)


def lexical(**parameters: Any) -> LexicalHead:
    """A head of two labels that trains at once."""
    return LexicalHead(("insult", "threat"), ngrams=NgramTfidf(word_bits=12, char_bits=12), **parameters)


def any_tone(*labels: str) -> ToneHead:
    """A head that heard nothing in particular, of whose units some are on and some are off."""
    generator = np.random.default_rng(0)
    inputs, units = len(KNOWN) + HARSHNESS.n_columns, 7
    layers = [
        (generator.normal(size=(a, b)), generator.normal(size=b)) for a, b in ((inputs, units), (units, len(labels)))
    ]
    return ToneHead.of(labels, HARSHNESS, *layers)


def harshness() -> ToneHead:
    """A head of one unit: it hears an insult where words are harsh, unless they are negated."""
    weights = np.zeros((1 + N_MARKS, HARSHNESS.n_dimensions))
    weights[0, 0], weights[1 + SCOPES.index(NEGATED), 0] = 4, -4
    hidden = np.concatenate([np.zeros(len(KNOWN)), weights.ravel()])[:, None]
    return ToneHead.of(("insult",), HARSHNESS, (hidden, [0.0]), ([[3.0]], [-2.0]))


@pytest.fixture(scope="module")
def words() -> LexicalHead:
    """A lexical head that has learned insults and threats."""
    return lexical().fit(tokenise(TEXTS), SHARES)


@pytest.fixture(scope="module")
def head(words: LexicalHead) -> AbuseHead:
    """Both views, of both labels."""
    return AbuseHead(words, any_tone("insult", "threat"))


# --- the lexical head


def test_each_label_is_learned_apart(words: LexicalHead) -> None:
    scores = words.decision_function(tokenise(["you stupid clown", "i will beat them", "the sea was late today"]))

    assert scores.shape == (3, 2)
    assert scores.argmax(axis=0).tolist() == [0, 1]
    assert ((scores > 0) == [[True, False], [False, True], [False, False]]).all()


def test_one_product_for_all_labels_gives_what_each_model_would(words: LexicalHead) -> None:
    batch = tokenise(TEXTS)
    matrix = words.ngrams_.transform(batch)
    alone = [NaiveBayesLogistic().fit(matrix, SHARES[:, column]).decision_function(matrix) for column in range(2)]

    np.testing.assert_allclose(words.decision_function(batch), np.column_stack(alone), atol=0.02)


def test_the_model_of_a_label_can_be_chosen() -> None:
    batch = tokenise(TEXTS)

    free, held = (lexical(linear=NaiveBayesLogistic(C=C)).fit(batch, SHARES).decision_function(batch) for C in (9, 0.1))

    assert np.abs(held).max() < np.abs(free).max()


def test_a_label_learns_nothing_from_texts_for_which_it_is_not_defined() -> None:
    seen = tokenise(TEXTS)
    unknown, flipped = SHARES.copy(), SHARES.copy()
    unknown[:6, THREAT] = np.nan
    flipped[:6, THREAT] = 1
    weights = np.ones_like(SHARES)
    weights[:6, THREAT] = 0

    left_out = lexical().fit(seen, unknown).decision_function(seen)
    weightless = lexical().fit(seen, flipped, weights).decision_function(seen)
    believed = lexical().fit(seen, flipped).decision_function(seen)

    np.testing.assert_array_equal(left_out, weightless)
    assert not np.allclose(left_out[:, THREAT], believed[:, THREAT])


def test_each_label_is_announced_before_it_is_learned() -> None:
    told: list[str] = []

    lexical().fit(tokenise(TEXTS), SHARES, on_label=told.append)

    assert told == ["insult", "threat"]


@pytest.mark.parametrize(("value", "missing"), [(0.0, "positive"), (1.0, "negative"), (np.nan, "positive")])
def test_a_label_of_one_kind_cannot_be_learned(value: float, missing: str) -> None:
    shares = SHARES.copy()
    shares[:, THREAT] = value

    with pytest.raises(ValueError, match=f"threat cannot be learned: no {missing} text"):
        lexical().fit(tokenise(TEXTS), shares)


def test_a_share_of_votes_is_a_positive_and_a_negative() -> None:
    rows, target, weights = harden(np.array([0.7, np.nan, 1.0, 0.0]), np.array([2.0, 1.0, 1.0, 1.0]), "insult")

    found = sorted(zip(rows.tolist(), target.tolist(), weights.round(6).tolist(), strict=True))
    assert found == [(0, False, 0.6), (0, True, 1.4), (2, True, 1.0), (3, False, 1.0)]


def test_judging_comes_after_learning() -> None:
    with pytest.raises(NotFittedError):
        lexical().decision_function(tokenise(["you idiot"]))
    with pytest.raises(NotFittedError):
        lexical().contributions(tokenise(["you idiot"]))


# --- the tone head


def test_a_tone_is_heard_in_what_is_said_and_not_in_what_is_denied() -> None:
    said, denied, kind = harshness().decision_function(features(["you idiot", "never idiot", "a good match"]))[:, 0]

    assert said == pytest.approx(3 * 4 / np.sqrt(2) - 2, abs=0.01)
    assert denied == kind == -2


def test_a_tone_head_sees_the_embedding_as_well() -> None:
    hidden = np.zeros((len(KNOWN) + HARSHNESS.n_columns, 1))
    hidden[KNOWN.index("soup")] = 1
    about_soup = ToneHead.of(("insult",), HARSHNESS, (hidden, [0.0]), ([[1.0]], [0.0]))

    assert about_soup.decision_function(features(["soup", "the soup", "sea"]))[:, 0] == pytest.approx([1, 0.5**0.5, 0])


# --- both


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 1.0])
def test_the_views_are_averaged(words: LexicalHead, share: float) -> None:
    seen, tone = features([*TEXTS, *ODD_TEXTS]), any_tone("insult", "threat")

    found = AbuseHead(words, tone, share).decision_function(seen)

    expected = (1 - share) * words.decision_function(seen.tokens) + share * tone.decision_function(seen)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_a_label_without_a_tone_is_judged_by_its_words_alone(words: LexicalHead) -> None:
    seen = features(TEXTS)

    found = AbuseHead(words, harshness()).decision_function(seen)

    np.testing.assert_array_equal(found[:, THREAT], words.decision_function(seen.tokens)[:, THREAT])
    assert not np.allclose(found[:, INSULT], words.decision_function(seen.tokens)[:, INSULT])


def test_labels_are_matched_by_name(words: LexicalHead) -> None:
    seen, tone = features(TEXTS), any_tone("threat", "sarcasm", "insult")

    found = AbuseHead(words, tone, 1).decision_function(seen)

    assert AbuseHead(words, tone).labels == ("insult", "threat")
    np.testing.assert_allclose(found, tone.decision_function(seen)[:, [2, 0]], atol=1e-5)


def test_no_text_is_no_row(head: AbuseHead) -> None:
    assert head.decision_function(features([])).shape == (0, 2)


# --- what each word of a text contributes


def added_up(head: AbuseHead, texts: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What words contribute to texts, with what is left; and the log-odds that these explain."""
    seen = features(texts)
    by_word = head.contributions(seen, FEATURISER.contributions(seen.tokens))
    assert by_word.shape == (len(seen.tokens.hashes), len(head.labels))
    totals = [by_word[start:stop].sum(axis=0) for start, stop in pairwise(seen.tokens.indptr)]
    return np.array(totals, dtype=np.float32) + head.baseline(seen), head.decision_function(seen)


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
@pytest.mark.parametrize(
    "tone",
    [any_tone("insult", "threat"), any_tone("threat"), harshness()],
    ids=["of both labels", "of one", "of one unit"],
)
def test_contributions_and_what_is_left_are_the_log_odds(words: LexicalHead, tone: ToneHead, share: float) -> None:
    found, wanted = added_up(AbuseHead(words, tone, share), [*TEXTS, *ODD_TEXTS])

    np.testing.assert_allclose(found, wanted, atol=1e-4)


@settings(deadline=None)
@given(st.lists(st.text(max_size=30) | st.sampled_from([*TEXTS, *ODD_TEXTS]), min_size=1, max_size=4))
def test_contributions_add_up_whatever_the_texts(head: AbuseHead, texts: list[str]) -> None:
    found, wanted = added_up(head, texts)

    np.testing.assert_allclose(found, wanted, atol=1e-4)


def test_the_words_of_an_insult_contribute_most_to_it(words: LexicalHead) -> None:
    seen = features(["the soup was fine today you idiot"])

    by_word = AbuseHead(words, harshness()).contributions(seen, FEATURISER.contributions(seen.tokens))

    assert by_word[:, INSULT].argmax() == 6
    assert by_word[6, INSULT] > 0 > by_word[4, INSULT]


def test_a_word_adds_to_the_tone_what_the_text_would_sound_less_harsh_without_it() -> None:
    seen = features(["you stupid idiot", "never idiot", "a good match"])

    found = harshness().contributions(seen, FEATURISER.contributions(seen.tokens))[:, 0]

    each = 3 * 4 / np.sqrt(3)
    np.testing.assert_allclose(found, [0, each, each, 0, 0, 0, 0, 0], atol=0.05)


def test_of_a_text_without_words_all_is_left(head: AbuseHead) -> None:
    seen = features(["", "!?"])

    np.testing.assert_array_equal(head.baseline(seen), head.decision_function(seen))


def test_contributions_of_no_text_are_none(head: AbuseHead) -> None:
    seen = features([])

    assert head.contributions(seen, FEATURISER.contributions(seen.tokens)).shape == (0, 2)
    assert head.baseline(seen).shape == (0, 2)
