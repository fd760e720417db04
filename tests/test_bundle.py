"""A bundle is loaded only if all its checks pass; one that fails says which and what to do."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import sklearn
from joblib.numpy_pickle import NumpyArrayWrapper
from sklearn.pipeline import Pipeline

from moderation import Comment, Moderator, bundle
from moderation.bundle import MANIFEST, Bundle, CalibrationRecord, Distilled, load_distilled, load_embeddings
from moderation.errors import BundleError
from moderation.heads.abuse import AbuseHead
from moderation.heads.calibration import LabelCalibration, Line
from moderation.heads.lexical import LexicalHead
from moderation.heads.linear import NaiveBayesLogistic
from moderation.heads.network import SmallNetwork
from moderation.heads.pairs import FEATURE_NAMES, Pairs
from moderation.heads.tone import ToneHead
from moderation.heads.topic import TopicHead
from moderation.labels import LABELS, TEXT_LABELS
from moderation.text.embeddings import ScopedEmbeddings, StaticEmbeddings
from moderation.text.features import Featuriser
from moderation.text.ngrams import NgramTfidf
from moderation.text.tokens import tokenise

DISTILLED_PARTS = ("embeddings.joblib", "tone.joblib")
PARTS = (*DISTILLED_PARTS, "lexical.joblib", "topic.joblib")
EMBEDDINGS = StaticEmbeddings.from_table(["idiot", "you", "soup"], np.eye(3), [3.0, 1.0, 4.0])
TONE_WORDS = ScopedEmbeddings.from_table(["idiot", "dear"], np.eye(2), [3.0, 3.0])
TONE = ToneHead.of(
    ("insult", "threat"),
    TONE_WORDS,
    (np.eye(EMBEDDINGS.n_dimensions + TONE_WORDS.n_columns, 4), [0.5, 0.0, -0.5, 0.0]),
    (np.arange(8).reshape(4, 2) - 3, [-1.0, -2.0]),
)
DISTILLED = Distilled(EMBEDDINGS, TONE)
LINES = {
    label: LabelCalibration(1.5, -1, 0.02 + 0.01 * at, *[Line(1, 0.25), Line(0.75, 0.5)][: at % 3])
    for at, label in enumerate(LABELS)
}


def small_lexical_head() -> LexicalHead:
    """A head of all labels of a text that learned four of them."""
    texts = tokenise(["you idiot", "idiot soup", "dear soup", "you never said idiot"])
    head = LexicalHead(ngrams=NgramTfidf(word_bits=8, char_bits=8))
    return head.fit(texts, np.outer([1.0, 1.0, 0.0, 0.0], np.ones(len(TEXT_LABELS))))


def small_topic_head() -> TopicHead:
    """A head that learned four comments under their articles."""
    tokens = tokenise(["the boat", "cheap boat", "the boat", "cheap flags"])
    return TopicHead().fit(Pairs(tokens, np.eye(4, len(FEATURE_NAMES), dtype=np.float32)), [0, 1, 0, 1])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with all parts that takes no time to train."""
    folder = tmp_path_factory.mktemp("models") / "made"
    bundle.write(
        folder,
        distilled=DISTILLED,
        lexical=small_lexical_head(),
        topic=small_topic_head(),
        name="made",
        version="1.2",
        calibration={label: CalibrationRecord.of(line) for label, line in LINES.items()},
        policy={"insult": {"flag": 0.4, "review": 0.5}, "threat": {"flag": 0.2}},
        corpora={"ours": bundle.CorpusRecord(licence="ship", terms="our own", labels={"insult": 4})},
        figures={"insult on theirs": {"roc_auc": 0.7}},
    )
    return folder


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    """A bundle that may be damaged."""
    return Path(shutil.copytree(made, tmp_path / "copy"))


def change(path: Path, edit: Callable[[bytes], bytes]) -> None:
    """Edit a file."""
    path.write_bytes(edit(path.read_bytes()))


def change_manifest(folder: Path, **fields: Any) -> None:
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    (folder / MANIFEST).write_text(json.dumps({**manifest, **fields}), encoding="utf-8")


def vouch_for(folder: Path, name: str) -> None:
    """Let the manifest say size and SHA-256 of the file as it is, as whoever forges a bundle would."""
    content = (folder / name).read_bytes()
    files = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
    change_manifest(
        folder, files={**files, name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}}
    )


# --- whole bundles


def test_the_shipped_bundle_is_whole_and_may_be_passed_on(bundle_path: Path) -> None:
    loaded = Bundle.load(bundle_path)

    assert loaded.manifest.labels == list(LABELS)
    assert {corpus.licence for corpus in loaded.manifest.corpora.values()} == {"ship"}
    assert sum(path.stat().st_size for path in bundle_path.iterdir()) < 25e6
    assert loaded.model == f"{loaded.manifest.name} {loaded.manifest.version}"


