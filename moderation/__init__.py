"""Flags abusive and off-topic comments under articles, with reasons, on one CPU core."""

from moderation.comment import Article, Comment
from moderation.moderator import Moderator
from moderation.policy import Policy, Thresholds
from moderation.verdict import Action, Mark, Passage, Placement, Span, Verdict

__all__ = [
    "Action",
    "Article",
    "Comment",
    "Mark",
    "Moderator",
    "Passage",
    "Placement",
    "Policy",
    "Span",
    "Thresholds",
    "Verdict",
]
