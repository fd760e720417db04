"""Labelled comments: reading them, and recipes that say what they teach."""

from moderation.corpora.excerpts import excerpts
from moderation.corpora.labelled import LabelledComments, check_labelled, moved, read_corpora, read_labelled
from moderation.corpora.recipe import CorpusMap, CorpusSpec, LabelRule, Recipe

__all__ = [
    "CorpusMap",
    "CorpusSpec",
    "LabelRule",
    "LabelledComments",
    "Recipe",
    "check_labelled",
    "excerpts",
    "moved",
    "read_corpora",
    "read_labelled",
]
