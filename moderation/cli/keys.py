"""`moderation keys`: make API keys for the service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from moderation.cli.console import notices
from moderation.keys import new_key

app = typer.Typer(
    help="Make API keys for the service.",
    epilog="Example: `moderation keys new forum --file keys.toml`",
    no_args_is_help=True,
)


@app.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose key it is; letters, figures, - and _.")],
    file: Annotated[Path, typer.Option(help="File of hashed keys, for MODERATION_API_KEYS; made where there is none.")],
    per_minute: Annotated[
        int | None, typer.Option(min=1, help="Requests that the key may make in a minute; any number by default.")
    ] = None,
) -> None:
    """Make a key, add its hash to a file, and show the key this one time.

    Example: `moderation keys new forum --file keys.toml`
    """
    Console(soft_wrap=True, highlight=False, markup=False).print(new_key(file, name, per_minute))
    notices().print(
        f"The key of {name} is shown above and stored nowhere; {file} holds its hash. Serve with "
        f"MODERATION_API_KEYS={file}; a service that runs already has to be started again."
    )
