"""google-api-python-client, built from the service's own description as Perspective's documentation taught it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from googleapiclient import discovery
from googleapiclient.errors import HttpError
from serving import PER_MINUTE, Server

from moderation import Article, Comment
from moderation.decisions import DecisionStore, LabelScore

RUDE = "You clueless moron, you are a disgusting idiot."
KIND = "Thanks, that was well put."
ARTICLE = "Harbour town votes to keep its night ferry. The council voted to go on paying for the boat."
ERROR = "type.googleapis.com/google.commentanalyzer.v1alpha1.Error"


def built(server: Server, key: str | None) -> Any:
    return discovery.build(
        "commentanalyzer",
        "v1alpha1",
        developerKey=key,
        discoveryServiceUrl=f"{server.url}/$discovery/rest?version=v1alpha1",
        static_discovery=False,
    )


@pytest.fixture(scope="module")
def client(server: Server) -> Any:
    with built(server, server.key) as client:
        yield client


def request(text: str = RUDE, *names: str, **fields: Any) -> dict[str, Any]:
    return {"comment": {"text": text}, "requestedAttributes": {name: {} for name in names or ("TOXICITY",)}, **fields}


def analyze(client: Any, *arguments: str, **fields: Any) -> dict[str, Any]:
    answer: dict[str, Any] = client.comments().analyze(body=request(*arguments, **fields)).execute()
    return answer


def value(answer: dict[str, Any], name: str = "TOXICITY") -> float:
    score: float = answer["attributeScores"][name]["summaryScore"]["value"]
    return score


def refusal(client: Any, **fields: Any) -> HttpError:
    with pytest.raises(HttpError) as refused:
        client.comments().analyze(body={**request(), **fields}).execute()
    return refused.value


# --- analyze


def test_abuse_scores_high_and_kindness_low(client: Any) -> None:
    assert value(analyze(client, KIND)) < 0.2
    assert value(analyze(client, RUDE)) > 0.8


def test_an_answer_has_all_that_was_asked_for(client: Any) -> None:
    answer = analyze(
        client,
        f"\N{GRINNING FACE} {KIND} {RUDE}",
        "TOXICITY@6",
        "OFF_TOPIC",
        context={"entries": [{"text": ARTICLE, "type": "PLAIN_TEXT"}]},
        languages=["en"],
        clientToken="comment-17",
        sessionId="session",
        communityId="harbour.example/ferry",
        doNotStore=True,
        spanAnnotations=True,
    )
    assert (answer["languages"], answer["clientToken"]) == (["en"], "comment-17")
    assert list(answer["attributeScores"]) == ["TOXICITY@6", "OFF_TOPIC"]
    kind, rude = answer["attributeScores"]["TOXICITY@6"]["spanScores"]
    assert (kind["begin"], kind["end"], rude["end"]) == (0, 3 + len(KIND), 4 + len(KIND) + len(RUDE))
    assert kind["score"]["value"] < 0.5 < rude["score"]["value"]


def test_a_document_that_was_downloaded_before_builds_the_same_client(client: Any, server: Server) -> None:
    document = httpx.get(f"{server.url}/$discovery/rest", trust_env=False).text
    with discovery.build_from_document(document, developerKey=server.key) as other:
        assert analyze(other) == analyze(client)


def test_the_example_of_the_documentation_runs(root: Path, server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    documentation = (root / "docs/migrating-from-perspective.md").read_text(encoding="utf-8")
    [example] = re.findall(r"^```python\n(.*?)^```$", documentation, re.MULTILINE | re.DOTALL)
    exec(example.replace("http://127.0.0.1:8000", server.url).replace("anything", server.key), {})
    assert float(capsys.readouterr().out) > 0.8


# --- suggestscore


def test_a_suggestion_is_kept(client: Any, server: Server) -> None:
    body = {
        "comment": {"text": KIND},
        "context": {"entries": [{"text": ARTICLE}]},
        "attributeScores": {"TOXICITY": {"summaryScore": {"value": 0}}},
        "communityId": "harbour.example/ferry",
        "clientToken": "google-client",
        "languages": ["en"],
    }
    answer = client.comments().suggestscore(body=body).execute()
    assert answer == {"clientToken": "google-client", "detectedLanguages": ["en"], "requestedLanguages": ["en"]}
    kept = {decision.reference: decision for decision in DecisionStore(server.decisions).decisions()}["google-client"]
    assert kept.comment == Comment(KIND, Article(text=ARTICLE))
    assert kept.scores == (LabelScore("toxicity", 0.0),)
    assert (kept.client, kept.community) == ("forum", "harbour.example/ferry")


# --- batches


def test_a_batch_answers_every_call_by_its_name(client: Any, server: Server) -> None:
    answers: dict[str, dict[str, Any] | None] = {}
    refused: dict[str, HttpError] = {}

    def take(name: str, answer: dict[str, Any] | None, error: HttpError | None) -> None:
        if error is None:
            answers[name] = answer
        else:
            refused[name] = error

    batch = client.new_batch_http_request(callback=take)
    for number in range(30):
        batch.add(client.comments().analyze(body=request(RUDE if number % 2 else KIND)), request_id=f"comment {number}")
    batch.add(client.comments().analyze(body=request("")), request_id="nothing")
    body = {"comment": {"text": RUDE}, "attributeScores": {"INSULT": {"summaryScore": {"value": 1}}}}
    batch.add(client.comments().suggestscore(body=body | {"clientToken": "google-batch"}), request_id="suggestion")
    batch.execute()

    assert answers.pop("suggestion") == {"clientToken": "google-batch", "detectedLanguages": ["en"]}
    assert {name: value(answer) > 0.5 for name, answer in answers.items() if answer} == {
        f"comment {number}": number % 2 == 1 for number in range(30)
    }
    assert {name: error.reason for name, error in refused.items()} == {"nothing": "Comment must be non-empty."}
    assert "google-batch" in {decision.reference for decision in DecisionStore(server.decisions).decisions()}


# --- refusals


@pytest.mark.parametrize(
    ("fields", "kind", "message"),
    [
        ({"comment": {"text": ""}}, "COMMENT_EMPTY", "Comment must be non-empty."),
        ({"comment": {"text": "a " * 10_241}}, "COMMENT_TOO_LONG", "Comment text too long."),
        ({"requestedAttributes": {}}, "NO_REQUESTED_ATTRIBUTES", "Missing requested_attributes"),
        (
            {"languages": ["de", "fr"]},
            "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE",
            "Attribute TOXICITY does not support request languages: de, fr",
        ),
        ({"requestedAttributes": {"FLIRTATION": {}}}, "INVALID_REQUEST", "Unknown requested attribute: FLIRTATION"),
        (
            {"comment": {"text": RUDE, "type": "HTML"}},
            "INVALID_REQUEST",
            "Currently, only 'PLAIN_TEXT' comments are supported",
        ),
    ],
)
def test_a_refusal_says_why_in_its_details(client: Any, fields: dict[str, Any], kind: str, message: str) -> None:
    error = refusal(client, **fields)
    assert (error.status_code, error.reason) == (400, message)
    assert [(detail["@type"], detail["errorType"]) for detail in error.error_details] == [(ERROR, kind)]


def test_an_unsupported_language_is_named_in_the_details(client: Any) -> None:
    [detail] = refusal(client, languages=["de"]).error_details
    assert detail["languageNotSupportedByAttributeError"] == {"requestedLanguages": ["de"], "attribute": "TOXICITY"}


def test_a_wrong_key_is_refused_as_by_google(server: Server) -> None:
    with built(server, "AIzaWrong") as client:
        error = refusal(client)
    assert (error.status_code, error.error_details[0]["reason"]) == (400, "API_KEY_INVALID")


def test_without_a_key_nothing_is_answered(server: Server) -> None:
    with built(server, None) as client:
        assert refusal(client).status_code == 403


def test_a_key_that_is_used_too_often_has_to_wait(server: Server) -> None:
    with built(server, server.limited_key) as client:
        for _ in range(PER_MINUTE):
            analyze(client)
        error = refusal(client)
    assert (error.status_code, error.error_details[0]["reason"]) == (429, "RATE_LIMIT_EXCEEDED")
    assert 0 < int(error.resp["retry-after"]) <= 60
