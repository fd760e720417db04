"""The loaded model and policies, and how they are asked without holding up the event loop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final, Self

from anyio import CapacityLimiter, to_thread
from threadpoolctl import threadpool_limits

from api.batching import Batcher
from api.settings import Settings
from moderation import Article, Comment, Moderator, Placement, Span, Verdict
from moderation.heads.calibration import CalibrationKind
from moderation.policy import Policies

INLINE_COMMENTS: Final = 32
INLINE_CHARACTERS: Final = 65_536
"""Requests up to these sizes are scored in the event loop, with all others that are there; longer ones in a thread."""

SLICE: Final = 131_072
"""Characters scored at once: over more, regular expressions would keep the interpreter lock from other requests."""

MAX_THREADS: Final = 2
"""More would only take the interpreter lock from each other and hold more batches in memory."""


@dataclass(frozen=True, slots=True)
class Case:
    """One question to the engine.

    Parameters
    ----------
    comment : Comment
        What to judge.
    community : str or None
        Whose policy decides; the site's where the community has none.
    explain : bool
        Whether to say which parts of the comment speak for the labels that are flagged.
    """

    comment: Comment
    community: str | None = None
    explain: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer: the verdict and, where asked for, the parts of the comment behind it, and why it belongs or not."""

    verdict: Verdict
    spans: Sequence[Span] | None = None
    placement: Placement | None = None


@dataclass(frozen=True)
class Engine:
    """A model with the policies of a site and its communities."""

    moderator: Moderator
    policies: Policies
    _threads: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(MAX_THREADS))

    @classmethod
    def load(cls, settings: Settings) -> Self:
        """Load bundle and policies.

        Raises
        ------
        BundleError
            If the bundle is missing, altered or not made for this installation.
        PolicyError
            If the policy file cannot be used.
        """
        threadpool_limits(limits=1, user_api="blas")  # threads would wait for each other longer than they work
        moderator = Moderator.load(settings.bundle, calibration=settings.calibration)
        if settings.policy is None:
            return cls(moderator, Policies(moderator.policy))
        return cls(moderator, Policies.from_toml(settings.policy, base=moderator.policy))

    @cached_property
    def _batcher(self) -> Batcher:
        return Batcher(self.moderator.score)

    def on_scale(self, kind: CalibrationKind) -> Self:
        """The same heads with scores of another kind, and the bundle's own thresholds on them."""
        moderator = Moderator(self.moderator.bundle, kind)
        return replace(self, moderator=moderator, policies=Policies(moderator.policy))

    async def prepare(self, article: Article) -> None:
        """Compute what scoring needs of an article before its first comment comes; runs in a thread."""
        await to_thread.run_sync(self.moderator.prepare, article, limiter=self._threads)

    async def judge(self, cases: Sequence[Case]) -> list[Finding]:
        """Answer all `cases`, in their order."""
        comments = [case.comment for case in cases]
        if len(cases) <= INLINE_COMMENTS and not any(case.explain for case in cases):
            characters = sum(map(self._length, comments))
            if characters <= INLINE_CHARACTERS:
                verdicts = await self._batcher.score(comments, characters)
                return self._findings(cases, verdicts)
        return await to_thread.run_sync(self._judge, cases, limiter=self._threads)

    def _length(self, comment: Comment) -> int:
        """Characters that will be read."""
        length, article = len(comment.text) + len(comment.parent or ""), comment.article
        if article is None or self.moderator.is_prepared(article):
            return length
        return length + len(article.title) + len(article.text)

    def _judge(self, cases: Sequence[Case]) -> list[Finding]:
        slices = _slices([case.comment for case in cases])
        return self._findings(cases, [verdict for part in slices for verdict in self.moderator.score(part)])

    def _findings(self, cases: Sequence[Case], verdicts: Sequence[Verdict]) -> list[Finding]:
        return [self._finding(case, verdict) for case, verdict in zip(cases, verdicts, strict=True)]

    def _finding(self, case: Case, verdict: Verdict) -> Finding:
        # one pass scores a batch of many communities; only flags and action differ between them
        policy, scores = self.policies.of(case.community), verdict.scores
        if policy is not self.moderator.policy:
            verdict = policy.verdict(scores)
        if not case.explain:
            return Finding(verdict)
        return Finding(verdict, self.moderator.explain(case.comment, verdict.flags), self.moderator.place(case.comment))


def _slices(comments: Sequence[Comment]) -> Iterator[Sequence[Comment]]:
    """Runs of at most `SLICE` characters, unless one comment alone is longer."""
    start = size = 0
    for at, comment in enumerate(comments):
        length = len(comment.text) + len(comment.parent or "")
        if at > start and size + length > SLICE:
            yield comments[start:at]
            start, size = at, 0
        size += length
    yield comments[start:]
