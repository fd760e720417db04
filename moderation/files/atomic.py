"""Files that are there when they are complete and not before."""

from __future__ import annotations

import gzip
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO, Literal, NamedTuple, cast

from moderation.errors import InputError

STDOUT = "<stdout>"


class Output(NamedTuple):
    """Where bytes go, and its name for messages."""

    name: str
    stream: BinaryIO


@contextmanager
def write_errors(name: str) -> Iterator[None]:
    """Report what the system says about writing as an `InputError`; a reader that left a pipe is no error of a file."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise InputError(f"{name}: cannot be written: {error.strerror or error}") from error


@contextmanager
def output_to(target: Path | None) -> Iterator[Output]:
    """Open what is to be written.

    A file is written under another name beside its target and takes the target's name at the end. After an exception
    nothing is left of it and what was at the target is untouched. Standard output (None), devices and pipes are written
    directly.

    Raises
    ------
    InputError
        If the target is a directory, its directory is missing, or it cannot be written.
    """
    if target is None:
        yield Output(STDOUT, sys.stdout.buffer)
        with write_errors(STDOUT):
            sys.stdout.buffer.flush()
        return
    name = str(target)
    with write_errors(name):
        goal = target.resolve()
        is_file = goal.is_file() or not goal.exists()
    _check_place(name, goal)
    with _replacing(name, goal) if is_file else _opened(name, goal, "wb") as stream:
        yield Output(name, stream)


@contextmanager
def gzipped(output: Output) -> Iterator[Output]:
    """What is written here arrives compressed."""
    packed = gzip.GzipFile(filename="", mode="wb", fileobj=output.stream, compresslevel=6)
    try:
        yield Output(output.name, cast("BinaryIO", packed))
    finally:
        with write_errors(output.name):
            packed.close()


def _check_place(name: str, goal: Path) -> None:
    if goal.is_dir():
        raise InputError(f"{name}: is a directory; name a file in it")
    if not goal.parent.is_dir():
        raise InputError(f"{name}: there is no directory {goal.parent}; create it first")


@contextmanager
def _replacing(name: str, goal: Path) -> Iterator[BinaryIO]:
    temporary = goal.with_name(f".{token_hex(8)}.tmp")
    try:
        with _opened(name, temporary, "xb") as stream:
            yield stream
        with write_errors(name):
            if goal.exists():
                shutil.copymode(goal, temporary)
            temporary.replace(goal)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def _opened(name: str, path: Path, mode: Literal["wb", "xb"]) -> Iterator[BinaryIO]:
    with write_errors(name):
        stream = path.open(mode)
    try:
        yield stream
    finally:
        with write_errors(name):
            stream.close()
