"""Training follows a recipe: the repository's sample makes a bundle that scores."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from moderation import Comment, Moderator
from moderation.bundle import Bundle, Manifest, load_embeddings
from moderation.corpora import LabelledComments, LabelRule, Recipe, read_labelled
from moderation.errors import InputError, RecipeError
from moderation.labels import LABELS, OFF_TOPIC
from moderation.text.embeddings import StaticEmbeddings
from moderation.training import steps, text_examples, train

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
def embeddings(bundle_path: Path) -> StaticEmbeddings:
    """Those of the shipped bundle."""
    return load_embeddings(bundle_path)


@pytest.fixture(scope="module")
def recipe(root: Path) -> Recipe:
    """The recipe that newcomers start from."""
    return Recipe.from_toml(root / "data" / "recipe.toml")


@pytest.fixture(scope="module")
def trained(
    root: Path, recipe: Recipe, embeddings: StaticEmbeddings, tmp_path_factory: pytest.TempPathFactory
) -> Training:
    """The sample bundle."""
    told: list[str] = []
    folder, start = tmp_path_factory.mktemp("models") / "sample", time.process_time()
    manifest = train(recipe, root / "data", folder, embeddings, told.append)
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
    embeddings: StaticEmbeddings,
    sample: LabelledComments,
    tmp_path: Path,
) -> None:
    again = train(recipe, root / "data", tmp_path / "again", embeddings)

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
    root: Path, tmp_path: Path, embeddings: StaticEmbeddings, sample: LabelledComments, whose: str, learned: bool
) -> None:
    comments = pd.read_csv(few(lambda comments: comments, root, tmp_path) / "comments.csv")
    recipe = written(tmp_path, INSULT_ALONE)
    rows = kept_out(recipe, sample, "insult")
    before = train(recipe, tmp_path, tmp_path / "before", embeddings)
    comments["insult"] = np.where(rows == (whose == "those kept out"), 1 - comments["insult"], comments["insult"])
    comments.to_csv(tmp_path / "comments.csv", index=False)

    after = train(recipe, tmp_path, tmp_path / "after", embeddings)

    first, second = (Bundle.load(tmp_path / name).abuse for name in ("before", "after"))
    assert np.array_equal(first.table_, second.table_) is not learned
    assert np.array_equal(first.hidden_, second.hidden_) is not learned
    assert before.calibration != after.calibration


# --- what cannot be done


@pytest.mark.parametrize(("value", "missing"), [(0, "positive"), (1, "negative")])
def test_a_label_without_examples_is_named(
    root: Path, tmp_path: Path, embeddings: StaticEmbeddings, value: int, missing: str
) -> None:
    few(lambda comments: comments.assign(insult=value), root, tmp_path)

    with pytest.raises(RecipeError, match=f"insult cannot be learned: no {missing} text is left to teach it; .* add a"):
        train(written(tmp_path, INSULT_ALONE), tmp_path, tmp_path / "out", embeddings)


def test_a_label_with_no_example_kept_out_is_named(root: Path, tmp_path: Path, embeddings: StaticEmbeddings) -> None:
    few(lambda comments: comments.drop(columns="article_id"), root, tmp_path)
    recipe = written(tmp_path, INSULT_ALONE.replace(IN_THREADS, "").replace("0.3", "0.000001"))

    with pytest.raises(RecipeError, match="insult cannot be calibrated: .*; keep more rows out"):
        train(recipe, tmp_path, tmp_path / "out", embeddings)


@pytest.mark.parametrize("threads", [1, 3])
def test_off_topic_is_learned_from_a_few_threads_but_not_from_one(
    root: Path, tmp_path: Path, embeddings: StaticEmbeddings, threads: int
) -> None:
    few(
        lambda comments: comments[comments["article_id"].isin(comments["article_id"].unique()[:threads])],
        root,
        tmp_path,
    )
    recipe = written(tmp_path, WITH_TOPIC)

    if threads == 1:
        with pytest.raises(RecipeError, match="off_topic cannot be learned: .*; add threads"):
            train(recipe, tmp_path, tmp_path / "out", embeddings)
    else:
        assert OFF_TOPIC in train(recipe, tmp_path, tmp_path / "out", embeddings).labels


def test_a_corpus_of_comments_that_are_all_on_topic_may_teach_but_not_measure(
    root: Path, tmp_path: Path, embeddings: StaticEmbeddings
) -> None:
    few(lambda comments: comments, root, tmp_path)
    calm = '[corpora.calm]\nfile = "comments.csv"\nlicence = "ship"\nterms = "our own"\n'
    text = WITH_TOPIC.replace(
        "[heads.off_topic]\n", f"{calm}{IN_THREADS}[heads.off_topic]\ncalm = {{ constant = 0 }}\n"
    )

    train(written(tmp_path, text), tmp_path, tmp_path / "out", embeddings)

    (measured,) = Bundle.load(tmp_path / "out").manifest.figures
    assert measured.startswith("off_topic on sample")


def test_a_missing_corpus_is_named(tmp_path: Path, embeddings: StaticEmbeddings) -> None:
    with pytest.raises(InputError, match=r"comments\.csv: cannot be read: No such file"):
        train(written(tmp_path, INSULT_ALONE), tmp_path, tmp_path / "out", embeddings)


def test_a_missing_column_is_named(root: Path, tmp_path: Path, embeddings: StaticEmbeddings) -> None:
    few(lambda comments: comments.drop(columns="insult"), root, tmp_path)

    with pytest.raises(RecipeError, match=r"comments\.csv: no column 'insult'; it has .*toxicity"):
        train(written(tmp_path, INSULT_ALONE), tmp_path, tmp_path / "out", embeddings)


def test_a_bundle_without_an_off_topic_head_gives_no_off_topic_score(
    root: Path, tmp_path: Path, embeddings: StaticEmbeddings
) -> None:
    train(written(tmp_path, INSULT_ALONE), few(lambda comments: comments, root, tmp_path), tmp_path / "out", embeddings)

    (verdict,) = Moderator.load(tmp_path / "out").score([Comment("You are an idiot.", parent="A parent.")])

    assert list(verdict.scores) == ["insult"]
    assert math.isfinite(verdict.scores["insult"])
