"""API keys: made here, known to a service by their hashes alone."""

from __future__ import annotations

import hmac
import os
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from secrets import token_urlsafe
from typing import Any, Self

from moderation.errors import KeysError

_PREFIX = "mod_"  # by which scanners for leaked secrets may know it
_RANDOM_BYTES = 32
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Key:
    """One key, as a service knows it.

    Parameters
    ----------
    name : str
        Whose it is.
    digest : bytes
        SHA-256 of the key. Keys are 256 random bits, so no slower hash is needed.
    per_minute : int or None
        Requests that it may make in a minute; None: any number.
    """

    name: str
    digest: bytes
    per_minute: int | None = None


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys that a service knows."""

    keys: Sequence[Key]

    @classmethod
    def from_toml(cls, path: Path) -> Self:
        """Read ``[keys.<name>]`` tables with ``sha256`` and, where there is a limit, ``per_minute``.

        Raises
        ------
        KeysError
            If the file cannot be read or holds no usable key.
        """
        entries = _read(path)
        if not entries:
            raise KeysError(f"{path}: there is no key in it; make one: moderation keys new NAME --file {path}")
        return cls([_key(path, name, entry) for name, entry in entries.items()])

    def find(self, presented: str) -> Key | None:
        """The key that was presented; None for an unknown one. Takes the same time wherever it stands, or differs."""
        digest = _digest(presented)
        matching = [key for key in self.keys if hmac.compare_digest(key.digest, digest)]
        return matching[0] if matching else None


def new_key(path: Path, name: str, per_minute: int | None = None) -> str:
    """Make a key and add its hash to a file, which is made where there is none.

    Parameters
    ----------
    path : Path
        TOML, as `KeyRing.from_toml` reads it; readable by its owner only.
    name : str
        Whose key it is: letters, figures, ``-`` and ``_``.
    per_minute : int, optional
        Requests that it may make in a minute.

    Returns
    -------
    str
        The key, which is stored nowhere.

    Raises
    ------
    KeysError
        If the name is taken or unusable, or the file cannot be read or written.
    """
    if not _NAME.fullmatch(name):
        raise KeysError(f"{name!r} cannot be a key's name; use at most 64 letters, figures, - and _")
    if path.exists() and name in _read(path):
        raise KeysError(f"{path}: there is a key named {name} already; delete its table to revoke it")
    key = _PREFIX + token_urlsafe(_RANDOM_BYTES)
    limit = "" if per_minute is None else f"per_minute = {per_minute}\n"
    _append(path, f'[keys.{name}]\nsha256 = "{_digest(key).hex()}"\n{limit}')
    return key


def _read(path: Path) -> dict[str, Any]:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise KeysError(f"{path}: cannot be read as a file of keys: {error}") from error
    entries = table.get("keys", {})
    if set(table) - {"keys"} or not isinstance(entries, dict):
        raise KeysError(f"{path}: keys stand in tables [keys.NAME], and nothing else belongs in the file")
    return entries


def _key(path: Path, name: str, entry: Any) -> Key:
    match entry:
        case {"sha256": str(digest), **rest} if _DIGEST.fullmatch(digest):
            per_minute = rest.pop("per_minute", None)
            if not rest and (per_minute is None or (type(per_minute) is int and per_minute > 0)):
                return Key(name, bytes.fromhex(digest), per_minute)
    raise KeysError(f"{path}: [keys.{name}] needs sha256, 64 figures in base 16, and may have per_minute, from 1 on")


def _append(path: Path, table: str) -> None:
    try:
        with open(os.open(path, os.O_CREAT | os.O_RDWR | os.O_APPEND, mode=0o600), "ab") as file:  # noqa: PTH123
            if file.tell():
                table = f"\n{table}"
            file.write(table.encode())
    except OSError as error:
        raise KeysError(f"{path}: cannot be written: {error.strerror or error}") from error


def _digest(key: str) -> bytes:
    return sha256(key.encode()).digest()
