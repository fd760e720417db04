"""Training follows a recipe: the repository's sample makes a bundle that scores."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import astuple, dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from moderation import Comment, Moderator
from moderation.bundle import Bundle, Distilled, Manifest, load_distilled
from moderation.corpora import LabelledComments, LabelRule, Recipe, read_corpora, read_labelled
from moderation.errors import InputError, RecipeError
from moderation.heads.calibration import CalibrationKind
from moderation.labels import LABELS, OFF_TOPIC
from moderation.training import Examples, steps, text_examples, train

IN_THREADS = """group = "article_id"
articles = "articles.csv"
"""
INSULT_ALONE = f"""
name = "insult"
version = "1"
[corpora.sample]
file = "comments.csv"
licence = "ship"
terms = "our own"
{IN_THREADS}
[heads.insult]
sample = {{}}
[[calibration]]
labels = ["insult"]
corpora = ["sample"]
share = 0.3
"""
WITH_TOPIC = f"""{INSULT_ALONE}
[heads.off_topic]
sample = {{}}
[[calibration]]
labels = ["off_topic"]
corpora = ["sample"]
share = 0.3
"""


@dataclass(frozen=True, slots=True)
class Training:
    """What came of a run."""

    folder: Path
    manifest: Manifest
    told: list[str]
    seconds: float


@pytest.fixture(scope="module")
def distilled(bundle_path: Path) -> Distilled:
    """What the shipped bundle was given."""
    return load_distilled(bundle_path)


@pytest.fixture(scope="module")
def recipe(root: Path) -> Recipe:
    """The recipe that newcomers start from."""
    return Recipe.from_toml(root / "data" / "recipe.toml")


@pytest.fixture(scope="module")
def trained(root: Path, recipe: Recipe, distilled: Distilled, tmp_path_factory: pytest.TempPathFactory) -> Training:
    """The sample bundle."""
    told: list[str] = []
    folder, start = tmp_path_factory.mktemp("models") / "sample", time.process_time()
    manifest = train(recipe, root / "data", folder, distilled, told.append)
    return Training(folder, manifest, told, time.process_time() - start)


@pytest.fixture(scope="module")
def sample(root: Path, recipe: Recipe) -> LabelledComments:
    """The sample as the recipe reads it."""
    return read_labelled(root / "data" / "comments.csv", recipe.corpora["sample"], root / "data" / "articles.csv")


def kept_out(recipe: Recipe, corpus: LabelledComments, label: str) -> NDArray[np.bool_]:
    """Rows that calibrate a label."""
    return text_examples(recipe, {"sample": corpus}, (label,)).kept_out[:, 0] > 0


def written(folder: Path, text: str) -> Recipe:
    (folder / "recipe.toml").write_text(text, encoding="utf-8")
    return Recipe.from_toml(folder / "recipe.toml")


def few(keep: Callable[[pd.DataFrame], pd.DataFrame], root: Path, folder: Path) -> Path:
    """The sample's articles and some of its comments."""
    comments, articles = (pd.read_csv(root / "data" / f"{name}.csv") for name in ("comments", "articles"))
    keep(comments).to_csv(folder / "comments.csv", index=False)
    articles.to_csv(folder / "articles.csv", index=False)
    return folder


# --- the bundle of the sample


def test_training_takes_seconds(trained: Training) -> None:
    assert trained.seconds < 60


def test_all_labels_are_learned(trained: Training) -> None:
    assert trained.manifest.labels == list(LABELS)
    assert set(trained.manifest.calibration) == set(trained.manifest.policy) == set(LABELS)
    assert Bundle.load(trained.folder).manifest == trained.manifest


def test_the_manifest_says_what_taught_the_bundle(trained: Training, recipe: Recipe, sample: LabelledComments) -> None:
    record = trained.manifest.corpora["sample"]

    assert (trained.manifest.name, trained.manifest.version) == (recipe.name, recipe.version)
    assert (record.licence, record.terms) == ("ship", recipe.corpora["sample"].terms)
    assert record.labels == dict.fromkeys(LABELS, len(sample))


