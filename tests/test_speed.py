"""Scoring stays as cheap as it is, counted in what does not depend on the machine or on what else it does."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType

import pandas as pd
import pytest

from moderation import Comment, Moderator


@pytest.fixture(scope="module")
def comments(root: Path) -> list[Comment]:
    """The sample's comments, without their articles."""
    return [Comment(text) for text in pd.read_csv(root / "data" / "comments.csv")["text"]]


@pytest.fixture
def warm(bundle_path: Path, comments: list[Comment]) -> Moderator:
    """A moderator that has met the words of the comments."""
    moderator = Moderator.load(bundle_path)
    moderator.score(comments)
    moderator.score(comments[:1])
    return moderator


def calls(action: Callable[[], object]) -> int:
    """How many functions an action calls, those of Python and of C together."""
    counted: Counter[str] = Counter()

    def count(frame: FrameType, event: str, argument: object) -> None:
        counted[event] += 1

    sys.setprofile(count)
    try:
        action()
    finally:
        sys.setprofile(None)
    return counted["call"] + counted["c_call"]


def test_a_comment_in_a_batch_costs_a_few_calls(warm: Moderator, comments: list[Comment]) -> None:
    assert calls(lambda: warm.probabilities(comments)) < 11 * len(comments)


def test_a_verdict_costs_a_few_calls_more(warm: Moderator, comments: list[Comment]) -> None:
    assert calls(lambda: warm.score(comments)) < 15 * len(comments)


def test_a_comment_alone_costs_a_few_hundred_calls(warm: Moderator) -> None:
    assert calls(lambda: warm.score([Comment("You are a complete idiot, never say that again!")])) < 450


def test_a_word_met_for_the_first_time_costs_a_few_calls(warm: Moderator) -> None:
    new = [Comment(" ".join(f"nov{a}{b}" for b in "bcdfghjklm")) for a in "bcdfghjklmnpqrstvwxz"]

    assert calls(lambda: warm.probabilities(new)) < 36 * 10 * len(new)


def test_a_hundred_times_the_text_costs_a_hundredth_of_the_calls_a_byte(warm: Moderator) -> None:
    words = "the committee has never called anybody an idiot, she said. "
    warm.score([Comment(words)])

    short, long = (calls(partial(warm.score, [Comment(words * times)])) for times in (1, 100))

    assert long < 1.5 * short
