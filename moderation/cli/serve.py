"""`moderation serve`: start the HTTP service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; 127.0.0.1 by default.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 8000 by default.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes; 1 by default.")] = None,
    model: Annotated[Path | None, typer.Option(help="Folder of a bundle; the shipped one by default.")] = None,
) -> None:
    """Serve verdicts over HTTP. What is not given here comes from `MODERATION_*`, see docs/service.md.

    Example: `moderation serve --port 8000`
    """
    from api.server import serve as run  # noqa: PLC0415  only this command needs the web framework
    from api.settings import Settings  # noqa: PLC0415

    given: dict[str, Any] = {"host": host, "port": port, "workers": workers, "bundle": model}
    run(Settings.from_environment(**{name: value for name, value in given.items() if value is not None}))
