"""Coral's external moderation phase: signed requests in, flags and a status out."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.errors import Code, Problem
from api.settings import Settings
from moderation.keys import new_key
from moderation.labels import ABUSE_LABELS, TEXT_LABELS

SECRET, NEXT_SECRET = "whsec-of-the-harbour", "whsec-that-comes-after"
ABUSE = "You clueless moron, you are a disgusting idiot."


@pytest.fixture(scope="module")
def service(start: Callable[..., httpx.Client], settings: Settings) -> httpx.Client:
    """A service that knows two secrets, in the middle of a rotation."""
    return start(create_app(settings.model_copy(update={"coral_secrets": f"{SECRET} {NEXT_SECRET}"})))


@pytest.fixture
def service_with(
    start: Callable[..., httpx.Client], settings: Settings, tmp_path: Path
) -> Callable[[str], httpx.Client]:
    """Start a service with a policy, given as TOML."""

    def service_with(policy: str) -> httpx.Client:
        path = tmp_path / "policy.toml"
        path.write_text(policy, encoding="utf-8")
        return start(create_app(settings.model_copy(update={"policy": path, "coral_secrets": SECRET})))

    return service_with


def thresholds(of: str, labels: Iterable[str] = TEXT_LABELS, **steps: float) -> str:
    """TOML tables with the same thresholds for several labels."""
    lines = "\n".join(f"{step} = {value}" for step, value in steps.items())
    return "".join(f"[{of}.{label}]\n{lines}\n" for label in labels)


def request(body: str, **fields: Any) -> bytes:
    """What Coral sends for a comment."""
    sent = {
        "action": "NEW",
        "comment": {"body": body, "parentID": None},
        "author": {"id": "baf4e943", "role": "COMMENTER"},
        "story": {"id": "245b3856", "url": "https://harbour.example/night-ferry"},
        "site": {"id": "a4bede88"},
        "tenantID": "19ba5794",
        "tenantDomain": "comments.harbour.example",
        **fields,
    }
    return json.dumps(sent, indent=2).encode()  # Coral, too, signs and sends indented JSON


def signature(body: bytes, secret: str = SECRET) -> str:
    return f"sha256={hmac.new(secret.encode(), body, 'sha256').hexdigest()}"


def post(service: httpx.Client, body: bytes, header: str | None = None) -> httpx.Response:
    headers = {"Content-Type": "application/json", "X-Coral-Signature": header or signature(body)}
    return service.post("/v1/coral", content=body, headers=headers)


# --- what is answered


def test_of_a_kind_comment_nothing_is_said(service: httpx.Client) -> None:
    response = post(service, request("Thanks, that was well put."))
    assert (response.status_code, response.content) == (204, b"")


def test_what_is_to_be_rejected_is_flagged_and_rejected(service: httpx.Client) -> None:
    response = post(service, request(ABUSE))
    assert response.status_code == 200
    assert response.json() == {
        "actions": [{"actionType": "FLAG", "reason": "COMMENT_DETECTED_TOXIC"}],
        "status": "REJECTED",
    }


def test_what_is_to_be_reviewed_is_withheld(service_with: Callable[[str], httpx.Client]) -> None:
    service = service_with(thresholds("labels", flag=0.3, review=0.3))
    assert post(service, request(ABUSE)).json() == {
        "actions": [{"actionType": "FLAG", "reason": "COMMENT_DETECTED_TOXIC"}],
        "status": "SYSTEM_WITHHELD",
    }


def test_what_is_only_flagged_has_no_status(service_with: Callable[[str], httpx.Client]) -> None:
    service = service_with(thresholds("labels", flag=0.3))
    assert post(service, request(ABUSE)).json() == {
        "actions": [{"actionType": "FLAG", "reason": "COMMENT_DETECTED_TOXIC"}]
    }


def test_spam_is_flagged_as_spam(service_with: Callable[[str], httpx.Client]) -> None:
    service = service_with(thresholds("labels", ABUSE_LABELS, flag=1.0) + thresholds("labels", ["spam"], flag=0.3))
    spam = "Check out my channel and subscribe please, I will subscribe back!! http://example.com/free-money"
    assert post(service, request(spam)).json() == {
        "actions": [{"actionType": "FLAG", "reason": "COMMENT_DETECTED_SPAM"}]
    }


def test_of_a_comment_in_another_language_nothing_is_said(service: httpx.Client) -> None:
    assert post(service, request("Du bist ein kompletter idiot, moron, und sonst gar nichts.")).status_code == 204


def test_an_edited_reply_is_judged_like_a_new_comment(service: httpx.Client) -> None:
    edited = request(ABUSE, action="EDIT", comment={"body": ABUSE, "parentID": "d79b787f"})
    assert post(service, edited).json() == post(service, request(ABUSE)).json()


def test_a_tenant_may_have_thresholds_of_its_own(service_with: Callable[[str], httpx.Client]) -> None:
    service = service_with(thresholds('communities."rough.example"', flag=1.0))
    assert post(service, request(ABUSE, tenantDomain="rough.example")).status_code == 204
    assert post(service, request(ABUSE)).status_code == 200


@pytest.mark.parametrize("text", ["", " \n", "half an emoji \ud83d", "a\x00b", "9" * 20_000])
def test_strange_text_is_judged(service: httpx.Client, text: str) -> None:
    assert post(service, request(text)).status_code in (200, 204)


def test_fields_that_may_come_later_do_no_harm(service: httpx.Client) -> None:
    assert post(service, request(ABUSE, clientVersion=9)).status_code == 200
    body = json.dumps({"comment": {"body": ABUSE}}).encode()
    assert post(service, body).status_code == 200


# --- the story


@pytest.fixture
def particular(start: Callable[..., httpx.Client], settings: Settings, tmp_path: Path) -> httpx.Client:
    """A service that withholds whatever could be off topic, and nothing else."""
    policy, articles = tmp_path / "policy.toml", tmp_path / "articles.sqlite3"
    policy.write_text(thresholds("labels", flag=1.0) + thresholds("labels", ["off_topic"], flag=0.0, review=0.0))
    update = {"policy": policy, "articles": articles, "coral_secrets": SECRET}
    return start(create_app(settings.model_copy(update=update)))


KIND = "Thanks, that was well put."
STORY = {"id": "night-ferry", "url": "https://harbour.example/night-ferry"}
ARTICLE = {"title": "Harbour town votes to keep its night ferry"}


@pytest.mark.parametrize(
    ("id_", "article"), [("any", ARTICLE | {"url": STORY["url"]}), ("night-ferry", ARTICLE), ("night-ferry", STORY)]
)
def test_a_comment_is_judged_under_its_story_where_that_was_given(
    particular: httpx.Client, id_: str, article: dict[str, str]
) -> None:
    given = {name: value for name, value in ARTICLE.items() | article.items() if name != "id"}
    assert particular.put(f"/v1/articles/{id_}", json=given).status_code == 204
    response = post(particular, request(KIND, story=STORY))
    assert response.json() == {"actions": [], "status": "SYSTEM_WITHHELD"}


@pytest.mark.parametrize("story", [STORY, {"id": None, "url": None}, {}])
def test_a_comment_of_an_unknown_story_is_judged_without(particular: httpx.Client, story: dict[str, Any]) -> None:
    assert post(particular, request(KIND, story=story)).status_code == 204


def test_a_comment_is_judged_though_articles_cannot_be_read(
    start: Callable[..., httpx.Client], settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("These are notes, not a database of any kind. " * 50)
    update = {"articles": tmp_path / "notes.txt", "coral_secrets": SECRET}
    assert post(start(create_app(settings.model_copy(update=update))), request(ABUSE)).status_code == 200


def test_a_story_that_is_only_flagged_as_off_topic_has_nothing_to_say_to_coral(
    service_with: Callable[[str], httpx.Client],
) -> None:
    service = service_with(thresholds("labels", flag=1.0) + thresholds("labels", ["off_topic"], flag=0.0))
    assert service.put("/v1/articles/only-flagged", json=ARTICLE).status_code == 204
    assert post(service, request(KIND, story={"id": "only-flagged"})).status_code == 204


# --- signatures


def test_either_secret_of_a_rotation_opens(service: httpx.Client) -> None:
    body = request(ABUSE)
    for header in (
        signature(body),
        signature(body, NEXT_SECRET),
        f"{signature(body, 'one that Coral gives up')},{signature(body)}",
        f"{signature(body)}, {signature(body, 'one that Coral begins with')}",
    ):
        assert post(service, body, header).status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        "",
        "sha256=",
        ",,,",
        "sha256=" + "0" * 64,
        "sha256=gr\u00fc\u00dfe",
        "sha1=" + "0" * 40,
        signature(request(ABUSE), "another secret"),
        signature(request("Another comment.")),
        signature(request(ABUSE))[:-1],
        signature(request(ABUSE)).upper(),
    ],
)
def test_what_no_known_secret_signed_is_refused(service: httpx.Client, header: str) -> None:
    headers = {"Content-Type": b"application/json", "X-Coral-Signature": header.encode("latin-1")}
    response = service.post("/v1/coral", content=request(ABUSE), headers=headers)
    assert response.status_code == 401
    assert Problem.model_validate_json(response.content).error.code is Code.SIGNATURE_WRONG


def test_a_request_without_signature_is_refused(service: httpx.Client) -> None:
    assert service.post("/v1/coral", content=request(ABUSE)).status_code == 401


def test_without_any_secret_nothing_is_answered(start: Callable[..., httpx.Client], settings: Settings) -> None:
    body = request(ABUSE)
    closed = start(create_app(settings))
    assert post(closed, body, signature(body, "")).status_code == 401


def test_a_signature_takes_the_place_of_an_api_key(
    start: Callable[..., httpx.Client], settings: Settings, tmp_path: Path
) -> None:
    new_key(tmp_path / "keys.toml", "forum")
    guarded = {"api_keys": tmp_path / "keys.toml", "coral_secrets": SECRET}
    service = start(create_app(settings.model_copy(update=guarded)))
    assert post(service, request(ABUSE)).status_code == 200
    assert post(service, request(ABUSE), signature(request(ABUSE), NEXT_SECRET)).status_code == 401


def test_a_body_is_not_read_as_json_before_its_signature_is_found_right(service: httpx.Client) -> None:
    assert post(service, b'{"comment": ', signature(b"")).status_code == 401
    assert post(service, b'{"comment": ').status_code == 400


# --- what is refused though it is signed


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", Code.INVALID_REQUEST),
        (b"null", Code.INVALID_REQUEST),
        (b"{}", Code.INVALID_REQUEST),
        (b'{"comment": "a"}', Code.INVALID_REQUEST),
        (b'{"comment": {"body": null}}', Code.INVALID_REQUEST),
        (b'{"comment": {"body": 5}}', Code.INVALID_REQUEST),
        (b'{"comment": {"body": "a"}, "tenantDomain": {}}', Code.INVALID_REQUEST),
        (b'{"comment": {"body": "\xff"}}', Code.MALFORMED_JSON),
        (b"[" * 100_000, Code.MALFORMED_JSON),
        (request("a" * 20_481), Code.COMMENT_TOO_LARGE),
    ],
)
def test_another_form_is_refused(service: httpx.Client, body: bytes, code: Code) -> None:
    response = post(service, body)
    assert 400 <= response.status_code < 500
    assert Problem.model_validate_json(response.content).error.code is code
    assert post(service, request("Thanks.")).status_code == 204
