"""From a recipe to a bundle."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve, precision_score, recall_score, roc_auc_score
from sklearn.model_selection import GroupKFold
from threadpoolctl import threadpool_limits

from moderation import bundle
from moderation.comment import Comment
from moderation.corpora import LabelledComments, Recipe, excerpts, moved, read_corpora
from moderation.corpora.recipe import CalibrationRule, PolicyRule
from moderation.errors import RecipeError
from moderation.heads.abuse import AbuseHead
from moderation.heads.calibration import Calibration, CalibrationKind, LabelCalibration, Line, log_odds
from moderation.heads.lexical import LexicalHead
from moderation.heads.pairs import ArticleFeatures, Contexts, Pairs
from moderation.heads.shares import harden
from moderation.heads.tone import ToneHead
from moderation.heads.topic import TopicHead
from moderation.labels import LABELS, OFF_TOPIC
from moderation.policy import Policy, Thresholds
from moderation.text.features import Featuriser
from moderation.text.tokens import tokenise

_FOLDS = 8
_ONE_LINE = 15  # words

Progress = Callable[[str], None]
"""Told the name of each step before it starts."""


@dataclass(frozen=True, slots=True)
class Examples:
    """Texts with what the recipe makes of them, for one or several labels.

    Attributes
    ----------
    comments : list of Comment
    shares, weights : ndarray of float, shape (n_comments, n_labels)
    kept_out : ndarray of float, shape (n_comments, n_labels)
        What a row counts in the calibration of a label; 0 for rows that teach it instead.
    groups : ndarray of str, shape (n_comments,)
    corpora : ndarray of str, shape (n_comments,)
        Where each comment comes from.
    judged : ndarray of bool, shape (n_comments,)
        Whether people said so; no where comments were moved.
    """

    comments: list[Comment]
    shares: NDArray[np.float64]
    weights: NDArray[np.float64]
    kept_out: NDArray[np.float64]
    groups: NDArray[np.str_]
    corpora: NDArray[np.str_]
    judged: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.comments)


@dataclass(frozen=True, slots=True)
class KeptOut:
    """A head's raw log-odds on what was kept out, from which its calibration and thresholds come."""

    raw: NDArray[np.float64]
    shares: NDArray[np.float64]
    weights: NDArray[np.float64]
    corpora: NDArray[np.str_]

    def within(self, names: Sequence[str]) -> KeptOut:
        """The rows of some corpora."""
        rows = np.isin(self.corpora, names) & (self.weights > 0)
        return KeptOut(self.raw[rows], self.shares[rows], self.weights[rows], self.corpora[rows])


@dataclass(frozen=True, slots=True)
class CrossFitted:
    """The off-topic head, and raw log-odds of each example by another that had seen no comment of its thread."""

    head: TopicHead
    examples: Examples
    raw: NDArray[np.float64]

    def kept_out(self) -> KeptOut:
        """The examples that calibrate."""
        rows = self.examples.kept_out[:, 0] > 0
        weights = np.ones(int(rows.sum()))
        return KeptOut(self.raw[rows], self.examples.shares[rows, 0], weights, self.examples.corpora[rows])


def steps(recipe: Recipe, corpora: Path) -> dict[str, float]:
    """What `train` will report, in its order, with the share of the time that each step takes.

    A rough estimate from the sizes of the files that a step looks at.
    """
    size = {name: _size(recipe.locate(spec.file, corpora)) for name, spec in recipe.corpora.items()}
    labels = _text_labels(recipe)
    texts = {name for label in labels for name in recipe.heads[label]}
    weights = {f"read {name}": size[name] for name in recipe.corpora}
    weights["features"] = 4 * sum(size[name] for name in texts)
    weights |= {f"learn {label}": 12 * sum(size[name] for name in recipe.heads[label]) for label in labels}
    if OFF_TOPIC in recipe.heads:
        weights[f"learn {OFF_TOPIC}"] = 25 * sum(size[name] for name in recipe.heads[OFF_TOPIC])
    weights |= {"calibrate": 1, "write": 1}
    total = sum(weights.values())
    return {step: weight / total for step, weight in weights.items()}


def _size(path: Path) -> float:
    return path.stat().st_size if path.is_file() else 1.0


