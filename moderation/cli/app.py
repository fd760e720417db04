"""The commands put together, and what every one of them does with errors."""

from __future__ import annotations

import sys

import typer

from moderation.cli import compare, corpora, functional, keys, model, score, serve
from moderation.errors import ModerationError

app = typer.Typer(
    help="Comment moderation that a forum runs itself: abusive and off-topic comments, with reasons.",
    epilog="Example: `moderation score comments.csv -o scored.csv`",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.command("score")(score.score)
app.command("serve")(serve.serve)
app.command("train")(corpora.train)
app.command("evaluate")(corpora.evaluate)
app.command("compare")(compare.compare)
app.command("check")(corpora.check)
app.command("functional")(functional.functional)
app.add_typer(model.app, name="model")
app.add_typer(keys.app, name="keys")


def main() -> None:
    """Run the command line. Exit codes: 0 done, 1 a check found faults, 2 unusable input, 130 interrupted."""
    try:
        app()
    except ModerationError as error:
        print(f"moderation: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        print(f"moderation: {error.filename or 'the system'}: {error.strerror or error}", file=sys.stderr)
        sys.exit(2)
    except SystemExit as end:
        if end.code == 130:  # Typer's, for an interrupt; it also ends quietly where the reader of a pipe has left
            print("moderation: interrupted; nothing was left half-written", file=sys.stderr)
        raise
