"""What lies in ``models/<name>/``: joblib files and the manifest that vouches for them.

Nothing is unpickled before the manifest's checks have passed, and then only classes on the allow-list are made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Final, Self, TypeVar

import joblib
import numpy as np
import sklearn
from joblib.numpy_pickle import NumpyArrayWrapper, NumpyUnpickler
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from moderation.errors import BundleError
from moderation.heads.abuse import TONE_SHARE, AbuseHead
from moderation.heads.calibration import LabelCalibration, Line
from moderation.heads.lexical import LexicalHead
from moderation.heads.pairs import FEATURE_NAMES
from moderation.heads.tone import ToneHead
from moderation.heads.topic import TopicHead
from moderation.labels import LABELS, OFF_TOPIC
from moderation.policy import Policy
from moderation.text.embeddings import StaticEmbeddings

_T = TypeVar("_T")

FORMAT_VERSION: Final = 3
MANIFEST: Final = "manifest.json"
_EMBEDDINGS, _TONE, _LEXICAL, _TOPIC = "embeddings.joblib", "tone.joblib", "lexical.joblib", "topic.joblib"

# Module and name of everything a bundle may hold; anything else is refused before it is made.
_ALLOWED: Final = {
    "joblib.numpy_pickle": {"NumpyArrayWrapper"},
    "moderation.heads.lexical": {"LexicalHead"},
    "moderation.heads.aside": {"AsideHead"},
    "moderation.heads.network": {"SmallNetwork"},
    "moderation.heads.topic": {"TopicHead"},
    "moderation.heads.tone": {"ToneHead"},
    "moderation.text.embeddings": {"StaticEmbeddings", "ScopedEmbeddings"},
    "moderation.text.ngrams": {"NgramTfidf"},
    "numpy": {"dtype", "ndarray"},
}
_DISTRUST: Final = "do not use this file, get the bundle anew from whom you trust"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FileRecord(_Frozen):
    """Size in bytes and SHA-256 of one file of a bundle."""

    bytes: int
    sha256: str


class CorpusRecord(_Frozen):
    """A corpus that taught the bundle: its terms, and how many rows taught which label."""

    licence: str
    terms: str
    labels: dict[str, int]


class LineRecord(_Frozen):
    """See `moderation.heads.calibration.Line`."""

    slope: float
    offset: float


class CalibrationRecord(LineRecord):
    """See `moderation.heads.calibration.LabelCalibration`."""

    rate: float
    balanced: LineRecord | None = None
    perspective: LineRecord | None = None

    @classmethod
    def of(cls, calibration: LabelCalibration) -> Self:
        """Write a calibration down."""
        return cls.model_validate(asdict(calibration))

    def restored(self) -> LabelCalibration:
        """The calibration that was written down."""
        lines = {
            name: Line(**line.model_dump())
            for name, line in (("balanced", self.balanced), ("perspective", self.perspective))
            if line
        }
        return LabelCalibration(self.slope, self.offset, self.rate, **lines)


class _Format(BaseModel):
    """What every manifest says, whatever else later formats add."""

    format: int


class Manifest(_Frozen):
    """All that is known of a bundle without opening its joblib files."""

    format: int = FORMAT_VERSION
    name: str
    version: str
    scikit_learn: str
    labels: list[str]
    tone_share: float = TONE_SHARE
    calibration: dict[str, CalibrationRecord]
    policy: dict[str, dict[str, float]]
    corpora: dict[str, CorpusRecord]
    figures: dict[str, dict[str, float]]
    files: dict[str, FileRecord]

    @model_validator(mode="after")
    def _labels_must_be_known_and_calibrated(self) -> Self:
        if unknown := sorted({*self.labels, *self.policy} - set(LABELS)):
            raise ValueError(f"no such label: {', '.join(unknown)}")
        if sorted(self.calibration) != sorted(self.labels):
            raise ValueError("labels and calibration do not name the same labels")
        return self


@dataclass(frozen=True, slots=True)
class Distilled:
    """What a transformer taught, which other bundles can take over.

    Attributes
    ----------
    embeddings : StaticEmbeddings
        What texts are about.
    tone : ToneHead
        How they sound.
    """

    embeddings: StaticEmbeddings
    tone: ToneHead


@dataclass(frozen=True, slots=True)
class Bundle:
    """Everything that scoring needs.

    Attributes
    ----------
    manifest : Manifest
    embeddings : StaticEmbeddings
    abuse : AbuseHead
    topic : TopicHead or None
        None where the recipe taught no off-topic head.
    """

    manifest: Manifest
    embeddings: StaticEmbeddings
    abuse: AbuseHead
    topic: TopicHead | None

    @property
    def model(self) -> str:
        """Name and version, as answers carry it."""
        return f"{self.manifest.name} {self.manifest.version}"

    @property
    def lines(self) -> dict[str, LabelCalibration]:
        """Calibration per label."""
        return {label: entry.restored() for label, entry in self.manifest.calibration.items()}

    @property
    def policy(self) -> Policy:
        """The thresholds that came with the bundle, on site probabilities."""
        return Policy.from_dict(self.manifest.policy)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Verify a bundle, then map it into memory.

        Raises
        ------
        BundleError
            Says which check failed and what to do.
        """
        manifest = verify(folder)
        _check_complete(folder, manifest)
        topic = _unpickle(folder / _TOPIC, TopicHead) if OFF_TOPIC in manifest.labels else None
        distilled = _distilled(folder, mapped=True)
        abuse = AbuseHead(_unpickle(folder / _LEXICAL, LexicalHead), distilled.tone, manifest.tone_share)
        if topic is not None and (expected := topic.network_.n_features_in_) != len(FEATURE_NAMES):
            raise BundleError(
                f"{folder}: feature check failed: the off-topic head expects {expected} features, this version "
                f"computes {len(FEATURE_NAMES)}; retrain the bundle or install the version that made it"
            )
        if manifest.labels != [*abuse.labels, *([OFF_TOPIC] if topic else [])]:
            raise BundleError(
                f"{folder}: label check failed: the manifest names {', '.join(manifest.labels)}, the heads give "
                f"{', '.join(abuse.labels)}; restore the bundle from where it came from, or retrain it"
            )
        return cls(manifest, distilled.embeddings, abuse, topic)


