"""The command line: `moderation score | train | evaluate | check | functional | serve | model`."""

from moderation.cli.app import main

__all__ = ["main"]
