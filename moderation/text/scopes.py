"""What stands around a word and turns its meaning: a negation, quotation marks, who speaks, who is addressed, a group.

A bag of words cannot see that nobody was called an idiot in "I would never call you an idiot". Marking words that stand
in the scope of such a cue is the classical remedy for negation (Das and Chen 2001; Pang, Lee and Vaithyanathan 2002);
here it serves whatever turns abuse into talk about abuse.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from moderation.text.hashing import hash_list

if TYPE_CHECKING:  # tokens asks for its marks here
    from moderation.text.tokens import TokenBatch


@dataclass(frozen=True, slots=True)
class Scope:
    """Cues, and how many words around one they reach.

    Parameters
    ----------
    cues : str
        Words, separated by blanks.
    before, after : int
        How far in front of a word, and how far behind it, a cue still counts.
    in_clause : bool
        Whether a comma or full stop ends the scope.
    """

    cues: str
    before: int
    after: int
    in_clause: bool = True


NEGATED: Final = Scope(
    "not no never nobody none nothing neither nor without cannot can't cant don't dont doesn't doesnt didn't "
    "didnt isn't isnt aren't arent wasn't wasnt weren't werent won't wont wouldn't wouldnt shouldn't shouldnt "
    "couldn't couldnt haven't hasn't hadn't ain't aint hardly refuse refuses refused stop stopped deny denies "
    "denied against disagree wrong false untrue rather instead",
    before=7,
    after=0,
)
REPORTED: Final = Scope(
    "call calls called calling say says said saying word words term phrase slur slurs insult insults label "
    "labelled labeled chant chanted chanting shout shouted shouts shouting yell yelled write writes wrote tweet "
    "tweeted post posted quote quoted claim claims claimed comment comments headline sign graffiti name names "
    "accused police court arrested charged convicted film novel book song character",
    before=5,
    after=3,
    in_clause=False,
)
OF_SPEAKER: Final = Scope("i i'm im i've ive i'd i'll me my mine myself we we're our us ourselves", before=4, after=0)
OF_ADDRESSEE: Final = Scope(
    "you you're youre your yours yourself you've youve you'll youll you'd u ur ya y'all yall", before=3, after=3
)
NEAR_GROUP: Final = Scope(
    "muslim muslims islam islamic jew jews jewish christian christians catholic catholics protestant protestants "
    "hindu hindus sikh sikhs buddhist buddhists atheist atheists mormon mormons evangelicals black blacks white "
    "whites asian asians arab arabs latino latinos latina latinas hispanic hispanics african africans american "
    "americans indian indians pakistani pakistanis bangladeshi chinese japanese korean koreans vietnamese mexican "
    "mexicans polish poles pole romanian romanians russian russians ukrainian ukrainians turk turks turkish kurd "
    "kurds israeli israelis palestinian palestinians nigerian nigerians somali somalis syrian syrians afghan "
    "afghans iranian iranians iraqi iraqis german germans french irish italian italians greek greeks roma gypsies "
    "traveller travellers aboriginal aborigines native indigenous woman women girl girls female females man men "
    "boy boys male males gay gays lesbian lesbians bisexual bisexuals trans transgender transsexual transsexuals "
    "queer queers homosexual homosexuals heterosexual straight nonbinary lgbt lgbtq disabled disability autistic "
    "deaf blind wheelchair epileptic dyslexic handicapped old elderly pensioner pensioners teenager teenagers "
    "teenage young boomers millennials immigrant immigrants migrant migrants refugee refugees foreigner "
    "foreigners asylum seekers minorities minority race religion ethnic",
    before=4,
    after=4,
)
SCOPES: Final = (NEGATED, REPORTED, OF_SPEAKER, OF_ADDRESSEE, NEAR_GROUP)
QUOTED: Final = len(SCOPES)
"""Bit of what stands inside quotation marks."""
N_MARKS: Final = len(SCOPES) + 1
"""One bit a scope, and one for what stands inside quotation marks."""

_CLAUSE_END = np.zeros(256, dtype=bool)
_CLAUSE_END[[*b'.!?;:,()"\x1e']] = True


def mark(batch: TokenBatch) -> NDArray[np.uint8]:
    """Mark each word with the scopes that it stands in.

    Returns
    -------
    ndarray of uint8, shape (n_words,)
        Bit i is set in ``SCOPES[i]``, bit `QUOTED` between quotation marks.
    """
    cues = cues_among(batch.hashes)
    at = np.arange(len(cues))
    texts = np.repeat(batch.indptr[:-1], batch.counts), np.repeat(batch.indptr[1:], batch.counts)
    clauses = _clauses(batch)
    marks = _quoted(batch).astype(np.uint8) << np.uint8(QUOTED)
    for bit, scope in enumerate(SCOPES):
        first, last = clauses if scope.in_clause else texts
        cue = (cues >> np.uint8(bit)) & np.uint8(1)
        until = np.concatenate([[0], np.cumsum(cue)])
        low, high = np.maximum(at - scope.before, first), np.minimum(at + scope.after + 1, last)
        found = until[high] - until[low] > cue
        marks |= found.astype(np.uint8) << np.uint8(bit)
    return marks


def cues_among(hashes: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Of which scopes each word is a cue: bit i is set for ``SCOPES[i]``; shape (n_words,)."""
    known, kinds = _cue_table()
    found = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
    return np.where(known[found] == hashes, kinds[found], np.uint8(0))


@cache
def _cue_table() -> tuple[NDArray[np.uint64], NDArray[np.uint8]]:
    kinds: dict[int, int] = {}
    for bit, scope in enumerate(SCOPES):
        for value in hash_list(scope.cues).tolist():
            kinds[value] = kinds.get(value, 0) | 1 << bit
    known = sorted(kinds)
    return np.array(known, dtype=np.uint64), np.array([kinds[value] for value in known], dtype=np.uint8)


def _clauses(batch: TokenBatch) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First word of each word's clause, and the one behind its last."""
    numbers = np.cumsum(_CLAUSE_END[batch.text])[batch.starts]
    return np.searchsorted(numbers, numbers, "left"), np.searchsorted(numbers, numbers, "right")


def _quoted(batch: TokenBatch) -> NDArray[np.bool_]:
    """Which words stand behind an opening quotation mark that is closed later in the same text."""
    before = np.cumsum(batch.text == ord('"'))
    bounds, counts = batch.bounds, batch.counts
    number = before[batch.starts] - np.repeat(before[bounds[:-1]], counts)
    total = np.repeat(before[bounds[1:]] - before[bounds[:-1]], counts)
    return np.asarray((number % 2 == 1) & (number < total)) | _single_quoted(batch)


def _single_quoted(batch: TokenBatch) -> NDArray[np.bool_]:
    """Which words stand between a mark that opens a word and the next, which opens none."""
    text, inside = batch.text, batch.inside
    marks = np.flatnonzero(((text == ord("'")) & ~inside) | (text == ord("\x1e")))
    single = text[marks] == ord("'")
    opens = single & inside[np.minimum(marks + 1, len(text) - 1)] & ~inside[marks - 1]
    last = np.searchsorted(marks, batch.starts) - 1
    return np.asarray(opens[last] & (single & ~opens)[last + 1])
