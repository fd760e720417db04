"""What `comments:analyze` answers: Perspective's form, field by field, with this service's own scores."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from api.perspective.attributes import SCALE, label_of
from api.perspective.errors import InvalidArgumentError
from moderation import Article, Comment, Moderator
from moderation.labels import TEXT_LABELS

RUDE = "You are a stupid idiot and everybody knows it."
KIND = "Thank you, that was a helpful answer."
ARTICLE = "New bridge for Harlowby. The council voted on Tuesday to build a bridge across the river Tesk."
PARENT = "Will the bridge ever be built? The river floods every winter."
GERMAN = "Das ist doch gar nicht wahr, der Stadtrat hat darüber noch nie abgestimmt."


def analyze(service: httpx.Client, text: str = RUDE, *attributes: str, **fields: Any) -> dict[str, Any]:
    requested = {name: {} for name in attributes or ("TOXICITY",)}
    request = {"comment": {"text": text}, "requestedAttributes": requested, **fields}
    response = service.post("/v1alpha1/comments:analyze", json=request)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def summary(answer: dict[str, Any], attribute: str = "TOXICITY") -> float:
    value: float = answer["attributeScores"][attribute]["summaryScore"]["value"]
    return value


# --- the form


def test_the_answer_has_perspectives_form(service: httpx.Client) -> None:
    answer = analyze(service, RUDE)
    value = summary(answer)
    score = {"value": value, "type": "PROBABILITY"}
    assert answer == {
        "attributeScores": {
            "TOXICITY": {"summaryScore": score, "spanScores": [{"begin": 0, "end": len(RUDE), "score": score}]}
        },
        "languages": ["en"],
        "detectedLanguages": ["en"],
    }
    assert summary(analyze(service, KIND)) < 0.5 < value <= 1


@pytest.mark.parametrize("path", ["/v1alpha1/comments:analyze", "/v1alpha1/comments%3Aanalyze"])
def test_the_colon_may_be_escaped(service: httpx.Client, path: str) -> None:
    request = {"comment": {"text": RUDE}, "requestedAttributes": {"TOXICITY": {}}}
    assert service.post(path, json=request).status_code == 200


def test_googles_query_parameters_are_ignored(service: httpx.Client) -> None:
    query = (
        "alt=json&fields=languages&prettyPrint=false&quotaUser=a&callback=b&access_token=c&oauth_token=d&$.xgafv=2"
        "&uploadType=media&upload_protocol=raw&key=anything"
    )
    request = {"comment": {"text": RUDE}, "requestedAttributes": {"TOXICITY": {}}}
    headers = {"Authorization": "Bearer ya29.token-of-n8n"}
    response = service.post(f"/v1alpha1/comments:analyze?{query}", json=request, headers=headers)
    assert response.json() == analyze(service, RUDE)
    assert response.headers["content-type"] == "application/json"


def test_every_field_of_a_request_is_read(service: httpx.Client) -> None:
    answer = analyze(
        service,
        RUDE,
        languages=["en-GB"],
        doNotStore=True,
        clientToken="t-17",
        sessionId="s",
        communityId="c",
        spanAnnotations=False,
        dropUnsupportedAttributes=False,
        context={"entries": [{"text": ARTICLE, "type": "PLAIN_TEXT"}]},
    )
    assert (answer["clientToken"], answer["languages"]) == ("t-17", ["en-GB"])


def test_fields_may_be_spelled_with_underscores_and_be_null(service: httpx.Client) -> None:
    request = {
        "comment": {"text": RUDE, "type": None},
        "context": None,
        "requested_attributes": {"TOXICITY": None},
        "client_token": "t",
        "languages": None,
    }
    response = service.post("/v1alpha1/comments:analyze", json=request)
    assert (response.status_code, response.json()["clientToken"]) == (200, "t")


# --- attributes and scores

TRAINED = {
    "TOXICITY": "toxicity",
    "SEVERE_TOXICITY": "severe_toxicity",
    "IDENTITY_ATTACK": "identity_attack",
    "INSULT": "insult",
    "PROFANITY": "profanity",
    "THREAT": "threat",
    "TOXICITY_EXPERIMENTAL": "toxicity",
    "SPAM": "spam",
    "OBSCENE": "profanity",
    "OFF_TOPIC": "off_topic",
}


def test_scores_are_those_of_the_trained_heads_on_perspectives_scale(
    service: httpx.Client, moderator: Moderator
) -> None:
    [verdict] = Moderator(moderator.bundle, SCALE).score([Comment(RUDE, Article(text=ARTICLE), PARENT)])
    answer = analyze(service, RUDE, *TRAINED, context={"entries": [{"text": ARTICLE}, {"text": PARENT}]})
    scores = {name: summary(answer, name) for name in TRAINED}
    assert scores == pytest.approx({name: verdict.scores[label] for name, label in TRAINED.items()}, abs=1e-6)


@pytest.mark.parametrize("name", ["TOXICITY@6", "SEVERE_TOXICITY@2", "INSULT_EXPERIMENTAL@1"])
def test_a_version_may_be_asked_for_and_comes_back(service: httpx.Client, name: str) -> None:
    base = name.partition("@")[0]
    scores = analyze(service, RUDE, name, base)["attributeScores"]
    assert scores[name] == scores[base]


def test_scores_below_the_threshold_are_left_out(service: httpx.Client) -> None:
    toxicity = summary(analyze(service, RUDE))
    for threshold, left in ((toxicity, {"TOXICITY", "INSULT"}), (toxicity + 1e-9, {"INSULT"})):
        wanted = {"TOXICITY": {"scoreThreshold": threshold}, "INSULT": {"scoreThreshold": 0}}
        answer = analyze(service, RUDE, requestedAttributes=wanted)
        assert set(answer["attributeScores"]) == left


def test_with_every_score_below_its_threshold_the_answer_still_has_its_form(service: httpx.Client) -> None:
    answer = analyze(service, KIND, requestedAttributes={"TOXICITY": {"scoreThreshold": 1}})
    assert (answer["attributeScores"], answer["languages"]) == ({}, ["en"])


@pytest.mark.parametrize("score_type", ["PROBABILITY", "probability", "", "SCORE_TYPE_UNSPECIFIED"])
def test_the_score_type_is_a_probability_in_any_case(service: httpx.Client, score_type: str) -> None:
    answer = analyze(service, RUDE, requestedAttributes={"TOXICITY": {"scoreType": score_type}})
    assert answer["attributeScores"]["TOXICITY"]["summaryScore"]["type"] == "PROBABILITY"


@pytest.mark.parametrize(("name", "text"), [("FLIRTATION", RUDE), ("TOXICITY@x", RUDE), ("OFF_TOPIC", RUDE)])
def test_what_cannot_be_scored_can_be_dropped(service: httpx.Client, name: str, text: str) -> None:
    answer = analyze(service, text, name, "INSULT", dropUnsupportedAttributes=True)
    assert list(answer["attributeScores"]) == ["INSULT"]


def test_with_everything_dropped_the_answer_still_has_its_form(service: httpx.Client) -> None:
    answer = analyze(service, GERMAN, dropUnsupportedAttributes=True)
    assert answer == {"attributeScores": {}, "languages": ["de"], "detectedLanguages": ["de"]}


def test_an_attribute_without_a_loaded_head_is_unknown() -> None:
    with pytest.raises(InvalidArgumentError, match=r"\AUnknown requested attribute: OFF_TOPIC\Z"):
        label_of("OFF_TOPIC", TEXT_LABELS)


# --- context


def test_both_forms_of_context_mean_the_article_and_the_parent(service: httpx.Client) -> None:
    entries = {"entries": [{"text": ARTICLE}, {"text": PARENT}]}
    named = {"articleAndParentComment": {"article": {"text": ARTICLE}, "parentComment": {"text": PARENT}}}
    one, other = (analyze(service, KIND, "OFF_TOPIC", context=context) for context in (entries, named))
    assert one == other


def test_the_article_comes_first_and_then_the_parent(service: httpx.Client) -> None:
    def off_topic(*entries: str) -> float:
        context = {"entries": [{"text": text} for text in entries]}
        return summary(analyze(service, "It floods every winter.", "OFF_TOPIC", context=context), "OFF_TOPIC")

    assert len({off_topic(ARTICLE, PARENT), off_topic(PARENT, ARTICLE), off_topic(ARTICLE), off_topic("", PARENT)}) == 4
    assert off_topic(ARTICLE, PARENT, "A third entry is not read.") == off_topic(ARTICLE, PARENT)


def test_a_comment_about_something_else_is_further_off_topic(service: httpx.Client) -> None:
    context = {"entries": [{"text": ARTICLE}]}
    about, elsewhere = (
        summary(analyze(service, text, "OFF_TOPIC", context=context), "OFF_TOPIC")
        for text in ("The council should have built that bridge over the river years ago.", "My cat refuses dry food.")
    )
    assert about < elsewhere


def test_the_context_changes_nothing_about_abuse(service: httpx.Client) -> None:
    with_context = analyze(service, RUDE, context={"entries": [{"text": "Idiots, all of them!"}]})
    assert summary(with_context) == pytest.approx(summary(analyze(service, RUDE)), abs=1e-6)


# --- spans

TWO_SENTENCES = "\N{GRINNING FACE} Thank you for that. You stupid idiot \N{PILE OF POO}!  "


def test_spans_are_sentences_in_utf16_code_units(service: httpx.Client) -> None:
    spans = analyze(service, TWO_SENTENCES, spanAnnotations=True)["attributeScores"]["TOXICITY"]["spanScores"]
    units = TWO_SENTENCES.encode("utf-16-le")
    texts = [units[2 * span["begin"] : 2 * span["end"]].decode("utf-16-le") for span in spans]
    assert texts == ["\N{GRINNING FACE} Thank you for that.", "You stupid idiot \N{PILE OF POO}!"]
    thanks, insult = (span["score"]["value"] for span in spans)
    assert thanks < 0.5 < insult


def test_the_one_span_of_the_whole_text_is_counted_in_utf16_code_units(service: httpx.Client) -> None:
    [span] = analyze(service, TWO_SENTENCES)["attributeScores"]["TOXICITY"]["spanScores"]
    assert (span["begin"], span["end"]) == (0, len(TWO_SENTENCES) + 2)


def test_a_sentence_scores_as_if_it_stood_alone_in_the_same_place(service: httpx.Client) -> None:
    context = {"entries": [{"text": ARTICLE}]}
    first = "The council voted for a bridge."
    both = analyze(service, f"{first} My cat eats fish.", "OFF_TOPIC", context=context, spanAnnotations=True)
    alone = analyze(service, first, "OFF_TOPIC", context=context)
    [span, _] = both["attributeScores"]["OFF_TOPIC"]["spanScores"]
    assert span["score"]["value"] == pytest.approx(summary(alone, "OFF_TOPIC"), abs=1e-6)


def test_the_threshold_holds_for_each_span(service: httpx.Client) -> None:
    wanted = {"TOXICITY": {"scoreThreshold": 0.5}}
    answer = analyze(service, TWO_SENTENCES, requestedAttributes=wanted, spanAnnotations=True)
    assert [span["begin"] for span in answer["attributeScores"]["TOXICITY"]["spanScores"]] == [23]


# --- languages


@pytest.mark.parametrize("text", ["yo hamburger", "k", "12:30 :-)", "\N{GRINNING FACE}", " ", "lol gg"])
def test_short_texts_are_english(service: httpx.Client, text: str) -> None:
    assert analyze(service, text)["languages"] == ["en"]


def test_the_client_knows_the_language_better_than_the_detection(service: httpx.Client) -> None:
    answer = analyze(service, GERMAN, languages=["en"])
    assert (answer["languages"], answer["detectedLanguages"]) == (["en"], ["de"])


@pytest.mark.parametrize("languages", [["EN"], ["en-US"], ["en_GB"], ["en", "en-AU"]])
def test_english_has_many_spellings(service: httpx.Client, languages: list[str]) -> None:
    assert analyze(service, RUDE, languages=languages)["languages"] == languages


def test_a_bare_string_is_a_list_of_one(service: httpx.Client) -> None:
    assert analyze(service, RUDE, languages="en")["languages"] == ["en"]


@pytest.mark.parametrize("languages", [[], "", [""]])
def test_no_language_means_detection(service: httpx.Client, languages: Any) -> None:
    assert analyze(service, RUDE, languages=languages)["languages"] == ["en"]
