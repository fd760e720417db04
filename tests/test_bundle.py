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

from moderation import Moderator, bundle
from moderation.bundle import MANIFEST, Bundle, load_embeddings
from moderation.errors import BundleError
from moderation.heads.network import SmallNetwork
from moderation.labels import LABELS
from moderation.text.embeddings import StaticEmbeddings

PARTS = ("embeddings.joblib", "abuse.joblib", "topic.joblib")


@pytest.fixture
def copy(bundle_path: Path, tmp_path: Path) -> Path:
    """A copy of the shipped bundle; its large files are links until `change` replaces them."""
    folder = tmp_path / "copy"
    folder.mkdir()
    shutil.copy(bundle_path / MANIFEST, folder / MANIFEST)
    for name in PARTS:
        (folder / name).symlink_to(bundle_path / name)
    return folder


def change(path: Path, edit: Callable[[bytes], bytes]) -> None:
    """Put an edited file in the place of a link."""
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(edit(content))


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


def test_a_copy_is_as_good(copy: Path) -> None:
    assert Bundle.load(copy).manifest == bundle.verify(copy)


def test_arrays_stay_in_their_file_so_that_workers_share_them(bundle_path: Path) -> None:
    loaded = Bundle.load(bundle_path)

    assert isinstance(loaded.abuse.table_, np.memmap)
    assert isinstance(loaded.embeddings.codes_, np.memmap)


def test_embeddings_can_be_taken_out_of_a_bundle_that_is_then_replaced(copy: Path) -> None:
    change(copy / "embeddings.joblib", lambda content: content)
    embeddings = load_embeddings(copy)
    before = embeddings.transform(["a text"])

    (copy / "embeddings.joblib").write_bytes(b"")

    np.testing.assert_array_equal(embeddings.transform(["a text"]), before)


def test_figures_are_added_to_those_there_are(copy: Path) -> None:
    before = bundle.verify(copy)

    bundle.add_figures(copy, {"insult on ours": {"roc_auc": 0.9}})
    bundle.add_figures(copy, {"insult on ours": {"roc_auc": 0.8}})

    after = bundle.verify(copy)
    assert after.figures == {**before.figures, "insult on ours": {"roc_auc": 0.8}}
    assert after.model_copy(update={"figures": before.figures}) == before


# --- what is missing


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"nowhere: no bundle here .* name a folder that `moderation train` wrote"):
        Moderator.load(tmp_path / "nowhere")


def test_a_missing_manifest_is_named(copy: Path) -> None:
    (copy / MANIFEST).unlink()

    with pytest.raises(BundleError, match=r"no bundle here \(manifest\.json is missing\); name a folder"):
        Bundle.load(copy)


@pytest.mark.parametrize("name", PARTS)
def test_a_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()

    with pytest.raises(BundleError, match=rf"{name}: file check failed: missing; restore the file .* or retrain it"):
        Bundle.load(copy)


@pytest.mark.parametrize("name", PARTS)
def test_a_file_that_the_manifest_does_not_vouch_for_is_not_opened(copy: Path, name: str) -> None:
    files = bundle.verify(copy).model_dump()["files"]
    change_manifest(copy, files={other: record for other, record in files.items() if other != name})

    with pytest.raises(BundleError, match=rf"file check failed: the manifest names no {name}.* `moderation train`"):
        Bundle.load(copy)


def test_a_bundle_of_embeddings_alone_cannot_score(tmp_path: Path) -> None:
    embeddings = StaticEmbeddings.from_table(["word"], [[1.0]], [1.0])
    empty: dict[str, Any] = {"calibration": {}, "policy": {}, "corpora": {}, "figures": {}}
    bundle.write(tmp_path / "made", embeddings=embeddings, name="embeddings", version="0", **empty)

    assert load_embeddings(tmp_path / "made").n_dimensions == 1
    with pytest.raises(BundleError, match=r"the manifest names no abuse\.joblib, so this bundle cannot score"):
        Bundle.load(tmp_path / "made")


# --- what was altered


@pytest.mark.parametrize("load", [Bundle.load, load_embeddings, bundle.verify, Moderator.load])
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
    files["abuse.joblib"]["bytes"] += 1
    change_manifest(copy, files=files)

    with pytest.raises(BundleError, match=r"abuse\.joblib: size check failed"):
        Bundle.load(copy)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Invalid JSON"),
        ("{", "Invalid JSON"),
        ("[]", "an object"),
        ("{}", "Field required"),
        ('{"format": "one"}', "valid integer"),
        ('{"format": 1}', "Field required"),
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


@pytest.mark.parametrize("fields", [{"format": 2}, {"format": 0}, {"format": 2, "a_field_of_the_future": True}])
def test_another_format_is_named(copy: Path, fields: dict[str, Any]) -> None:
    change_manifest(copy, **fields)

    with pytest.raises(
        BundleError, match=r"format check failed: the bundle has format [02], .* reads format 1; retrain"
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
    (copy / name).unlink()
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
        SmallNetwork,
        {"a": "dict"},
    ],
    ids=[
        "addresses as an array",
        "an array's description",
        "an array of text",
        "another estimator",
        "a class",
        "a dict",
    ],
)
def test_what_is_no_part_of_a_bundle_is_refused(copy: Path, forged: object) -> None:
    (copy / "topic.joblib").unlink()
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


def test_parts_cannot_change_places(copy: Path) -> None:
    change(copy / "abuse.joblib", lambda _: (copy / "topic.joblib").read_bytes())
    vouch_for(copy, "abuse.joblib")

    with pytest.raises(
        BundleError, match=r"abuse\.joblib: class check failed: holds SmallNetwork instead of AbuseHead"
    ):
        Bundle.load(copy)