def test_scores_are_meant_at_the_rates_that_the_recipe_names(trained: Training, recipe: Recipe) -> None:
    wanted = {label: rule.rate for rule in recipe.calibration for label in rule.labels}

    assert {label: line.rate for label, line in trained.manifest.calibration.items()} == wanted


def test_thresholds_rise_and_stop_where_the_recipe_says(trained: Training, recipe: Recipe) -> None:
    for label, limits in trained.manifest.policy.items():
        allowed = ["flag", "review", "reject"]
        if label in recipe.policy.review_only:
            allowed = ["flag", "review"]
        if label in recipe.policy.flag_only:
            allowed = ["flag"]
        values = [limits[step] for step in allowed]
        assert list(limits) == allowed
        assert values == sorted(values)
        assert 0 < values[0] <= values[-1] < 1


def test_insults_are_told_from_clean_comments_in_threads_that_taught_nothing(
    trained: Training, recipe: Recipe, sample: LabelledComments
) -> None:
    insult = sample.shares("insult", LabelRule())
    clean = np.sum([sample.shares(label, LabelRule()) for label in LABELS], axis=0) == 0
    rows = np.flatnonzero(kept_out(recipe, sample, "insult") & ((insult == 1) | clean))

    moderator = Moderator.load(trained.folder)
    scores = moderator.probabilities([sample.comments[row] for row in rows])[:, moderator.labels.index("insult")]

    assert insult[rows].sum() > 20
    assert roc_auc_score(insult[rows], scores) > 0.75


def test_off_topic_is_learned_across_threads(trained: Training) -> None:
    (figures,) = (values for name, values in trained.manifest.figures.items() if name.startswith("off_topic on sample"))

    assert figures["cross_validated_roc_auc"] > 0.65


def test_two_runs_give_the_same_scores(
    trained: Training,
    root: Path,
    recipe: Recipe,
    distilled: Distilled,
    sample: LabelledComments,
    tmp_path: Path,
) -> None:
    again = train(recipe, root / "data", tmp_path / "again", distilled)

    assert again.policy == trained.manifest.policy
    np.testing.assert_allclose(
        Moderator.load(tmp_path / "again").probabilities(sample.comments),
        Moderator.load(trained.folder).probabilities(sample.comments),
        atol=1e-6,
    )


def test_every_announced_step_is_reported_in_its_order(trained: Training, root: Path, recipe: Recipe) -> None:
    announced = steps(recipe, root / "data")

    assert trained.told == list(announced)
    assert sum(announced.values()) == pytest.approx(1)


# --- what is kept out


def test_whole_threads_are_kept_out(recipe: Recipe, sample: LabelledComments) -> None:
    rows = kept_out(recipe, sample, "insult")
    threads = np.array(sample.groups)

    assert 0.1 < rows.mean() < 0.5
    assert not set(threads[rows]) & set(threads[~rows])


def test_rows_are_kept_out_one_by_one_where_there_are_no_threads(tmp_path: Path, sample: LabelledComments) -> None:
    alone = LabelledComments("loose", sample.comments, [""] * len(sample), sample.columns, sample.rows)

    rows = kept_out(written(tmp_path, INSULT_ALONE.replace(IN_THREADS, "")), alone, "insult")

    assert 0.2 < rows.mean() < 0.4


@pytest.mark.parametrize(("whose", "learned"), [("those kept out", False), ("those that teach", True)])
def test_only_rows_that_are_not_kept_out_are_learned_from(
    root: Path, tmp_path: Path, distilled: Distilled, sample: LabelledComments, whose: str, learned: bool
) -> None:
    comments = pd.read_csv(few(lambda comments: comments, root, tmp_path) / "comments.csv")
    recipe = written(tmp_path, INSULT_ALONE)
    rows = kept_out(recipe, sample, "insult")
    before = train(recipe, tmp_path, tmp_path / "before", distilled)
    comments["insult"] = np.where(rows == (whose == "those kept out"), 1 - comments["insult"], comments["insult"])
    comments.to_csv(tmp_path / "comments.csv", index=False)

    after = train(recipe, tmp_path, tmp_path / "after", distilled)

    first, second = (Bundle.load(tmp_path / name).abuse for name in ("before", "after"))
    assert np.array_equal(first.lexical.table_, second.lexical.table_) is not learned
    assert before.calibration != after.calibration