def test_what_was_written_is_loaded(made: Path) -> None:
    texts = ["you idiot", "never say idiot, dear", ""]

    loaded = Bundle.load(made)

    assert loaded.manifest == bundle.verify(made)
    assert loaded.model == "made 1.2"
    assert sorted(loaded.manifest.files) == sorted(PARTS)
    np.testing.assert_array_equal(loaded.embeddings.transform(texts), EMBEDDINGS.transform(texts))
    np.testing.assert_array_equal(
        loaded.abuse.decision_function(Featuriser(loaded.embeddings).transform(texts)),
        AbuseHead(small_lexical_head(), TONE).decision_function(Featuriser(EMBEDDINGS).transform(texts)),
    )
    assert loaded.topic is not None
    np.testing.assert_array_equal(loaded.topic.network_.hidden_, small_topic_head().network_.hidden_)


def test_lines_of_all_kinds_are_kept(made: Path) -> None:
    assert Bundle.load(made).lines == LINES


@pytest.mark.parametrize("line", [*LINES.values(), LabelCalibration(1, 0, 0.1, perspective=Line(2, 1))])
def test_a_calibration_is_restored_as_it_was(line: LabelCalibration) -> None:
    record = CalibrationRecord.of(line)

    assert record.restored() == line
    assert CalibrationRecord.model_validate_json(record.model_dump_json()) == record


def test_a_bundle_that_was_made_scores(made: Path) -> None:
    insulted, fed = Moderator.load(made).probabilities([Comment("idiot"), Comment("dear soup")])[:, 0]

    assert insulted > fed


def test_arrays_stay_in_their_file_so_that_workers_share_them(made: Path) -> None:
    loaded = Bundle.load(made)

    assert isinstance(loaded.abuse.lexical.table_.base, np.memmap)
    assert isinstance(loaded.abuse.tone.hidden_.base, np.memmap)
    assert isinstance(loaded.abuse.tone.words_.codes_.base, np.memmap)
    assert isinstance(loaded.embeddings.codes_.base, np.memmap)


def is_as_distilled(found: Distilled) -> bool:
    """Whether a text looks and sounds as it did to what was written."""
    seen, expected = (Featuriser(kept.embeddings).transform(["you idiot, dear"]) for kept in (found, DISTILLED))
    heard, wanted = found.tone.decision_function(seen), TONE.decision_function(expected)
    return np.array_equal(seen.vectors, expected.vectors) and np.array_equal(heard, wanted)


def test_what_was_distilled_can_be_taken_out_of_a_bundle_that_is_then_replaced(copy: Path) -> None:
    taken = load_distilled(copy)

    assert not isinstance(taken.embeddings.codes_.base, np.memmap)
    assert not isinstance(taken.tone.hidden_.base, np.memmap)
    for name in DISTILLED_PARTS:
        (copy / name).write_bytes(b"")

    assert is_as_distilled(taken)


def test_figures_are_added_to_those_there_are(copy: Path) -> None:
    before = bundle.verify(copy)

    bundle.add_figures(copy, {"insult on ours": {"roc_auc": 0.9}})
    bundle.add_figures(copy, {"insult on ours": {"roc_auc": 0.8}})

    after = bundle.verify(copy)
    assert after.figures == {"insult on theirs": {"roc_auc": 0.7}, "insult on ours": {"roc_auc": 0.8}}
    assert after.model_copy(update={"figures": before.figures}) == before


# --- what is missing


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"nowhere: no bundle here .* name a folder that `moderation train` wrote"):
        Moderator.load(tmp_path / "nowhere")


def test_a_missing_manifest_is_named(copy: Path) -> None:
    (copy / MANIFEST).unlink()

    with pytest.raises(BundleError, match=r"no bundle here \(manifest\.json is missing\); name a folder"):
        Bundle.load(copy)


LOADS = [*((Bundle.load, name) for name in PARTS), *((load_distilled, name) for name in DISTILLED_PARTS)]


@pytest.mark.parametrize(("load", "name"), LOADS)
def test_a_missing_file_is_named(copy: Path, load: Callable[[Path], object], name: str) -> None:
    (copy / name).unlink()

    with pytest.raises(BundleError, match=rf"{name}: file check failed: missing; restore the file .* or retrain it"):
        load(copy)


@pytest.mark.parametrize(("load", "name"), LOADS)
def test_a_file_that_the_manifest_does_not_vouch_for_is_not_opened(
    copy: Path, load: Callable[[Path], object], name: str
) -> None:
    files = bundle.verify(copy).model_dump()["files"]
    change_manifest(copy, files={other: record for other, record in files.items() if other != name})

    with pytest.raises(BundleError, match=rf"file check failed: the manifest names no {name}.* `moderation train`"):
        load(copy)


