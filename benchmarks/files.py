"""Files of comments through `moderation score`, beside pandas reading and writing the same file."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import pandas as pd
from clock import python, seconds
from rows import Aim, Row
from texts import distinct

FORMATS: Final = {"csv": "CSV", "parquet": "Parquet"}
_PANDAS: Final = "import pandas as pd; table = pd.read_{0}({1!r}); table.to_{0}({2!r}, index=False)"
_MEMORY_EVERY: Final = 0.2  # seconds


def rows(count: int) -> list[Row]:
    """Measure files of so many comments, all distinct."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        sources = write_files(Path(folder), count)
        for suffix, source in sources.items():
            ours, memory = score_file(source, source.with_name(f"scored.{suffix}"))
            copy = _PANDAS.format(suffix, str(source), str(source.with_name(f"copied.{suffix}")))
            theirs = seconds(partial(python, copy))
            name = f"{FORMATS[suffix]} of {count:,} comments"
            against = "pandas reading and writing it"
            found.append(Row(f"{name}, all labels", "seconds", ours, against, theirs, 3, Aim.AT_MOST))
            if memory is not None:
                found.append(Row(f"{name}, peak memory of all processes", "MB", memory, reach=600, aim=Aim.AT_MOST))
    return found


def write_files(folder: Path, count: int) -> dict[str, Path]:
    """The comments with an id, in every format."""
    files = {suffix: folder / f"comments.{suffix}" for suffix in FORMATS}
    table = pd.DataFrame({"id": range(count), "text": [comment.text for comment in distinct(count)]})
    table.to_csv(files["csv"], index=False)
    table.to_parquet(files["parquet"], index=False)
    return files


def score_file(source: Path, target: Path) -> tuple[float, float | None]:
    """Seconds that `moderation score` takes, its start included, and its peak memory where psutil is installed."""
    command = [sys.executable, "-m", "moderation", "score", str(source), "-o", str(target)]
    start = time.perf_counter()
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        peak = _peak_memory(process)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ends with {process.returncode}")
    return time.perf_counter() - start, peak


def _peak_memory(process: subprocess.Popen[bytes]) -> float | None:
    """Megabytes of a process and its children until it ends, what they share counted once."""
    if find_spec("psutil") is None:
        return None
    import psutil  # noqa: PLC0415 - in the extra `bench`

    peak = 0.0
    while process.poll() is None:
        try:
            root = psutil.Process(process.pid)
            tree = [root, *root.children(recursive=True)]
            peak = max(peak, sum(member.memory_full_info().pss for member in tree) / 1e6)
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            continue  # it ended meanwhile
        time.sleep(_MEMORY_EVERY)
    return peak
