"""What the abuse heads say of a text, found one word and one n-gram after the other: the arrays are held to it.

Written to be read, not to be fast. It takes over from the package what normalisation leaves of a text, and the weights.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from moderation.bundle import Bundle
from moderation.heads.lexical import LexicalHead
from moderation.heads.tone import ToneHead
from moderation.text.embeddings import StaticEmbeddings
from moderation.text.normalise import normalise
from moderation.text.scopes import NEGATED, QUOTED, SCOPES, Scope

_LETTERS: Final = rb"[a-z0-9\x80-\xff]+"
_WORD: Final = re.compile(rb"%b(?:'%b)*" % (_LETTERS, _LETTERS))
_LETTER: Final = re.compile(_LETTERS)
_QUOTATION: Final = re.compile(rb'"[^"]*"')
_APOSTROPHE: Final = re.compile(rb"'")
_CLAUSE_END: Final = re.compile(rb'[.!?;:,()"]')
_CUES: Final = [frozenset(scope.cues.encode().split()) for scope in SCOPES]
_64_BITS: Final = 2**64
_SCOPES_OF_NGRAMS: Final = (SCOPES.index(NEGATED), QUOTED)


@dataclass(frozen=True, slots=True)
class Word:
    """One word, where it starts and ends, and what stands behind it before the next."""

    letters: bytes
    start: int
    end: int
    behind: bytes


@dataclass(frozen=True, slots=True)
class Text:
    """A normalised text and its words."""

    raw: bytes
    words: tuple[Word, ...]

    @classmethod
    def read(cls, typed: str) -> Text:
        raw = normalise([typed])[0].encode()
        found = list(_WORD.finditer(raw))
        ends = [*(match.start() for match in found), len(raw)][1:]
        words = (Word(m[0], m.start(), m.end(), raw[m.end() : end]) for m, end in zip(found, ends, strict=True))
        return cls(raw, tuple(words))

    def scopes(self) -> list[list[int]]:
        """The scopes that each word stands in."""
        found: list[list[int]] = [[] for _ in self.words]
        for bit, cues in enumerate(_CUES):
            places = [at for at, word in enumerate(self.words) if word.letters in cues]
            for at, scopes in enumerate(found):
                if any(self._reaches(SCOPES[bit], cue, at) for cue in places if cue != at):
                    scopes.append(bit)
        for word, scopes in zip(self.words, found, strict=True):
            if self._is_quoted(word.start):
                scopes.append(QUOTED)
        return found

    def _reaches(self, scope: Scope, cue: int, at: int) -> bool:
        if not -scope.after <= at - cue <= scope.before:
            return False
        between = b"".join(word.behind for word in self.words[min(cue, at) : max(cue, at)])
        return not (scope.in_clause and _CLAUSE_END.search(between))

    def _is_quoted(self, place: int) -> bool:
        double = any(quoted.start() < place < quoted.end() for quoted in _QUOTATION.finditer(self.raw))
        return double or (b"'" in self.raw and self._is_single_quoted(place))

    def _is_single_quoted(self, place: int) -> bool:
        marks = [mark.start() for mark in _APOSTROPHE.finditer(self.raw) if not self._in_word(mark.start())]
        opening = [self._letter(at + 1) and not self._letter(at - 1) for at in marks]
        quotations = zip(pairwise(marks), pairwise(opening), strict=True)
        return any(first < place < last and kinds == (True, False) for (first, last), kinds in quotations)

    def _in_word(self, at: int) -> bool:
        return any(word.start < at < word.end for word in self.words)

    def _letter(self, at: int) -> bool:
        return at >= 0 and _LETTER.match(self.raw[at : at + 1]) is not None


def abuse(bundle: Bundle, typed: str) -> NDArray[np.float64]:
    """Raw log-odds of each label of the abuse head, shape (n_labels,)."""
    text, head = Text.read(typed), bundle.abuse
    found = _lexical(head.lexical, text)
    heard = _tone(head.tone, bundle.embeddings, text)
    for at, label in enumerate(head.labels):
        if label in head.tone.labels_:
            said = heard[head.tone.labels_.index(label)]
            found[at] = (1 - head.tone_share) * found[at] + head.tone_share * said
    return found


def _lexical(head: LexicalHead, text: Text) -> NDArray[np.float64]:
    words = [_column(value, head.ngrams_.word_bits, 64) for value in _word_ngrams(text)]
    windows = [value for word in text.words for value in _windows(word.letters, head.ngrams_.char_sizes)]
    characters = [_column(value, head.ngrams_.char_bits, 32) + 2**head.ngrams_.word_bits for value in windows]
    return _unit_sum(head.table_, words) + _unit_sum(head.table_, characters) + head.intercepts_


def _column(value: int, bits: int, width: int) -> int:
    return value >> (width - bits)


def _unit_sum(table: NDArray[np.float32], rows: Sequence[int]) -> NDArray[np.float64]:
    """Sum of the rows over the root of their last column's sum."""
    total = table[list(rows)].sum(axis=0, dtype=np.float64)
    return np.asarray(total[:-1] / np.sqrt(total[-1])) if rows else np.zeros(len(total) - 1)


