"""The one hot path: comments in, verdicts out."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from math import isnan
from pathlib import Path
from threading import Lock
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from moderation.bundle import Bundle
from moderation.comment import Article, Comment
from moderation.explanation import by_part, parts_of, spans
from moderation.heads.calibration import Calibration, CalibrationKind, log_odds, rescale
from moderation.heads.pairs import ArticleFeatures, Contexts, Pairs
from moderation.heads.topic import unanswered
from moderation.labels import OFF_TOPIC
from moderation.placement import FEW_WORDS, closest, marks
from moderation.policy import Policy
from moderation.text.features import Featuriser, TextFeatures
from moderation.text.reader import Reader
from moderation.text.tokens import TokenBatch, tokenise
from moderation.verdict import Placement, Span, Verdict

CHUNK: Final = 1024
"""Comments that are scored at once: so many that what is done once a chunk does not show, but not so many that the
allocator would return each array to the system."""
CHUNK_CHARACTERS: Final = 1_000_000
"""Where comments are long, fewer are scored at once; a character takes about 75 bytes on the way."""
ARTICLES_KEPT: Final = 1024
PIECES_KEPT: Final = 1 << 17
"""Pieces of text, mostly words, of which is remembered what they are made of and what the heads say of it."""
_WEAKEST_SHARE: Final = 0.5  # of the strongest span's weight; below it a span says nothing


class Moderator:
    """Scores comments with the heads of a bundle.

    May be used by several threads at once.

    Parameters
    ----------
    bundle : Bundle
    calibration : {"site", "balanced", "perspective"}
        What a score means, see `CalibrationKind`: a probability at the site's own rate of abuse, one at half and half,
        or one on the scale of Google's Perspective.
    policy : Policy, optional
        Thresholds on the scores as they are served; the bundle's own by default.

    Examples
    --------
    >>> from moderation import Article, Comment, Moderator
    >>> moderator = Moderator.load()
    >>> article = Article(title="Council bans cars from the market square")
    >>> verdict, = moderator.score([Comment("You are a complete idiot.", article=article)])
    >>> "insult" in verdict.flags
    True
    """

    def __init__(
        self, bundle: Bundle, calibration: CalibrationKind | str = CalibrationKind.SITE, policy: Policy | None = None
    ) -> None:
        kind = CalibrationKind(calibration)
        self.bundle = bundle
        self._kind = kind
        self.labels: tuple[str, ...] = tuple(bundle.manifest.labels)
        self.policy = policy if policy is not None else _rescaled(bundle, kind)
        self._calibration = Calibration.of(bundle.lines, self.labels, kind)
        self._featuriser = Featuriser(bundle.embeddings)
        self._reader = Reader()
        self._no_texts = self._featuriser.embed(tokenise([]))
        self._lock = Lock()
        self._articles: OrderedDict[Article, ArticleFeatures] = OrderedDict()

    @classmethod
    def load(
        cls,
        path: Path | str | None = None,
        *,
        calibration: CalibrationKind | str = CalibrationKind.SITE,
        policy: Policy | None = None,
    ) -> Self:
        """Verify and load a bundle; the one that came with the package where no path is given.

        Raises
        ------
        BundleError
            If a check of the bundle fails; says which and what to do.
        """
        return cls(Bundle.load(Path(path) if path is not None else default_bundle()), calibration, policy)

    @property
    def model(self) -> str:
        """Name and version of the bundle."""
        return self.bundle.model

    def score(self, comments: Sequence[Comment], policy: Policy | None = None) -> list[Verdict]:
        """Judge comments.

        Parameters
        ----------
        comments : sequence of Comment
        policy : Policy, optional
            Instead of the moderator's own, for a community that has another.

        Returns
        -------
        list of Verdict
            In the order of `comments`.
        """
        return self.judge(self.probabilities(comments), policy)

    def judge(self, probabilities: NDArray[np.float64], policy: Policy | None = None) -> list[Verdict]:
        """Verdicts on scores.

        Parameters
        ----------
        probabilities : ndarray, shape (n_comments, n_labels)
            As `probabilities` gives them.
        policy : Policy, optional
            Instead of the moderator's own.
        """
        flags, actions = (self.policy if policy is None else policy).decisions(probabilities, self.labels)
        return list(map(Verdict, self._scores(probabilities), flags, actions))

    def _scores(self, probabilities: NDArray[np.float64]) -> Iterator[dict[str, float]]:
        for row in probabilities.tolist():
            known = row[:-1] if isnan(row[-1]) else row  # none but the last label, off_topic, may have no score
            yield dict(zip(self.labels, known, strict=False))

    def explain(self, comment: Comment, labels: Sequence[str] | None = None) -> list[Span]:
        """Find the parts of a comment that speak for a label.

        A part's weight is exactly what its words contribute to the label's log-odds, see `AbuseHead.contributions`.
        For off_topic it is the part's share, among the words that neither article nor parent answers, of the
        log-odds above those of an average comment.

        Parameters
        ----------
        comment : Comment
        labels : sequence of str, optional
            Those that the moderator's policy flags, by default.

        Returns
        -------
        list of Span
            By position, then label; empty where nothing is flagged.
        """
        wanted = labels if labels is not None else self.score([comment])[0].flags
        parts = parts_of(comment.text)
        if not wanted or not parts:
            return []
        weights = self._contributions(comment, parts)
        if OFF_TOPIC in wanted and comment.has_context:
            weights[OFF_TOPIC] = self._off_topic_shares(comment, parts)
        found = [
            span
            for label in self.labels
            if label in wanted and label in weights
            for span in spans(comment.text, parts, weights[label], label, _WEAKEST_SHARE)
        ]
        return sorted(found, key=lambda span: span.start)

    def place(self, comment: Comment) -> Placement | None:
        """Say what a comment's off-topic score rests on.

        Parameters
        ----------
        comment : Comment

        Returns
        -------
        Placement or None
            None where there is no such score.
        """
        if self.bundle.topic is None or not comment.has_context:
            return None
        parts = parts_of(comment.text)
        texts = self._features([comment.text, *(comment.text[start:end] for start, end in parts)])
        article = self._article(comment.article) if comment.article else None
        return Placement(
            closest=closest(comment, texts.vectors[0], article, self._features([comment.parent or ""])),
            marks=tuple(marks(parts, texts, self.bundle.topic)),
            says_little=bool(texts.tokens.counts[0] < FEW_WORDS),
        )

    def _contributions(self, comment: Comment, parts: Sequence[tuple[int, int]]) -> dict[str, NDArray[np.float64]]:
        """What each part adds to the log-odds of the labels that the comment's own text decides."""
        features = self._features([comment.text])
        alone = self._tokens([comment.text[start:end] for start, end in parts])
        by_word = self.bundle.abuse.contributions(features, self._featuriser.contributions(features.tokens))
        labels = self.bundle.abuse.labels
        slopes = self._calibration.slopes[: len(labels)]
        return dict(zip(labels, (by_part(by_word, features.tokens, alone) * slopes).T, strict=True))

    def _off_topic_shares(self, comment: Comment, parts: Sequence[tuple[int, int]]) -> NDArray[np.float64]:
        """Log-odds of being off topic above those of an average comment, split among what nobody answers."""
        raw = self._calibration.log_odds(self._raw([comment]))[0, self.labels.index(OFF_TOPIC)]
        return np.asarray((raw - self._average_off_topic) * self._unanswered(comment, parts))

    @property
    def _average_off_topic(self) -> float:
        """Log-odds of being off topic at which a comment is neither better nor worse than the next."""
        return log_odds(self.bundle.lines[OFF_TOPIC].rate) if self._kind is CalibrationKind.SITE else 0.0

    def _unanswered(self, comment: Comment, parts: Sequence[tuple[int, int]]) -> NDArray[np.float64]:
        """Share of each part in what the article and the parent do not answer."""
        texts = self._features([comment.text[start:end] for start, end in parts])
        parent = self._features([comment.parent or ""])
        alone = unanswered(texts, self._article(comment.article) if comment.article else None, parent)
        total = float(alone.sum())
        return np.asarray(alone / (total if total > 0 else 1.0), dtype=np.float64)

    def prepare(self, article: Article) -> None:
        """Compute what scoring needs of an article, so that the first comment under it need not wait for that."""
        self._article(article)

    def is_prepared(self, article: Article) -> bool:
        """Whether that is known, so that comments under the article take no time for it."""
        with self._lock:
            return article in self._articles

    def probabilities(self, comments: Sequence[Comment]) -> NDArray[np.float64]:
        """Calibrated scores as an array, shape (n_comments, n_labels) in the order of `labels`.

        An off-topic score that cannot be given is NaN.
        """
        return self._calibration.probabilities(self._raw(comments))

    def _raw(self, comments: Sequence[Comment]) -> NDArray[np.float64]:
        """Uncalibrated log-odds, shape (n_comments, n_labels); NaN where there is none."""
        return np.concatenate([np.zeros((0, len(self.labels))), *map(self._raw_at_once, _chunks(comments))])

    def _raw_at_once(self, comments: Sequence[Comment]) -> NDArray[np.float64]:
        texts = self._features([comment.text for comment in comments])
        raw = np.full((len(comments), len(self.labels)), np.nan)
        raw[:, : len(self.bundle.abuse.labels)] = self.bundle.abuse.decision_function(texts)
        in_context = [comment.has_context for comment in comments]
        if self.bundle.topic is not None and any(in_context):
            topic = self.bundle.topic.decision_function(self._pairs(comments, texts))
            raw[:, self.labels.index(OFF_TOPIC)] = np.where(in_context, topic, np.nan)
        return raw

    def _features(self, texts: Sequence[str]) -> TextFeatures:
        return self._featuriser.embed(self._tokens(texts))

    def _tokens(self, texts: Sequence[str]) -> TokenBatch:
        """Texts, read with what is remembered of those before; where that is too much, it is forgotten."""
        reader = self._reader
        if len(reader) > PIECES_KEPT:
            reader = self._reader = Reader()
        return tokenise(texts, reader)

    def _pairs(self, comments: Sequence[Comment], texts: TextFeatures) -> Pairs:
        return Pairs.of(texts, Contexts.of(comments, self._article, self._parents))

    def _parents(self, texts: Sequence[str]) -> TextFeatures:
        return self._features(texts) if texts else self._no_texts

    def _article(self, article: Article) -> ArticleFeatures:
        """Features of an article; those of the `ARTICLES_KEPT` used last are kept."""
        with self._lock:
            if article in self._articles:
                self._articles.move_to_end(article)
                return self._articles[article]
        features = ArticleFeatures.of(article, self._featuriser)
        with self._lock:
            self._articles[article] = features
            if len(self._articles) > ARTICLES_KEPT:
                self._articles.popitem(last=False)
        return features


def default_bundle() -> Path:
    """Folder of the bundle that came with the package: inside it when installed, beside it in a checkout."""
    packed = Path(__file__).parent / "bundles" / "default"
    return packed if packed.is_dir() else Path(__file__).parent.parent / "models" / "default"


def _rescaled(bundle: Bundle, kind: CalibrationKind) -> Policy:
    """The bundle's policy, its thresholds moved so that they cut at the same comments."""
    if kind is CalibrationKind.SITE:
        return bundle.policy
    return Policy.from_dict(
        {
            label: {step: rescale(value, bundle.lines[label], kind) for step, value in steps.items()}
            for label, steps in bundle.manifest.policy.items()
        }
    )


def _chunks(comments: Sequence[Comment]) -> Iterator[Sequence[Comment]]:
    """Runs of at most `CHUNK` comments and, unless one alone is longer, `CHUNK_CHARACTERS`."""
    middle = len(comments) // 2
    if len(comments) > CHUNK or (middle and sum(map(_length, comments)) > CHUNK_CHARACTERS):
        yield from _chunks(comments[:middle])
        yield from _chunks(comments[middle:])
    elif comments:
        yield comments


def _length(comment: Comment) -> int:
    return len(comment.text) + len(comment.parent or "")
