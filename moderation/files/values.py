"""Values of one format as another can hold them."""

from __future__ import annotations

import base64
import datetime
import json
import math
import re
from typing import Any

import pyarrow as pa

from moderation.files.batch import ABSENT

_LONE_SURROGATES = re.compile(r"[\ud800-\udfff]")


def well_formed(text: str) -> str:
    """The text with U+FFFD for every lone surrogate, which UTF-8 cannot hold."""
    return text if text.isascii() else _LONE_SURROGATES.sub("\ufffd", text)


def to_json(value: Any) -> str:
    """The value as JSON on one line.

    Infinity and NaN, which JSON lacks, become null. What JSON has no type for becomes a string, see `as_text`.
    """
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, default=_plain)
    except ValueError:
        return json.dumps(_finite(value), ensure_ascii=False, allow_nan=False, default=_plain)


def as_text(value: Any) -> str | None:
    """The value for a cell of text.

    Strings stay what they are; None and `ABSENT` are None; truth values, lists and objects are their JSON text; bytes
    are base64, dates and times ISO 8601; all else is what Python prints.
    """
    if isinstance(value, str):
        return value
    if value is None or value is ABSENT:
        return None
    if isinstance(value, bool | list | dict):
        return to_json(value)
    return _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, float):
        return float.__repr__(value)
    if isinstance(value, pa.Scalar):
        return str(value.cast(pa.string()).as_py())
    return str(value)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return value
