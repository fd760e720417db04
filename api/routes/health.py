"""`GET /healthz` and `/readyz`, for those who keep the service running."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from api.dependencies import CurrentEngine, not_stored
from api.errors import Code, documented
from api.schemas import Alive, Ready

router = APIRouter(tags=["health"], dependencies=[Depends(not_stored)])


@router.get("/healthz")
async def healthz() -> Alive:
    """Say that the process answers."""
    return Alive()


@router.get("/readyz", responses=documented(Code.NOT_READY))
async def readyz(engine: CurrentEngine) -> Ready:
    """Say whether the bundle is loaded and verified, and which one it is."""
    return Ready(model=engine.moderator.model, labels=list(engine.moderator.labels))
