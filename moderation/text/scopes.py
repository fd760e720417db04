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

from moderation.text.hashing import hash_list, places_of
from moderation.text.reader import CLOSES, MARKED, OPENS
from moderation.text.vocabulary import Words

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

_ENDS_CLAUSE: Final = 1
_CLAUSE_END: Final = frozenset(b'.!?;:,()"')
_BITS = np.array([1 << bit for bit in range(len(SCOPES))], dtype=np.uint8)
_UNTIL = np.array([scope.before + 1 for scope in SCOPES])
_AFTER = np.array([scope.after for scope in SCOPES])
_IN_CLAUSE = np.array([scope.in_clause for scope in SCOPES])


def mark(batch: TokenBatch) -> NDArray[np.uint8]:
    """Mark each word with the scopes that it stands in.

    Returns
    -------
    ndarray of uint8, shape (n_words,)
        Bit i is set in ``SCOPES[i]``, bit `QUOTED` between quotation marks.
    """
    at, scope = _cues(batch)
    first, last = _surroundings(batch, at, scope)
    quotations = _quotations(batch)
    lines = np.concatenate([scope, np.full(quotations.shape[1], QUOTED)])
    opens = np.concatenate([np.maximum(at - _AFTER[scope], first), quotations[0]])
    ends = np.concatenate([np.minimum(at + _UNTIL[scope], last), quotations[1]])
    covered = _covered(lines, opens, ends, len(batch.numbers))
    covered[scope, at] -= 1  # a cue does not reach itself
    return np.asarray(np.packbits(covered > 0, axis=0, bitorder="little")[0])


def cues_among(hashes: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Of which scopes each word is a cue: bit i is set for ``SCOPES[i]``; shape (n_words,)."""
    known, kinds = _cue_table()
    found = places_of(hashes, known)
    return np.where(found >= 0, kinds[found], np.uint8(0))


@cache
def _cue_table() -> tuple[NDArray[np.uint64], NDArray[np.uint8]]:
    kinds: dict[int, int] = {}
    for bit, scope in enumerate(SCOPES):
        for value in hash_list(scope.cues).tolist():
            kinds[value] = kinds.get(value, 0) | 1 << bit
    known = sorted(kinds)
    return np.array(known, dtype=np.uint64), np.array([kinds[value] for value in known], dtype=np.uint8)


def _kinds(words: Words) -> NDArray[np.uint8]:
    return cues_among(words.hashes)


def _cues(batch: TokenBatch) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Words that are cues, once for each scope that they open, and these scopes."""
    kinds = batch.look_up(_kinds)
    words = kinds.nonzero()[0]
    which, scope = (kinds[words, None] & _BITS).nonzero()
    return words[which], scope


def _surroundings(
    batch: TokenBatch, at: NDArray[np.intp], scope: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First word that the cue of a scope may reach, and the one behind the last: those of its clause or its text."""
    ends = batch.runs[batch.punctuation & _ENDS_CLAUSE > 0]
    clauses = np.concatenate([batch.places.searchsorted(ends), batch.indptr])
    clauses.sort()
    clause, text = clauses.searchsorted(at, "right"), batch.indptr.searchsorted(at, "right")
    narrow = _IN_CLAUSE[scope]
    first = np.where(narrow, clauses[clause - 1], batch.indptr[text - 1])
    return first, np.where(narrow, clauses[clause], batch.indptr[text])


def punctuation(words: Words) -> NDArray[np.intp]:
    """Of runs of punctuation: twice the number of double quotation marks, and one for what ends a clause."""
    kinds = [2 * run.count(b'"') + (not _CLAUSE_END.isdisjoint(run)) for run in words.spellings]
    return np.array(kinds, dtype=np.intp)


def _quotations(batch: TokenBatch) -> NDArray[np.intp]:
    """First word of each quotation, and the first behind it; shape (2, n_quotations)."""
    counts = batch.punctuation >> 1
    double, single = counts.nonzero()[0], (batch.kinds & MARKED).nonzero()[0]
    if len(double) + len(single) < 2:
        return np.zeros((2, 0), dtype=np.intp)
    quoted = [_double_quoted(batch, batch.runs[double], counts[double]), _single_quoted(batch, single)]
    return batch.places.searchsorted(np.concatenate(quoted, axis=1))


def _double_quoted(batch: TokenBatch, runs: NDArray[np.intp], counts: NDArray[np.intp]) -> NDArray[np.intp]:
    """Runs with a double quotation mark by which a quotation is open, each with the next one."""
    texts = batch.bounds.searchsorted(runs, "right")
    so_far = counts.cumsum()
    before = (so_far - counts)[texts.searchsorted(texts)]  # marks in other texts
    opens = ((so_far - before)[:-1] % 2 == 1) & (texts[1:] == texts[:-1])
    return np.stack([runs[:-1][opens], runs[1:][opens]])


def _single_quoted(batch: TokenBatch, runs: NDArray[np.intp]) -> NDArray[np.intp]:
    """Runs with a single quotation mark that opens a word, each with the next one if that does not."""
    texts, kinds = batch.bounds.searchsorted(runs, "right"), batch.kinds[runs]
    closed = (kinds[:-1] & OPENS > 0) & (kinds[1:] & CLOSES > 0) & (texts[1:] == texts[:-1])
    return np.stack([runs[:-1][closed], runs[1:][closed]])


def _covered(
    lines: NDArray[np.intp], opens: NDArray[np.intp], ends: NDArray[np.intp], n_words: int
) -> NDArray[np.intp]:
    """How many ranges of words ``opens:ends`` hold each word, by line; shape (N_MARKS, n_words)."""
    places = lines * (n_words + 1)
    size = N_MARKS * (n_words + 1)
    steps = np.bincount(places + opens, minlength=size) - np.bincount(places + ends, minlength=size)
    return steps.cumsum().reshape(N_MARKS, n_words + 1)[:, :-1]
