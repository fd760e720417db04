"""The command line: `moderation score | compare | train | evaluate | check | functional | serve | model | keys`."""

from moderation.cli.app import main

__all__ = ["main"]
