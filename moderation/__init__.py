"""Flags abusive and off-topic comments under articles, with reasons, on one CPU core."""

from moderation.comment import Article, Comment
from moderation.moderator import Moderator
from moderation.policy import Policy, Thresholds
from moderation.verdict import Action, Span, Verdict

__all__ = ["Action", "Article", "Comment", "Moderator", "Policy", "Span", "Thresholds", "Verdict"]
