"""The label vocabulary: every module, file and endpoint uses these names and no others."""

from __future__ import annotations

from typing import Final

ABUSE_LABELS: Final = (
    "toxicity",
    "severe_toxicity",
    "identity_attack",
    "insult",
    "profanity",
    "threat",
)
TEXT_LABELS: Final = (*ABUSE_LABELS, "spam")
"""Labels that the comment's own text decides."""

OFF_TOPIC: Final = "off_topic"
LABELS: Final = (*TEXT_LABELS, OFF_TOPIC)
"""All labels, in the order in which they are shown and stored."""