@threadpool_limits.wrap(limits=1)  # sums in the same order every time; threads would only wait for each other
def train(
    recipe: Recipe,
    corpora: Path,
    out: Path,
    distilled: bundle.Distilled,
    progress: Progress = lambda _: None,
) -> bundle.Manifest:
    """Follow a recipe and write the bundle.

    Parameters
    ----------
    recipe : Recipe
        Its licences are the caller's to check, see `Recipe.check_licences`.
    corpora : Path
        Folder to which the recipe's file names are relative.
    out : Path
        A new or empty folder.
    distilled : Distilled
        Goes into the bundle as it is.
    progress : callable
        Told the name of each step before it starts, see `steps`.

    Raises
    ------
    InputError, RecipeError
        If a corpus cannot be read or does not hold what the recipe says.
    """
    data = dict(read_corpora(recipe, corpora, lambda name: progress(f"read {name}")))
    featuriser = Featuriser(distilled.embeddings)
    abuse, held_out = _train_abuse(recipe, data, featuriser, distilled.tone, progress)
    topic: CrossFitted | None = None
    if OFF_TOPIC in recipe.heads:
        progress(f"learn {OFF_TOPIC}")
        topic = _train_topic(topic_examples(recipe, data), featuriser)
        held_out[OFF_TOPIC] = topic.kept_out()
    progress("calibrate")
    lines: dict[str, LabelCalibration] = {
        label: _calibrate(recipe, label, held_out[label]) for label in LABELS if label in held_out
    }
    at_home = {label: held_out[label].within(_calibration_rule(recipe, label).corpora) for label in lines}
    policy = _policy(recipe.policy, lines, at_home)
    figures = _topic_figures(recipe, topic, lines[OFF_TOPIC], policy.thresholds[OFF_TOPIC]) if topic else {}
    progress("write")
    return bundle.write(
        out,
        distilled=distilled,
        lexical=abuse.lexical,
        tone_share=abuse.tone_share,
        topic=topic.head if topic else None,
        name=recipe.name,
        version=recipe.version,
        calibration={label: bundle.CalibrationRecord.of(line) for label, line in lines.items()},
        policy=policy.to_dict(),
        corpora=_records(recipe, data),
        figures=figures,
    )


def _text_labels(recipe: Recipe) -> tuple[str, ...]:
    return tuple(label for label in LABELS if label in recipe.heads and label != OFF_TOPIC)


def _train_abuse(
    recipe: Recipe,
    data: Mapping[str, LabelledComments],
    featuriser: Featuriser,
    tone: ToneHead,
    progress: Progress,
) -> tuple[AbuseHead, dict[str, KeptOut]]:
    labels = _text_labels(recipe)
    progress("features")
    examples = text_examples(recipe, data, labels)
    tokens = tokenise([comment.text for comment in examples.comments])
    kept_out = np.asarray((examples.kept_out > 0).any(axis=1))
    lexical = LexicalHead(labels)
    taught = np.where(kept_out[:, None], np.nan, examples.shares)  # what calibrates one label teaches no other either
    try:
        lexical.fit(tokens, taught, examples.weights, on_label=lambda label: progress(f"learn {label}"))
    except ValueError as error:
        raise RecipeError(f"{error} is left to teach it; keep fewer rows out, or add a corpus") from error
    rows = np.flatnonzero(kept_out)
    head = AbuseHead(lexical, tone)
    raw = head.decision_function(featuriser.transform([examples.comments[row].text for row in rows]))
    held_out = {}
    for column, label in enumerate(labels):
        weights = examples.kept_out[rows, column]
        scored = raw[:, column].astype(np.float64)
        held_out[label] = KeptOut(scored, examples.shares[rows, column], weights, examples.corpora[rows])
    return head, held_out


def text_examples(recipe: Recipe, data: Mapping[str, LabelledComments], labels: tuple[str, ...]) -> Examples:
    """Lay the corpora that teach `labels` one behind the other."""
    used = [name for name in data if any(name in recipe.heads[label] for label in labels)]
    return _joined([_corpus_examples(recipe, name, data[name], labels) for name in used])


def _joined(parts: list[Examples]) -> Examples:
    return Examples(
        [comment for part in parts for comment in part.comments],
        np.concatenate([part.shares for part in parts]),
        np.concatenate([part.weights for part in parts]),
        np.concatenate([part.kept_out for part in parts]),
        np.concatenate([part.groups for part in parts]),
        np.concatenate([part.corpora for part in parts]),
        np.concatenate([part.judged for part in parts]),
    )


