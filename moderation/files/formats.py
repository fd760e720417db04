"""Which file formats there are and how a file name tells them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from moderation.errors import InputError


class Format(StrEnum):
    """How rows are laid out in a file."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


_BY_SUFFIX = {
    ".csv": Format.CSV,
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".parquet": Format.PARQUET,
}


def is_gzipped(path: Path | None) -> bool:
    """Whether a file of this name is compressed as a whole."""
    return path is not None and path.suffix.lower() == ".gz"


def resolve_format(path: Path | None, format: Format | None) -> Format:
    """The format asked for or, where none was, the one that the file name tells.

    Parameters
    ----------
    path : Path or None
        None is standard input or output, which has no name to tell anything.
    format : Format or None
        What the user asked for; goes before the name.

    Raises
    ------
    InputError
        If neither tells the format, or if it is Parquet inside gzip.
    """
    found = format or _told_by(path)
    if found is Format.PARQUET and is_gzipped(path):
        raise InputError(
            f"{path}: Parquet inside gzip is not supported; Parquet files are compressed already, drop .gz"
        )
    return found


def _told_by(path: Path | None) -> Format:
    if path is None:
        raise InputError(f"standard input and output have no suffix: name the format, --format {'|'.join(Format)}")
    suffix = Path(path.stem).suffix if is_gzipped(path) else path.suffix
    try:
        return _BY_SUFFIX[suffix.lower()]
    except KeyError:
        known = f"{', '.join(_BY_SUFFIX)}, .csv.gz, .jsonl.gz"
        raise InputError(
            f"{path}: unknown suffix {suffix!r}; known are {known}; or name the format, --format {'|'.join(Format)}"
        ) from None