# --- calibrations

WITH_HARDER = INSULT_ALONE.replace(
    "[heads.insult]",
    '[corpora.hard]\nfile = "hard.csv"\nlicence = "ship"\nterms = "our own"\n[heads.insult]\nhard = {}',
).replace('corpora = ["sample"]', 'corpora = ["sample"]\nharder = ["hard"]')


@pytest.fixture
def corpora(root: Path, tmp_path: Path) -> Path:
    """The sample in two files: its first threads, and what is abusive in the others, where insults are hard to tell."""
    comments = pd.read_csv(root / "data" / "comments.csv")
    first = comments["article_id"].isin(comments["article_id"].unique()[:14])
    few(lambda comments: comments[first], root, tmp_path)
    hard = comments[~first & (comments["toxicity"] == 1)]
    hard.drop(columns=["article_id", "parent_id"]).to_csv(tmp_path / "hard.csv", index=False)
    return tmp_path


def rows_of_insults(recipe: Recipe, folder: Path) -> Examples:
    """What teaches insults and calibrates them."""
    return text_examples(recipe, dict(read_corpora(recipe, folder, lambda _: None)), ("insult",))


def scores_of_insults(bundle: Path, comments: list[Comment], calibration: str) -> NDArray[np.float64]:
    moderator = Moderator.load(bundle, calibration=calibration)
    return moderator.probabilities(comments)[:, moderator.labels.index("insult")]


def test_without_harder_comments_half_and_half_is_the_site_moved_there(corpora: Path, distilled: Distilled) -> None:
    recipe = written(corpora, INSULT_ALONE)

    found = train(recipe, corpora, corpora / "out", distilled).calibration["insult"]

    assert (found.balanced, found.perspective) == (None, None)


def test_harder_comments_make_a_balanced_line_of_their_own(corpora: Path, distilled: Distilled) -> None:
    alone = train(written(corpora, WITH_HARDER.replace('harder = ["hard"]', "")), corpora, corpora / "alone", distilled)

    found = train(written(corpora, WITH_HARDER), corpora, corpora / "out", distilled)

    line = found.calibration["insult"].restored()
    moved = replace(line, balanced=None)
    assert line.line(CalibrationKind.BALANCED) != moved.line(CalibrationKind.BALANCED)
    assert line.line(CalibrationKind.PERSPECTIVE) == line.line(CalibrationKind.BALANCED)
    assert line.rate == alone.calibration["insult"].rate


def test_harder_comments_count_in_the_balanced_line_alone(corpora: Path, distilled: Distilled) -> None:
    recipe = written(corpora, WITH_HARDER)
    rows = rows_of_insults(recipe, corpora)
    kept_out = rows.kept_out[rows.corpora == "hard", 0] > 0
    before = train(recipe, corpora, corpora / "before", distilled)
    hard = pd.read_csv(corpora / "hard.csv")
    hard["insult"] = np.where(kept_out, 1 - hard["insult"], hard["insult"])
    hard.to_csv(corpora / "hard.csv", index=False)

    after = train(recipe, corpora, corpora / "after", distilled)

    first, second = (made.calibration["insult"].restored() for made in (before, after))
    tables = [Bundle.load(corpora / name).abuse.lexical.table_ for name in ("before", "after")]
    assert 0.1 < kept_out.mean() < 0.5
    np.testing.assert_array_equal(*tables)
    assert first.balanced != second.balanced
    assert replace(first, balanced=None) == replace(second, balanced=None)
    assert before.policy == after.policy