def _corpus_examples(recipe: Recipe, name: str, corpus: LabelledComments, labels: tuple[str, ...]) -> Examples:
    shape = (len(corpus), len(labels))
    shares, weights, kept_out = np.full(shape, np.nan), np.zeros(shape), np.zeros(shape)
    for column, label in enumerate(labels):
        rule = recipe.heads[label].get(name)
        if rule is not None and not rule.moved:
            shares[:, column] = corpus.shares(label, rule)
            weights[:, column] = rule.weight
            kept_out[:, column] = np.where(np.isnan(shares[:, column]), 0, _kept_out(recipe, name, corpus, label))
    return Examples(
        list(corpus.comments),
        shares,
        weights,
        kept_out,
        np.array(corpus.groups),
        np.full(len(corpus), name),
        np.ones(len(corpus), dtype=bool),
    )


def _kept_out(recipe: Recipe, name: str, corpus: LabelledComments, label: str) -> NDArray[np.float64]:
    """Draw the rows that calibrate, whole groups where a corpus has several, and weigh them."""
    rule = _calibration_rule(recipe, label)
    if name not in (*rule.corpora, *rule.harder):
        return np.zeros(len(corpus))
    _, members = np.unique(corpus.groups, return_inverse=True)
    units = members if members.max(initial=0) > 0 else np.arange(len(corpus))
    drawn = np.random.default_rng(recipe.seed).random(units.max(initial=0) + 1) < rule.share
    weights = np.ones(len(corpus))
    if rule.balance is not None and name in rule.corpora:
        chosen, rate = corpus.chosen(rule.balance.column), rule.balance.rate
        if chosen.all() or not chosen.any():
            raise RecipeError(
                f"{corpus.source}: cannot be balanced by {rule.balance.column}: it is the same in all rows"
            )
        weights = np.where(chosen, rate / chosen.mean(), (1 - rate) / (1 - chosen.mean()))
    return np.asarray(drawn[units] * weights)


def _calibration_rule(recipe: Recipe, label: str) -> CalibrationRule:
    return next(rule for rule in recipe.calibration if label in rule.labels)


def _train_topic(examples: Examples, featuriser: Featuriser) -> CrossFitted:
    """Train on all threads; and for calibration and figures, judge each by a head that had not seen it."""
    pairs = comment_pairs(examples.comments, featuriser)
    target, weight = examples.shares[:, 0] > 0.5, examples.weights[:, 0]
    raw = np.zeros(len(pairs))
    try:
        folds = min(_FOLDS, len(np.unique(examples.groups)))
        for _, others in GroupKFold(folds).split(target, groups=examples.groups):
            taught = weight.copy()
            taught[others] = 0
            raw[others] = TopicHead().fit(pairs, target, taught, examples.judged).decision_function(pairs)[others]
        return CrossFitted(TopicHead().fit(pairs, target, weight, examples.judged), examples, raw)
    except ValueError as error:
        raise RecipeError(f"{OFF_TOPIC} cannot be learned: {error}; add threads of both kinds of comments") from error


def _topic_figures(
    recipe: Recipe, topic: CrossFitted, line: LabelCalibration, limits: Thresholds
) -> dict[str, dict[str, float]]:
    """How well comments are told apart by heads that had not seen their thread, by corpus.

    Of moved comments those with an article alone count, as their parents are drawn at random. Where people judged,
    flags are looked at as well: their precision and recall, and how many short replies are flagged that belong where
    they are.
    """
    figures = {}
    examples, target = topic.examples, topic.examples.shares[:, 0] > 0.5
    calibration = Calibration.of({OFF_TOPIC: line}, [OFF_TOPIC], CalibrationKind.SITE)
    flagged = calibration.probabilities(topic.raw[:, None])[:, 0] >= limits.flag
    replies = np.array([comment.parent is not None for comment in examples.comments])
    short = np.array([len(comment.text.split()) <= _ONE_LINE for comment in examples.comments])
    for name, rule in recipe.heads[OFF_TOPIC].items():
        rows = (examples.corpora == name) & ~(replies & rule.moved)
        if len(np.unique(target[rows])) < 2:
            continue  # nothing to tell apart
        found = {
            "comments": float(rows.sum()),
            "cross_validated_roc_auc": round(float(roc_auc_score(target[rows], topic.raw[rows])), 4),
        }
        if not rule.moved:
            found["flag_precision"] = round(float(precision_score(target[rows], flagged[rows], zero_division=0)), 4)
            found["flag_recall"] = round(float(recall_score(target[rows], flagged[rows])), 4)
            found["replies_flagged"] = float((rows & flagged & ~target & replies & short).sum())
        figures[f"{OFF_TOPIC} on {name}, cross-validated by thread"] = found
    return figures


