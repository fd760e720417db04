"""What moderators decided about comments, kept for thresholds and retraining."""

from moderation.decisions.decision import Decision, LabelScore
from moderation.decisions.store import DecisionStore

__all__ = ["Decision", "DecisionStore", "LabelScore"]
