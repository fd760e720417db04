"""What the commands print: progress on a terminal, tables, scores in colour."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

STYLES = {"approve": "green", "review": "yellow", "reject": "red"}


_AS_SHOWN: Final = {
    **dict.fromkeys([*range(0x20), *range(0x7F, 0xA0)], "\ufffd"),  # a terminal obeys some of them
    **dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)], "\ufffd"),  # these turn round what follows
    **dict.fromkeys(range(0xD800, 0xE000), "\ufffd"),  # lone surrogates have no UTF-8
    **{ord("\n"): "\n", ord("\t"): " ", ord("\r"): " "},
}


def shown(text: str) -> str:
    """A stranger's text as it is safe to print, just as long: nothing in it directs the terminal."""
    return text.translate(_AS_SHOWN)


def notices() -> Console:
    """Standard error: what is said about the work, never its result."""
    return Console(stderr=True, soft_wrap=True, highlight=False, markup=False)


@contextmanager
def bar(total: float | None) -> Iterator[Callable[[float, str], None]]:
    """Show a progress bar with an estimate of the time left, where standard error is a terminal.

    Yields a function that takes how much is done in all, and a few words about what is being done.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=total)
        yield lambda done, words: progress.update(task, completed=done, description=words)


@contextmanager
def steps(shares: Mapping[str, float]) -> Iterator[Callable[[str], None]]:
    """Show progress over named steps, given the share of the time that each takes.

    Yields a function to call with a step's name before it starts.
    """
    names = list(shares)
    with bar(1.0) as update:
        plain = not Console(stderr=True).is_terminal

        def begin(name: str) -> None:
            update(sum(shares[earlier] for earlier in names[: names.index(name)]), name)
            if plain:
                notices().print(f"[{names.index(name) + 1}/{len(names)}] {name}")

        yield begin
