"""What all writers have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from moderation.files.atomic import Output, write_errors
from moderation.files.batch import Batch


class Writer(ABC):
    """Takes batches; a context manager that ends the file.

    Raises
    ------
    InputError
        From any method, if the file cannot be written, as on a full disk.
    """

    def __init__(self, output: Output) -> None:
        self._name, self._stream = output

    def write(self, batch: Batch) -> None:
        """Add the rows of a batch."""
        with write_errors(self._name):
            self._write(batch)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with write_errors(self._name):
            try:
                if kind is None:
                    self._finish()
            finally:
                self._close()

    @abstractmethod
    def _write(self, batch: Batch) -> None:
        """Add the rows of a batch."""

    def _finish(self) -> None:  # noqa: B027
        """Write what is still kept back; called when all went well."""

    def _close(self) -> None:  # noqa: B027
        """Let go of what the writer itself has opened; called in any case."""
