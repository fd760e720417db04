"""From the requests of `/v1` to findings: limits, articles given before, the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from api.dependencies import once_loaded
from api.engine import Case, Engine, Finding
from api.errors import Code, Detail, Refused
from api.limits import refuse_long_article, refuse_oversized
from api.schemas import ArticleIn, ScoreRequest
from api.settings import Settings
from moderation import Article
from moderation.articles import ArticleStore, Name
from moderation.errors import UnknownArticleError

Found = dict[tuple[Name, str], Article]
"""Articles by what they were named with."""


@dataclass(frozen=True, slots=True)
class Judge:
    """What stands behind the endpoints.

    Parameters
    ----------
    engine : Engine
    articles : ArticleStore
        In which the articles are that requests name.
    settings : Settings
        Say how long each text may be.
    """

    engine: Engine
    articles: ArticleStore
    settings: Settings

    @property
    def model(self) -> str:
        """Name and version of the bundle."""
        return self.engine.moderator.model

    async def judge(self, requests: Mapping[str, ScoreRequest]) -> Sequence[Finding]:
        """Answer requests, given by their paths in the body, in their order.

        Raises
        ------
        Refused
            If a text is too long, or articles are unknown.
        """
        return await self.engine.judge(self._cases(requests))

    def _cases(self, requests: Mapping[str, ScoreRequest]) -> list[Case]:
        cases: list[Case] = []
        unknown: list[Detail] = []
        found: Found = {}  # most comments of a batch stand under the same articles
        for where, request in requests.items():
            try:
                case = request.to_case(self._article(request.article, where, found))
            except UnknownArticleError as error:
                reason = f"No article with this {error.name} is known"
                unknown.append(Detail(field=f"{where}article.{error.name}", reason=reason))
            else:
                refuse_oversized(case.comment, self.settings, where)
                cases.append(case)
        if unknown:
            raise Refused(Code.UNKNOWN_ARTICLE, *unknown)
        return cases

    def _article(self, given: ArticleIn | None, where: str, found: Found) -> Article | None:
        if given is None:
            return None
        sent, name = given.to_article(), given.name
        refuse_long_article(sent, self.settings, f"{where}article")
        if name is None:
            return sent
        if name not in found:
            found[name] = self.articles.find(*name)
        return found[name]


async def judge_of(request: Request) -> Judge:
    """The judge, see `once_loaded`."""
    judge: Judge = once_loaded(request, "judge")
    return judge


CurrentJudge = Annotated[Judge, Depends(judge_of)]
