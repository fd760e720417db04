"""What the heads see of a text: its tokens and its embedding, computed once and shared by all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags

from moderation.text.embeddings import StaticEmbeddings, row_lengths, scaled
from moderation.text.tokens import TokenBatch, tokenise


@dataclass(frozen=True, slots=True)
class TextFeatures:
    """A batch of texts, ready for the heads.

    Attributes
    ----------
    tokens : TokenBatch
    vectors : ndarray of float32, shape (n_texts, n_dimensions)
        Unit embeddings.
    lengths : ndarray of float32, shape (n_texts,)
        Of the sums of word vectors before they were scaled to 1.
    rarity : ndarray of float32, shape (n_words,)
        Inverse document frequency of each word of `tokens`.
    """

    tokens: TokenBatch
    vectors: NDArray[np.float32]
    lengths: NDArray[np.float32]
    rarity: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.tokens)


class Featuriser(TransformerMixin, BaseEstimator):
    """Texts to `TextFeatures`; the first step of every head's pipeline.

    Parameters
    ----------
    embeddings : StaticEmbeddings
    """

    def __init__(self, embeddings: StaticEmbeddings) -> None:
        self.embeddings = embeddings

    def fit(self, X: Sequence[str], y: object = None) -> Featuriser:  # noqa: ARG002
        """Do nothing: the embeddings are given."""
        return self

    def transform(self, X: Sequence[str] | TokenBatch) -> TextFeatures:
        """Tokenise and embed a batch."""
        return self.embed(X if isinstance(X, TokenBatch) else tokenise(X))

    def embed(self, tokens: TokenBatch) -> TextFeatures:
        """Do what `transform` does, without what scikit-learn does around it."""
        sums = self.embeddings.sums(tokens)
        lengths = row_lengths(sums)
        return TextFeatures(tokens, scaled(sums, lengths), lengths, self.embeddings.rarity(tokens))

    def contributions(self, tokens: TokenBatch) -> NDArray[np.float32]:
        """What each word adds to its text's row of `TextFeatures.vectors`, shape (n_words, n_dimensions)."""
        sums = self.embeddings.sums(tokens)
        lengths = np.repeat(row_lengths(sums), tokens.counts)
        return scaled(self.embeddings.of_words(tokens), lengths)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.requires_fit = False
        return tags