def test_half_and_half_is_between_comments_with_the_label_and_the_harder_ones_without(
    corpora: Path, distilled: Distilled
) -> None:
    recipe = written(corpora, WITH_HARDER)
    train(recipe, corpora, corpora / "out", distilled)
    rows = rows_of_insults(recipe, corpora)
    chosen = np.flatnonzero(rows.kept_out[:, 0] > 0)

    scores = scores_of_insults(corpora / "out", [rows.comments[row] for row in chosen], "balanced")

    insult, hard = rows.shares[chosen, 0] == 1, rows.corpora[chosen] == "hard"
    with_label = (scores[insult & hard].mean() + scores[insult & ~hard].mean()) / 2
    assert (with_label + scores[~insult & hard].mean()) / 2 == pytest.approx(0.5, abs=0.01)


def test_comments_of_a_site_without_the_label_say_nothing_of_half_and_half(corpora: Path, distilled: Distilled) -> None:
    recipe = written(corpora, WITH_HARDER)
    rows = rows_of_insults(recipe, corpora)
    calm = (rows.kept_out[:, 0] > 0) & (rows.shares[:, 0] == 0) & (rows.corpora == "sample")
    before = train(recipe, corpora, corpora / "before", distilled)
    comments = pd.read_csv(corpora / "comments.csv")
    comments.loc[np.flatnonzero(calm)[::2], "insult"] = np.nan
    comments.to_csv(corpora / "comments.csv", index=False)

    after = train(recipe, corpora, corpora / "after", distilled)

    first, second = (made.calibration["insult"].restored() for made in (before, after))
    assert first.balanced is not None
    assert second.balanced is not None
    assert astuple(first.balanced) == pytest.approx(astuple(second.balanced), abs=1e-3)
    assert first.offset != pytest.approx(second.offset, abs=0.1)


@pytest.mark.parametrize("value", [1, None], ids=["all have the label", "none is known"])
def test_harder_comments_that_all_have_the_label_balance_nothing(
    corpora: Path, distilled: Distilled, value: int | None
) -> None:
    hard = pd.read_csv(corpora / "hard.csv")
    hard.assign(insult=value).to_csv(corpora / "hard.csv", index=False)

    with pytest.raises(RecipeError, match="insult cannot be calibrated: .*no negative text; keep more rows out, or"):
        train(written(corpora, WITH_HARDER), corpora, corpora / "out", distilled)


@pytest.mark.parametrize("balance", ["", 'balance = { column = "toxicity", rate = 0.1 }'], ids=["as it is", "weighed"])
def test_as_many_comments_are_above_a_threshold_as_were_above_it_in_perspective(
    root: Path, tmp_path: Path, distilled: Distilled, balance: str
) -> None:
    few(lambda comments: comments, root, tmp_path)
    rates = {0.5: 0.2, 0.7: 0.13, 0.9: 0.05}
    table = "".join(f'"{threshold}" = {rate}\n' for threshold, rate in rates.items())
    recipe = written(tmp_path, f"{INSULT_ALONE}{balance}\n[perspective.insult]\n{table}")
    train(recipe, tmp_path, tmp_path / "out", distilled)
    rows = rows_of_insults(recipe, tmp_path)

    weights = rows.kept_out[:, 0]
    scores = {kind: scores_of_insults(tmp_path / "out", rows.comments, kind) for kind in ("perspective", "balanced")}

    above = {at: np.average(scores["perspective"] >= at, weights=weights) for at in rates}
    assert above == pytest.approx(rates, abs=0.02)
    assert [np.average(scores["balanced"] >= at, weights=weights) for at in rates] != pytest.approx(
        list(rates.values()), abs=0.02
    )


def test_perspective_says_nothing_of_a_sites_own_scores(root: Path, tmp_path: Path, distilled: Distilled) -> None:
    few(lambda comments: comments, root, tmp_path)
    told = f'{INSULT_ALONE}[perspective.insult]\n"0.5" = 0.2\n"0.9" = 0.1\n'

    alone, both = (
        train(written(tmp_path, text), tmp_path, tmp_path / str(at), distilled)
        for at, text in enumerate((INSULT_ALONE, told))
    )

    line = both.calibration["insult"].restored()
    assert line.perspective is not None
    assert replace(line, perspective=None) == alone.calibration["insult"].restored()
    assert both.policy == alone.policy