def _word_ngrams(text: Text) -> Iterator[int]:
    """Hashes of words, pairs, words in scopes, punctuation, words with punctuation."""
    hashes = [_hash(word.letters) for word in text.words]
    yield from hashes
    yield from (_mix(first + (second << 1)) for first, second in pairwise(hashes))
    for word, value, scopes in zip(text.words, hashes, text.scopes(), strict=True):
        yield from (_mix(value ^ (bit + 1)) for bit in scopes if bit in _SCOPES_OF_NGRAMS)
        if runs := word.behind.split():
            marks = _hash(runs[-1])
            yield from (_mix(marks), _mix(_mix(marks) + (value << 1)))


def _hash(letters: bytes) -> int:
    return _mix(sum(letter * pow(0x100000001B3, place % 64, _64_BITS) for place, letter in enumerate(letters)))


def _mix(value: int) -> int:
    mixed = value * 0x9E3779B97F4A7C15 % _64_BITS
    return mixed ^ (mixed >> 29)


def _windows(word: bytes, sizes: Sequence[int]) -> Iterator[int]:
    padded = b" " + word + b" "
    for size in sizes:
        for start in range(len(padded) - size + 1):
            value = 0
            for letter in padded[start : start + size]:
                value = (value * 0x01000193 + letter) % 2**32
            yield (value ^ size) * 0x9E3779B1 % 2**32


def _tone(head: ToneHead, embeddings: StaticEmbeddings, text: Text) -> NDArray[np.float64]:
    meaning = sum((_vector(embeddings, word) for word in text.words), np.zeros(embeddings.n_dimensions))
    sums = np.zeros((2 + QUOTED, head.words_.n_dimensions))
    for word, scopes in zip(text.words, text.scopes(), strict=True):
        sums[[0, *(1 + bit for bit in scopes)]] += _vector(head.words_, word) / np.sqrt(len(text.words))
    inputs = np.concatenate([meaning / (np.linalg.norm(meaning) or 1), sums.ravel()])
    return np.asarray(np.maximum(inputs @ head.hidden_ + head.hidden_bias_, 0) @ head.output_ + head.output_bias_)


def _vector(embeddings: StaticEmbeddings, word: Word) -> NDArray[np.float64]:
    """The vector of a word, zeros for an unknown one."""
    value = _hash(word.letters)
    row = int(np.searchsorted(embeddings.hashes_, np.uint64(value)))
    if row == len(embeddings.hashes_) or int(embeddings.hashes_[row]) != value:
        return np.zeros(embeddings.n_dimensions)
    return np.asarray(embeddings.codes_[row] * np.float64(embeddings.scales_[row]))