def test_a_tone_that_stands_on_other_embeddings_is_refused(tmp_path: Path) -> None:
    shorter = StaticEmbeddings.from_table(["idiot", "you"], np.eye(2), [3.0, 1.0])
    empty: dict[str, Any] = {"calibration": {}, "policy": {}, "corpora": {}, "figures": {}}
    bundle.write(tmp_path, distilled=Distilled(shorter, TONE), name="distilled", version="0", **empty)

    with pytest.raises(BundleError, match="expects embeddings of 3 dimensions, but they have 2; teach the tone anew"):
        load_distilled(tmp_path)
    assert load_embeddings(tmp_path).n_dimensions == 2


def test_a_bundle_keeps_the_share_of_the_tone_that_it_was_calibrated_with(copy: Path) -> None:
    change_manifest(copy, tone_share=0.25)

    assert Bundle.load(copy).abuse.tone_share == 0.25


def test_a_bundle_of_what_was_distilled_gives_it_but_cannot_score(tmp_path: Path) -> None:
    empty: dict[str, Any] = {"calibration": {}, "policy": {}, "corpora": {}, "figures": {}}
    bundle.write(tmp_path, distilled=DISTILLED, name="distilled", version="0", **empty)

    assert is_as_distilled(load_distilled(tmp_path))
    with pytest.raises(BundleError, match=r"the manifest names no lexical\.joblib, so this bundle cannot score"):
        Bundle.load(tmp_path)


# --- what was altered


@pytest.mark.parametrize("load", [Bundle.load, load_distilled, bundle.verify, Moderator.load])
@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (lambda content: content[:-1], r"size check failed: \d+ bytes instead of \d+; restore the file"),
        (lambda content: content[: len(content) // 2], "size check failed"),
        (lambda _: b"", "size check failed: 0 bytes"),
        (lambda content: content + b"\0", "size check failed"),
        (lambda content: bytes([content[0] ^ 1]) + content[1:], "SHA-256 check failed: the file was altered; restore"),
        (lambda content: content[:-1] + bytes([content[-1] ^ 128]), "SHA-256 check failed"),
    ],
    ids=["truncated by a byte", "half", "empty", "longer", "first bit flipped", "last bit flipped"],
)
def test_an_altered_file_is_not_opened(
    copy: Path, load: Callable[[Path], object], edit: Callable[[bytes], bytes], reason: str
) -> None:
    change(copy / "topic.joblib", edit)

    with pytest.raises(BundleError, match=rf"topic\.joblib: {reason}"):
        load(copy)


def test_a_wrong_size_in_the_manifest_is_found(copy: Path) -> None:
    files = bundle.verify(copy).model_dump()["files"]
    files["lexical.joblib"]["bytes"] += 1
    change_manifest(copy, files=files)

    with pytest.raises(BundleError, match=r"lexical\.joblib: size check failed"):
        Bundle.load(copy)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Invalid JSON"),
        ("{", "Invalid JSON"),
        ("[]", "an object"),
        ("{}", "Field required"),
        ('{"format": "one"}', "valid integer"),
        ('{"format": 3}', "Field required"),
    ],
)
def test_a_broken_manifest_is_named(copy: Path, text: str, reason: str) -> None:
    (copy / MANIFEST).write_text(text, encoding="utf-8")

    with pytest.raises(BundleError, match=rf"manifest\.json: manifest check failed: .*{reason}.*; restore the file or"):
        Bundle.load(copy)


def test_a_manifest_that_says_more_than_it_should_is_refused(copy: Path) -> None:
    change_manifest(copy, run_at_start="os.system")

    with pytest.raises(BundleError, match="manifest check failed: Extra inputs are not permitted"):
        Bundle.load(copy)


# --- versions


@pytest.mark.parametrize("fields", [{"format": 2}, {"format": 4}, {"format": 4, "a_field_of_the_future": True}])
def test_another_format_is_named(copy: Path, fields: dict[str, Any]) -> None:
    change_manifest(copy, **fields)

    with pytest.raises(
        BundleError, match=r"format check failed: the bundle has format [24], .* reads format 3; retrain it"
    ):
        Bundle.load(copy)


def test_another_scikit_learn_is_named(copy: Path) -> None:
    change_manifest(copy, scikit_learn="0.24.2")

    with pytest.raises(
        BundleError,
        match=r"scikit-learn check failed: .* trained with 0\.24\.2, .*; install scikit-learn 0\.24 or retrain",
    ):
        Bundle.load(copy)