def load_distilled(folder: Path) -> Distilled:
    """Take out of a bundle what others can take over.

    Raises
    ------
    BundleError
        As `Bundle.load`.
    """
    _check_vouched(folder, verify(folder), {_EMBEDDINGS, _TONE}, "holds nothing to take over")
    return _distilled(folder, mapped=False)


def load_embeddings(folder: Path) -> StaticEmbeddings:
    """Take the embeddings alone, on which another tone can be taught.

    Raises
    ------
    BundleError
        As `Bundle.load`.
    """
    _check_vouched(folder, verify(folder), {_EMBEDDINGS}, "holds no embeddings")
    return _unpickle(folder / _EMBEDDINGS, StaticEmbeddings, mapped=False)


def _distilled(folder: Path, *, mapped: bool) -> Distilled:
    embeddings = _unpickle(folder / _EMBEDDINGS, StaticEmbeddings, mapped=mapped)
    tone = _unpickle(folder / _TONE, ToneHead, mapped=mapped)
    if tone.n_dimensions != embeddings.n_dimensions:
        raise BundleError(
            f"{folder}: feature check failed: the tone head expects embeddings of {tone.n_dimensions} dimensions, but "
            f"they have {embeddings.n_dimensions}; teach the tone anew, on these embeddings"
        )
    return Distilled(embeddings, tone)


def write(
    folder: Path,
    *,
    distilled: Distilled,
    lexical: LexicalHead | None = None,
    topic: TopicHead | None = None,
    **facts: Any,
) -> Manifest:
    """Write a bundle into an empty or new folder.

    Parameters
    ----------
    folder : Path
    distilled : Distilled
    lexical : LexicalHead, optional
        Without it, it is a bundle that others take `distilled` from.
    topic : TopicHead, optional
    **facts
        The other fields of `Manifest`, save format, scikit_learn, labels and files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    parts: Mapping[str, Any] = {
        _EMBEDDINGS: distilled.embeddings,
        _TONE: distilled.tone,
        _LEXICAL: lexical,
        _TOPIC: topic,
    }
    for name, part in parts.items():
        if part is not None:
            joblib.dump(part, folder / name, compress=0)
    names = [name for name, part in parts.items() if part is not None]
    manifest = Manifest(
        scikit_learn=sklearn.__version__,
        labels=[*(lexical.labels if lexical else ()), *([OFF_TOPIC] if topic else [])],
        files={name: _record(folder / name) for name in names},
        **facts,
    )
    _write_manifest(folder, manifest)
    return manifest


def add_figures(folder: Path, figures: Mapping[str, Mapping[str, float]]) -> None:
    """Write down in a bundle's manifest how good it was found to be."""
    manifest = _read_manifest(folder)
    measured = {**manifest.figures, **{name: dict(values) for name, values in figures.items()}}
    _write_manifest(folder, manifest.model_copy(update={"figures": measured}))


def verify(folder: Path) -> Manifest:
    """Check all that can be checked without unpickling: manifest, versions, sizes, SHA-256.

    Raises
    ------
    BundleError
        Says which check failed and what to do.
    """
    manifest = _read_manifest(folder)
    _check_scikit_learn(folder, manifest.scikit_learn)
    for name, record in manifest.files.items():
        _check_file(folder / name, record)
    return manifest