def topic_examples(recipe: Recipe, data: Mapping[str, LabelledComments]) -> Examples:
    """Comments in their place, comments moved elsewhere, and comments that people called off topic."""
    parts = []
    for name, rule in recipe.heads[OFF_TOPIC].items():
        corpus = data[name] if rule.excerpts is None else excerpts(data[name], rule.excerpts, recipe.seed)
        if rule.moved:
            at_home = in_contexts(corpus, recipe.seed)
            parts.append(_topic_part(recipe, name, at_home.comments, np.zeros(len(corpus)), corpus.groups))
            parts.append(_topic_part(recipe, name, moved(at_home, recipe.seed), np.ones(len(corpus)), corpus.groups))
        else:
            parts.append(_topic_part(recipe, name, corpus.comments, corpus.shares(OFF_TOPIC, rule), corpus.groups))
    return _joined(parts)


def _topic_part(
    recipe: Recipe, name: str, comments: list[Comment], shares: NDArray[np.float64], groups: list[str]
) -> Examples:
    rows = [row for row in np.flatnonzero(~np.isnan(shares)).tolist() if comments[row].has_context]
    chosen = [comments[row] for row in rows]
    calibrates = float(name in _calibration_rule(recipe, OFF_TOPIC).corpora)
    weights = recipe.heads[OFF_TOPIC][name].weight * length_matched(chosen, shares[rows] > 0.5)
    return Examples(
        chosen,
        shares[rows][:, None],
        weights[:, None],
        np.full((len(rows), 1), calibrates),
        np.array([f"{name}/{groups[row]}" for row in rows]),
        np.full(len(rows), name),
        np.full(len(rows), not recipe.heads[OFF_TOPIC][name].moved),
    )


