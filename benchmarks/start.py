"""From nothing to a moderator that has scored."""

from __future__ import annotations

import subprocess
import sys
from typing import Final

from clock import in_turn, python
from rows import Aim, Row

_SCORE: Final = """
from moderation import Comment, Moderator
Moderator.load().score([Comment(f"You are comment number {number}.") for number in range(1000)])
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def rows() -> list[Row]:
    """Measure, in processes of their own."""
    ours, theirs = in_turn(
        lambda: python("import moderation; moderation.Moderator.load()"),
        lambda: python("import sklearn, fastapi"),
        repeats=5,
    )
    memory = float(subprocess.check_output([sys.executable, "-c", _SCORE])) / 1000
    against = "import sklearn, fastapi"
    return [
        Row("start: import, verify and load", "seconds", ours, against, theirs, 1.5, Aim.AT_MOST),
        Row("peak memory of one process that has scored 1,000 comments", "MB", memory),
    ]
