"""Thresholds turn scores into flags and an action, per community."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from moderation.errors import PolicyError
from moderation.policy import Policies, Policy, Thresholds
from moderation.verdict import Action, Verdict

POLICY = Policy(
    {
        "insult": Thresholds(flag=0.3, review=0.5, reject=0.9),
        "profanity": Thresholds(flag=0.4),
        "off_topic": Thresholds(flag=0.6, review=0.6),
    }
)


def read(tmp_path: Path, text: str, base: Policy = POLICY) -> Policies:
    path = tmp_path / "policy.toml"
    path.write_text(text, encoding="utf-8")
    return Policies.from_toml(path, base)


@pytest.mark.parametrize(
    ("scores", "flags", "action"),
    [
        ({"insult": 0.1, "profanity": 0.1}, (), Action.APPROVE),
        ({"insult": 0.3}, ("insult",), Action.APPROVE),
        ({"insult": 0.5}, ("insult",), Action.REVIEW),
        ({"insult": 0.9}, ("insult",), Action.REJECT),
        ({"insult": 0.9, "off_topic": 0.7}, ("insult", "off_topic"), Action.REJECT),
        ({"profanity": 1.0}, ("profanity",), Action.APPROVE),
        ({"off_topic": 1.0}, ("off_topic",), Action.REVIEW),
        ({"threat": 1.0}, (), Action.APPROVE),
        ({}, (), Action.APPROVE),
    ],
)
def test_the_strictest_action_of_any_label_is_taken(
    scores: dict[str, float], flags: tuple[str, ...], action: Action
) -> None:
    assert POLICY.flags(scores) == flags
    assert POLICY.action(scores) is action


def test_a_label_can_be_rejected_without_ever_being_reviewed() -> None:
    policy = Policy({"spam": Thresholds(flag=0.2, reject=0.8)})

    assert policy.action({"spam": 0.79}) is Action.APPROVE
    assert policy.action({"spam": 0.8}) is Action.REJECT


def test_a_verdict_has_the_scores_and_what_they_lead_to() -> None:
    scores = {"insult": 0.5, "off_topic": 0.1}

    assert POLICY.verdict(scores) == Verdict(scores, ("insult",), Action.REVIEW)


def test_many_comments_are_decided_at_once_as_each_alone() -> None:
    labels = ("insult", "profanity", "threat", "off_topic")
    scores = np.random.default_rng(0).random((500, 4))
    scores[::3, 3] = np.nan
    known = [{label: score for label, score in zip(labels, row, strict=True) if not np.isnan(score)} for row in scores]

    flags, actions = POLICY.decisions(scores, labels)

    assert flags == [POLICY.flags(some) for some in known]
    assert actions == [POLICY.action(some) for some in known]
    assert POLICY.decisions(scores[:0], labels) == ([], [])


def test_no_thresholds_approve_everything() -> None:
    assert Policy().flags({"insult": 1.0}) == ()
    assert Policy().action({"insult": 1.0}) is Action.APPROVE


def test_a_changed_policy_leaves_the_first_as_it_was() -> None:
    changed = POLICY.but({"insult": Thresholds(flag=0.8)})

    assert changed.flags({"insult": 0.5, "profanity": 0.5}) == ("profanity",)
    assert POLICY.flags({"insult": 0.5, "profanity": 0.5}) == ("insult", "profanity")


def test_a_policy_survives_being_written_down() -> None:
    assert Policy.from_dict(POLICY.to_dict()) == POLICY
    assert POLICY.to_dict()["profanity"] == {"flag": 0.4}


@pytest.mark.parametrize("flag", [-0.01, 1.01, float("nan"), float("inf")])
def test_thresholds_lie_between_0_and_1(flag: float) -> None:
    with pytest.raises(PolicyError, match="between 0 and 1"):
        Thresholds(flag=flag)


@pytest.mark.parametrize("steps", [(0.5, 0.4, 0.9), (0.5, 0.6, 0.55), (0.5, None, 0.4)])
def test_thresholds_rise(steps: tuple[float, float | None, float | None]) -> None:
    with pytest.raises(PolicyError, match="must rise from flag over review to reject"):
        Thresholds(*steps)


def test_an_unknown_label_is_told_what_is_known() -> None:
    with pytest.raises(PolicyError, match="no such label: rudeness; labels are toxicity, .*off_topic"):
        Policy({"rudeness": Thresholds(flag=0.5)})


def test_a_file_changes_what_it_names_and_communities_change_the_rest(tmp_path: Path) -> None:
    policies = read(
        tmp_path,
        """
        [labels.insult]
        flag = 0.2
        review = 0.7

        [communities.banter.insult]
        flag = 0.95

        [communities."Café & Bar".profanity]
        flag = 0.99
        """,
    )
    scores = {"insult": 0.9, "profanity": 0.5, "off_topic": 0.6}

    assert policies.default.flags(scores) == ("insult", "profanity", "off_topic")
    assert policies.default.action({"insult": 0.95}) is Action.REVIEW
    assert policies.of("banter").flags(scores) == ("profanity", "off_topic")
    assert policies.of("Café & Bar").flags(scores) == ("insult", "off_topic")
    assert policies.of("banter").action({"insult": 1.0}) is Action.APPROVE


@pytest.mark.parametrize("community", [None, "", "nobody wrote a policy for this one"])
def test_a_community_without_a_policy_has_that_of_the_site(tmp_path: Path, community: str | None) -> None:
    policies = read(tmp_path, "[communities.banter.insult]\nflag = 0.95")

    assert policies.of(community) == policies.default == POLICY


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, "") == Policies(POLICY)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[labels", "cannot be read as a policy"),
        ("labels = 3", r"tables \[labels\.\*\]"),
        ("communities.banter = 3", r"tables \[labels\.\*\] and \[communities\.\*\.\*\]"),
        ("[lables.insult]\nflag = 0.5", r"\[lables\] means nothing"),
        ("[labels]\ninsult = 0.5", "insult: expected numbers named flag, review, reject; got 0.5"),
        ("[labels.insult]\nreview = 0.5", "insult: expected numbers"),
        ("[labels.insult]\nflag = 'high'", "insult: expected numbers .* got {'flag': 'high'}"),
        ("[labels.insult]\nflag = 0.5\nhide = 0.6", "insult: expected numbers .*'hide'"),
        ("[labels.insult]\nflag = 5", "insult: thresholds must lie between 0 and 1"),
        ("[labels.insult]\nflag = nan", "insult: thresholds must lie between 0 and 1"),
        ("[labels.insult]\nflag = 0.9\nreview = 0.1", "insult: thresholds must rise"),
        ("[labels.rudeness]\nflag = 0.5", "no such label: rudeness"),
        ("[communities.banter.rudeness]\nflag = 0.5", "no such label: rudeness"),
        ("[communities.banter.insult]\nflag = -1", "insult: thresholds must lie between 0 and 1"),
    ],
)
def test_a_faulty_file_is_named_with_the_reason(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(PolicyError, match=rf"policy\.toml: .*{reason}"):
        read(tmp_path, text)


def test_a_file_that_is_missing_or_not_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"policy\.toml: cannot be read as a policy: .*No such file"):
        Policies.from_toml(tmp_path / "policy.toml", POLICY)
    (tmp_path / "policy.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(PolicyError, match=r"policy\.toml: cannot be read as a policy: .*utf-8"):
        Policies.from_toml(tmp_path / "policy.toml", POLICY)
