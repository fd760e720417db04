"""Where the time of one comment goes, module by module."""

from __future__ import annotations

from collections import Counter
from cProfile import Profile
from pathlib import Path
from pstats import Stats
from typing import Any, Final

from moderation import Comment, Moderator

_PACKAGE: Final = str(Path(__file__).parent.parent / "moderation")
_Function = tuple[str, int, str]


def shares(moderator: Moderator, comments: list[Comment]) -> dict[str, float]:
    """Share of the time that each module of the package takes for comments that are scored one by one.

    What a function of another package takes is put down to the module that called it. Functions that are called often
    and do little seem longer than they are: the profiler itself takes time at each call.
    """
    moderator.score(comments[:1])
    with Profile() as profile:
        for comment in comments:
            moderator.score([comment])
    return by_module(Stats(profile).stats, _PACKAGE)  # type: ignore[attr-defined]


def by_module(stats: dict[_Function, Any], package: str) -> dict[str, float]:
    """Shares of all time by module of a package, largest first.

    Parameters
    ----------
    stats : dict
        Of `pstats.Stats`: by function, calls, own time, time with what it calls, and its callers with the same figures.
    package : str
        Folder of the package.
    """
    known: dict[_Function, Counter[str]] = {}
    total: Counter[str] = Counter()
    for function, (_, _, own, _, _) in stats.items():
        for module, share in _owners(function, stats, package, known).items():
            total[module] += own * share
    whole = sum(total.values())
    return {module: value / whole for module, value in total.most_common()}


def _owners(
    function: _Function, stats: dict[_Function, Any], package: str, known: dict[_Function, Counter[str]]
) -> Counter[str]:
    """Which modules of the package a function works for: its own, or those of its callers by the time they gave it."""
    if function in known:
        return known[function]
    known[function] = Counter()  # a function that calls itself adds nothing
    if function[0].startswith(package):
        path = Path(function[0]).relative_to(package).with_suffix("")
        known[function] = Counter({".".join(path.parts): 1.0})
        return known[function]
    callers = stats[function][4]
    whole = sum(figures[3] for figures in callers.values()) or 1.0
    found: Counter[str] = Counter()
    for caller, figures in callers.items():
        for module, share in _owners(caller, stats, package, known).items():
            found[module] += share * figures[3] / whole
    known[function] = found
    return found