def test_another_patch_of_the_same_scikit_learn_will_do(copy: Path) -> None:
    major, minor, *_ = sklearn.__version__.split(".")
    change_manifest(copy, scikit_learn=f"{major}.{minor}.99")

    assert Bundle.load(copy).manifest.scikit_learn == f"{major}.{minor}.99"


# --- forgeries: the manifest fits, so only the allow-list stands between the file and what it would run


class Runs:
    """Would run a command as it is unpickled."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call


def network_holding(value: object) -> SmallNetwork:
    network = SmallNetwork()
    network.hidden_ = value
    return network


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize(
    "forge",
    [
        lambda command: Runs(os.system, command),
        lambda command: network_holding(Runs(os.system, command)),
        lambda command: np.array([Runs(os.system, command)], dtype=object),
        lambda command: [{"deep": (Runs(eval, f"__import__('os').system({command!r})"),)}],
        lambda _: Runs(getattr, "text", "format"),
    ],
    ids=["a call", "inside a network", "inside an array", "deep inside", "getattr"],
)
def test_a_forged_file_runs_nothing(copy: Path, tmp_path: Path, name: str, forge: Callable[[str], object]) -> None:
    ran = tmp_path / "ran"
    joblib.dump(forge(f"touch {ran}"), copy / name)
    vouch_for(copy, name)
    bundle.verify(copy)

    with pytest.raises(
        BundleError, match=rf"{name}: class check failed: .* may not stand in a bundle; .* anew from whom you trust"
    ):
        Bundle.load(copy)

    assert not ran.exists()


def test_the_forgery_would_run_if_nothing_stopped_it(tmp_path: Path) -> None:
    joblib.dump(Runs(os.system, f"touch {tmp_path / 'ran'}"), tmp_path / "forged.joblib")

    joblib.load(tmp_path / "forged.joblib")

    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "forged",
    [
        Runs(np.ndarray, (2,), np.dtype("O"), b"\1" * 16),
        Runs(NumpyArrayWrapper, np.ndarray, (2,), "C", np.dtype("O"), True),
        network_holding(np.array(["text"])),
        Pipeline([("network", SmallNetwork())]),
        NaiveBayesLogistic(),
        Featuriser(EMBEDDINGS),
        LINES["insult"],
        SmallNetwork,
        {"a": "dict"},
    ],
    ids=[
        "addresses as an array",
        "an array's description",
        "an array of text",
        "a pipeline",
        "a linear model",
        "a featuriser",
        "a calibration",
        "a class",
        "a dict",
    ],
)
def test_what_is_no_part_of_a_bundle_is_refused(copy: Path, forged: object) -> None:
    joblib.dump(forged, copy / "topic.joblib")
    vouch_for(copy, "topic.joblib")

    with pytest.raises(BundleError, match=r"topic\.joblib: class check failed: "):
        Bundle.load(copy)


def test_an_array_of_addresses_is_refused_before_they_are_looked_at(copy: Path) -> None:
    described = pickle.dumps(NumpyArrayWrapper(np.ndarray, (2,), "C", np.dtype("O"), allow_mmap=True))
    change(copy / "topic.joblib", lambda _: described + b"\1" * 64)
    vouch_for(copy, "topic.joblib")

    with pytest.raises(BundleError, match=r"topic\.joblib: class check failed: object array may not stand in a bundle"):
        Bundle.load(copy)


@pytest.mark.parametrize("content", [b"", b"not a pickle", pickle.dumps([1, 2])[:-1], b"\x80\x05\x95"])
def test_a_file_that_is_no_pickle_is_refused(copy: Path, content: bytes) -> None:
    change(copy / "topic.joblib", lambda _: content)
    vouch_for(copy, "topic.joblib")

    with pytest.raises(BundleError, match=r"topic\.joblib: class check failed: .* anew from whom you trust"):
        Bundle.load(copy)


@pytest.mark.parametrize(
    ("name", "other", "reason"),
    [
        ("lexical.joblib", "topic.joblib", "holds TopicHead instead of LexicalHead"),
        ("topic.joblib", "lexical.joblib", "holds LexicalHead instead of TopicHead"),
        ("tone.joblib", "embeddings.joblib", "holds StaticEmbeddings instead of ToneHead"),
        ("embeddings.joblib", "tone.joblib", "holds ToneHead instead of StaticEmbeddings"),
    ],
)
def test_parts_cannot_change_places(copy: Path, name: str, other: str, reason: str) -> None:
    change(copy / name, lambda _: (copy / other).read_bytes())
    vouch_for(copy, name)

    with pytest.raises(BundleError, match=rf"{name}: class check failed: {reason}"):
        Bundle.load(copy)