def length_matched(comments: list[Comment], target: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Weights under which a comment's length says nothing about the target.

    How long off-topic comments are is a habit of each site (and of each author of examples); a head that learns it
    fails on the next one.

    Returns
    -------
    ndarray of float, shape (n_comments,)
        About 1 on average, at most 5.
    """
    lengths = np.array([len(comment.text) for comment in comments])
    bands = np.digitize(lengths, np.quantile(lengths, [0.2, 0.4, 0.6, 0.8])) if len(lengths) else lengths
    weights = np.ones(len(comments))
    for band in np.unique(bands):
        for side in (target, ~target):
            members = (bands == band) & side
            weights[members] = (bands == band).sum() * side.mean() / max(members.sum(), 1)
    return np.minimum(weights, 5)


def in_contexts(corpus: LabelledComments, seed: int) -> LabelledComments:
    """Show the head every kind of context: half of the comments keep their article alone, a third get a parent as well
    and the others a parent alone, drawn from their thread where their own is not known.
    """
    generator = np.random.default_rng(seed)
    members: dict[str, list[int]] = {}
    for row, group in enumerate(corpus.groups):
        members.setdefault(group, []).append(row)
    comments = []
    for row, (comment, group) in enumerate(zip(corpus.comments, corpus.groups, strict=True)):
        kind = generator.random()
        others = [other for other in members[group] if other != row]
        if kind < 0.5 or not others:
            comments.append(Comment(comment.text, comment.article))
            continue
        parent = comment.parent or corpus.comments[others[int(generator.integers(len(others)))]].text
        comments.append(Comment(comment.text, comment.article if kind < 0.85 else None, parent))
    return replace(corpus, comments=comments)


def comment_pairs(comments: list[Comment], featuriser: Featuriser) -> Pairs:
    """Comments with their own articles and parents."""
    contexts = Contexts.of(comments, lambda article: ArticleFeatures.of(article, featuriser), featuriser.transform)
    return Pairs.of(featuriser.transform([comment.text for comment in comments]), contexts)


def _calibrate(recipe: Recipe, label: str, kept_out: KeptOut) -> LabelCalibration:
    rule = _calibration_rule(recipe, label)
    at_home = kept_out.within(rule.corpora)
    try:
        found = LabelCalibration.fit(at_home.raw, at_home.shares, label, rule.rate, at_home.weights)
        if rule.harder:
            found = replace(
                found, balanced=_balanced(kept_out.within((*rule.corpora, *rule.harder)), rule.harder, label)
            )
    except ValueError as error:
        raise RecipeError(
            f"{label} cannot be calibrated: {error}; keep more rows out, or name other corpora"
        ) from error
    if label in recipe.perspective:
        found = replace(found, perspective=_perspective(at_home, recipe.perspective[label]))
    return found


def _balanced(kept_out: KeptOut, harder: Sequence[str], label: str) -> Line:
    """Half of the weight on comments with the label, in each corpus as much, half on the harder ones without.

    Comments that nobody would flag say nothing of where to draw the line.
    """
    positive, negative = kept_out.shares > 0.5, (kept_out.shares <= 0.5) & np.isin(kept_out.corpora, harder)
    weights = np.zeros(len(kept_out.raw))
    for side in (positive, negative):
        names = np.unique(kept_out.corpora[side])
        for name in names:
            members = side & (kept_out.corpora == name)
            weights[members] = kept_out.weights[members] / kept_out.weights[members].sum() / len(names)
    even = LabelCalibration.fit(kept_out.raw, kept_out.shares, label, 0.5, weights * len(weights))
    return Line(even.slope, even.offset)


def _perspective(kept_out: KeptOut, rates: Mapping[float, float]) -> Line:
    """The line under which as many comments lie above each threshold as lay above it in Perspective."""
    order = np.argsort(-kept_out.raw)
    above = np.cumsum(kept_out.weights[order]) / kept_out.weights.sum()
    cuts = kept_out.raw[order][np.searchsorted(above, list(rates.values())).clip(max=len(order) - 1)]
    return Line.through(cuts, np.array([log_odds(threshold) for threshold in rates]))


def _policy(rule: PolicyRule, lines: Mapping[str, LabelCalibration], kept_out: Mapping[str, KeptOut]) -> Policy:
    thresholds = {}
    for label, line in lines.items():
        scores = Calibration.of(lines, [label], CalibrationKind.SITE).probabilities(kept_out[label].raw[:, None])[:, 0]
        review = _threshold(
            scores, kept_out[label], line.rate, rule.review_precisions.get(label, rule.review_precision)
        )
        reject = max(_threshold(scores, kept_out[label], line.rate, rule.reject_precision), review)
        thresholds[label] = Thresholds(
            flag=review,
            review=None if label in rule.flag_only else review,
            reject=None if label in (*rule.flag_only, *rule.review_only) else reject,
        )
    return Policy(thresholds)


def _threshold(scores: NDArray[np.float64], kept_out: KeptOut, rate: float, precision: float) -> float:
    """Lowest score from which on the wanted precision holds at the site's rate; the precision itself if none does.

    It is never below half the precision: such a flag would only live off surer ones.
    """
    rows, target, weight = harden(kept_out.shares, kept_out.weights, "threshold")
    positives = weight[target].sum() / weight.sum()
    weight *= np.where(target, rate / positives, (1 - rate) / (1 - positives))
    precisions, _, cuts = precision_recall_curve(target, scores[rows], sample_weight=weight)
    below = np.flatnonzero(precisions[:-1] < precision)
    first = int(below[-1]) + 1 if len(below) else 0
    if first >= len(cuts) or int((target & (scores[rows] >= cuts[first])).sum()) < 10:
        return precision
    return round(max(float(cuts[first]), precision / 2), 4)


def _records(recipe: Recipe, data: Mapping[str, LabelledComments]) -> dict[str, bundle.CorpusRecord]:
    records = {}
    for name, corpus in data.items():
        counts = {
            label: (rule.excerpts or len(corpus)) if rule.moved else int((~np.isnan(corpus.shares(label, rule))).sum())
            for label, rules in recipe.heads.items()
            for at, rule in rules.items()
            if at == name
        }
        spec = recipe.corpora[name]
        records[name] = bundle.CorpusRecord(licence=spec.licence, terms=spec.terms, labels=counts)
    return records