# --- what cannot be done


@pytest.mark.parametrize(("value", "missing"), [(0, "positive"), (1, "negative")])
def test_a_label_without_examples_is_named(
    root: Path, tmp_path: Path, distilled: Distilled, value: int, missing: str
) -> None:
    few(lambda comments: comments.assign(insult=value), root, tmp_path)

    with pytest.raises(RecipeError, match=f"insult cannot be learned: no {missing} text is left to teach it; .* add a"):
        train(written(tmp_path, INSULT_ALONE), tmp_path, tmp_path / "out", distilled)


def test_a_label_with_no_example_kept_out_is_named(root: Path, tmp_path: Path, distilled: Distilled) -> None:
    few(lambda comments: comments.drop(columns="article_id"), root, tmp_path)
    recipe = written(tmp_path, INSULT_ALONE.replace(IN_THREADS, "").replace("0.3", "0.000001"))

    with pytest.raises(RecipeError, match="insult cannot be calibrated: .*; keep more rows out"):
        train(recipe, tmp_path, tmp_path / "out", distilled)


@pytest.mark.parametrize("threads", [1, 3])
def test_off_topic_is_learned_from_a_few_threads_but_not_from_one(
    root: Path, tmp_path: Path, distilled: Distilled, threads: int
) -> None:
    few(
        lambda comments: comments[comments["article_id"].isin(comments["article_id"].unique()[:threads])],
        root,
        tmp_path,
    )
    recipe = written(tmp_path, WITH_TOPIC)

    if threads == 1:
        with pytest.raises(RecipeError, match="off_topic cannot be learned: .*; add threads"):
            train(recipe, tmp_path, tmp_path / "out", distilled)
    else:
        assert OFF_TOPIC in train(recipe, tmp_path, tmp_path / "out", distilled).labels


def test_a_corpus_of_comments_that_are_all_on_topic_may_teach_but_not_measure(
    root: Path, tmp_path: Path, distilled: Distilled
) -> None:
    few(lambda comments: comments, root, tmp_path)
    calm = '[corpora.calm]\nfile = "comments.csv"\nlicence = "ship"\nterms = "our own"\n'
    text = WITH_TOPIC.replace(
        "[heads.off_topic]\n", f"{calm}{IN_THREADS}[heads.off_topic]\ncalm = {{ constant = 0 }}\n"
    )

    train(written(tmp_path, text), tmp_path, tmp_path / "out", distilled)

    (measured,) = Bundle.load(tmp_path / "out").manifest.figures
    assert measured.startswith("off_topic on sample")


def test_a_missing_corpus_is_named(tmp_path: Path, distilled: Distilled) -> None:
    with pytest.raises(InputError, match=r"comments\.csv: cannot be read: No such file"):
        train(written(tmp_path, INSULT_ALONE), tmp_path, tmp_path / "out", distilled)


def test_a_missing_column_is_named(root: Path, tmp_path: Path, distilled: Distilled) -> None:
    few(lambda comments: comments.drop(columns="insult"), root, tmp_path)

    with pytest.raises(RecipeError, match=r"comments\.csv: no column 'insult'; it has .*toxicity"):
        train(written(tmp_path, INSULT_ALONE), tmp_path, tmp_path / "out", distilled)


def test_a_bundle_without_an_off_topic_head_gives_no_off_topic_score(
    root: Path, tmp_path: Path, distilled: Distilled
) -> None:
    train(written(tmp_path, INSULT_ALONE), few(lambda comments: comments, root, tmp_path), tmp_path / "out", distilled)

    (verdict,) = Moderator.load(tmp_path / "out").score([Comment("You are an idiot.", parent="A parent.")])

    assert list(verdict.scores) == ["insult"]
    assert math.isfinite(verdict.scores["insult"])
