"""Tables from rows that each name their own columns."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from moderation.files.atomic import Output
from moderation.files.batch import Batch
from moderation.files.writer import Writer

MakeWriter = Callable[[Output, Sequence[str], Mapping[str, type]], Writer]


class SpooledWriter(Writer):
    """Keeps batches in a nameless file until the last has told which columns there are, then writes the table.

    Parameters
    ----------
    output : Output
        Where the table goes.
    make : callable
        Makes the table's writer, once the columns are known.
    added : mapping of str to type
        The columns that were not read; they come last.
    directory : Path or None
        Where the rows are kept until then; None is the system's place for temporary files.
    """

    def __init__(self, output: Output, make: MakeWriter, added: Mapping[str, type], directory: Path | None) -> None:
        super().__init__(output)
        self._output = output
        self._make = make
        self._added = added
        self._spool = tempfile.TemporaryFile(dir=directory)  # noqa: SIM115 - closed by _close
        self._names: dict[str, None] = {}
        self._batches = 0

    def _write(self, batch: Batch) -> None:
        pickle.dump(batch, self._spool)
        self._names.update(dict.fromkeys(batch.columns))
        self._batches += 1

    def _finish(self) -> None:
        self._spool.seek(0)
        columns = [name for name in self._names if name not in self._added]
        with self._make(self._output, columns, self._added) as table:
            for _ in range(self._batches):
                table.write(pickle.load(self._spool))

    def _close(self) -> None:
        self._spool.close()
