"""In which language a comment is written: English, unless there is real evidence of another."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from py3langid.langid import MODEL_FILE, LanguageIdentifier

DEFAULT: Final = "en"
LANGUAGES: Final = (
    *("am", "ar", "bg", "bn", "ca", "cs", "da", "de", "el", "en", "es", "et", "fa", "fi", "fr", "gu", "he", "hi", "hr"),
    *("hu", "hy", "id", "it", "ja", "ka", "km", "kn", "ko", "lo", "lt", "lv", "ml", "mr", "my", "nl", "no", "pa", "pl"),
    *("pt", "ro", "ru", "si", "sk", "sl", "sr", "sv", "ta", "te", "th", "tl", "tr", "uk", "ur", "vi", "zh"),
)
"""ISO 639-1 codes of the languages that are told apart; with each more, more short English looks like one of them."""

MARGIN: Final = 20.0
"""Log-odds against English that a comment in Latin letters needs to be in another language; docs/experiments.md."""

_CHARACTERS: Final = 2048
"""So many say as much as all."""

_NO_LANGUAGE = re.compile(r"(?:https?://|www\.|[@#])\S*|[\u200b-\u200f\u2060\ufeff]")
_REPEATED = re.compile(r"(\S{1,4}?)\1{2,}")  # laughter and cries: "hahahaha", "aaaargh"
_LATIN = re.compile(r"[a-zß-öø-ɏḁ-ỿ]")
_SPACED_LETTER = re.compile(r"[a-z]")  # "i d i o t"
_DISGUISED = re.compile(r"[a-z][\u0370-\u052f]|[\u0370-\u052f][a-z]")  # a Latin word with Greek or Cyrillic letters


@dataclass(frozen=True, slots=True)
class LanguageDetector:
    """Tells the language of short comments, with a prior for English.

    Naive Bayes over byte n-grams (langid.py: Lui and Baldwin 2012), in the model that py3langid comes with. Where most
    words have Latin letters, another language needs odds against English above `MARGIN`, which slang, misspellings,
    names and borrowed words do not reach; where most have none, the comment is not English. May be used by several
    threads at once.

    Examples
    --------
    >>> detector = LanguageDetector.load()
    >>> [detector.detect(text) for text in ("yo hamburger", "12:30 :-)", "das ist doch gar nicht wahr", "это неправда")]
    ['en', 'en', 'de', 'ru']
    """

    _identifier: LanguageIdentifier

    @classmethod
    def load(cls) -> Self:
        """Load the n-gram model, which takes half a second and from then on 80 MB of memory."""
        identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
        identifier.set_languages(LANGUAGES)
        return cls(identifier)

    def detect(self, text: str) -> str:
        """Code of the language of a text, one of `LANGUAGES`; `DEFAULT` where nothing tells."""
        latin, other = _words(text)
        return self._best(other, 0.0) if len(other) > len(latin) else self._best(latin, MARGIN)

    def _best(self, words: Sequence[str], margin: float) -> str:
        ranked = self._identifier.rank(" ".join(words))
        language, score = ranked[0]
        return language if score - dict(ranked)[DEFAULT] > margin else DEFAULT


def _words(text: str) -> tuple[list[str], list[str]]:
    """Words with Latin letters and words without; links, mentions and disguises belong to no language."""
    folded = unicodedata.normalize("NFKC", text[:_CHARACTERS])[:_CHARACTERS].lower()
    words = _REPEATED.sub(r"\1\1", _NO_LANGUAGE.sub(" ", folded)).split()
    telling = [word for word in words if not (_SPACED_LETTER.fullmatch(word) or _DISGUISED.search(word))]
    latin = [word for word in telling if _LATIN.search(word)]
    other = [word for word in telling if not _LATIN.search(word) and any(map(str.isalpha, word))]
    return latin, other
