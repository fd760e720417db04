"""What stands behind Perspective's endpoints, and how endpoints get it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Annotated, Self

from fastapi import Depends, Request

from api.dependencies import once_loaded
from api.engine import Engine
from api.perspective.attributes import SCALE
from api.perspective.languages import Detector
from api.settings import Settings
from moderation.text.language import LanguageDetector


@dataclass(frozen=True, slots=True)
class Backend:
    """What scores a comment as Perspective would.

    Parameters
    ----------
    engine : Engine
        Gives scores on Perspective's scale.
    detector : Detector
        Says in which language a comment is.
    settings : Settings
        Say how long comment, article and parent may be.
    """

    engine: Engine
    detector: Detector
    settings: Settings

    @classmethod
    def load(cls, engine: Engine, settings: Settings) -> Self:
        """Take the heads of an engine and the process's detector."""
        return cls(engine.on_scale(SCALE), _detector(), settings)


@cache
def _detector() -> LanguageDetector:
    """One for all applications of a process: it never changes, and takes half a second and 80 MB to load."""
    return LanguageDetector.load()


async def backend_of(request: Request) -> Backend:
    """The backend, see `once_loaded`."""
    backend: Backend = once_loaded(request, "perspective")
    return backend


CurrentBackend = Annotated[Backend, Depends(backend_of)]