def _write_manifest(folder: Path, manifest: Manifest) -> None:
    (folder / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")


def _read_manifest(folder: Path) -> Manifest:
    path = folder / MANIFEST
    if not path.is_file():
        raise BundleError(
            f"{folder}: no bundle here ({MANIFEST} is missing); name a folder that `moderation train` wrote"
        )
    try:
        found = path.read_bytes()
        _check_format(folder, _Format.model_validate_json(found).format)
        return Manifest.model_validate_json(found)
    except (ValidationError, UnicodeDecodeError) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise BundleError(f"{path}: manifest check failed: {reason}; restore the file or retrain the bundle") from error


def _check_format(folder: Path, found: int) -> None:
    if found != FORMAT_VERSION:
        raise BundleError(
            f"{folder}: format check failed: the bundle has format {found}, this version reads format "
            f"{FORMAT_VERSION}; retrain it with `moderation train` or install the version that made it"
        )


def _check_scikit_learn(folder: Path, trained_with: str) -> None:
    """Estimators are not promised to survive a change of scikit-learn's minor version."""
    if sklearn.__version__.split(".")[:2] != trained_with.split(".")[:2]:
        minor = ".".join(trained_with.split(".")[:2])
        raise BundleError(
            f"{folder}: scikit-learn check failed: the bundle was trained with {trained_with}, installed is "
            f"{sklearn.__version__}; install scikit-learn {minor} or retrain with `moderation train`"
        )


def _check_file(path: Path, record: FileRecord) -> None:
    advice = "restore the file from where the bundle came from, or retrain it"
    if not path.is_file():
        raise BundleError(f"{path}: file check failed: missing; {advice}")
    found = _record(path)
    if found.bytes != record.bytes:
        raise BundleError(f"{path}: size check failed: {found.bytes} bytes instead of {record.bytes}; {advice}")
    if found.sha256 != record.sha256:
        raise BundleError(f"{path}: SHA-256 check failed: the file was altered; {advice}")


def _check_complete(folder: Path, manifest: Manifest) -> None:
    needed = {_EMBEDDINGS, _TONE, _LEXICAL, *([_TOPIC] if OFF_TOPIC in manifest.labels else [])}
    _check_vouched(folder, manifest, needed, "cannot score")


def _check_vouched(folder: Path, manifest: Manifest, needed: set[str], otherwise: str) -> None:
    """A file that the manifest does not vouch for is never opened."""
    if missing := sorted(needed - set(manifest.files)):
        raise BundleError(
            f"{folder}: file check failed: the manifest names no {missing[0]}, so this bundle {otherwise}; "
            "name one that `moderation train` wrote"
        )


def _record(path: Path) -> FileRecord:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return FileRecord(bytes=path.stat().st_size, sha256=digest)


class _NumberArray(NumpyArrayWrapper):
    """An array of numbers; one of objects would be addresses in memory, or a pickle whose classes nobody checks."""

    def read(self, unpickler: NumpyUnpickler, *options: bool) -> Any:
        if self.dtype.kind not in "biuf":
            raise BundleError(
                f"{unpickler.filename}: class check failed: {self.dtype} array may not stand in a bundle; {_DISTRUST}"
            )
        return np.asarray(super().read(unpickler, *options))  # a view without what makes np.memmap slow


class _AllowListUnpickler(NumpyUnpickler):
    substitutes: ClassVar = {
        ("joblib.numpy_pickle", "NumpyArrayWrapper"): _NumberArray,
        ("numpy", "ndarray"): object,  # named by every array that joblib wrote, but called by none
    }

    def find_class(self, module: str, name: str) -> Any:
        if name not in _ALLOWED.get(module, ()):
            raise BundleError(
                f"{self.filename}: class check failed: {module}.{name} may not stand in a bundle; {_DISTRUST}"
            )
        return self.substitutes.get((module, name)) or super().find_class(module, name)


def _unpickle(path: Path, kind: type[_T], *, mapped: bool = True) -> _T:
    """Load a part; mapped, its arrays stay in the file and processes share them, but it cannot be written again."""
    with path.open("rb") as file:
        mode = "r" if mapped else None
        try:
            part = _AllowListUnpickler(str(path), file, ensure_native_byte_order=False, mmap_mode=mode).load()
        except BundleError:
            raise
        except Exception as error:  # a pickle that nobody made in good faith may raise anything
            raise BundleError(f"{path}: class check failed: {error}; {_DISTRUST}") from error
    if type(part) is not kind:
        raise BundleError(f"{path}: class check failed: holds {type(part).__name__} instead of {kind.__name__}")
    return part
