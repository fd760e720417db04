"""The abuse head: what a comment's own text says, for all its labels at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from moderation.heads.linear import NaiveBayesLogistic
from moderation.heads.network import SmallNetwork
from moderation.labels import TEXT_LABELS
from moderation.text.features import TextFeatures
from moderation.text.ngrams import NgramTfidf


class AbuseHead(BaseEstimator):
    """Two views of a text, averaged: n-grams seen by linear models, embeddings seen by small networks.

    Each label is learned only from the texts for which it is defined, by scikit-learn's own classifiers. Their weights
    are then laid side by side, so that one sparse and two dense products give all labels.

    Parameters
    ----------
    labels : tuple of str
    ngrams : NgramTfidf
    linear : NaiveBayesLogistic
    network : SmallNetwork
    network_share : float
        Weight of the network's log-odds in the average, in [0, 1].

    Attributes
    ----------
    ngrams_ : NgramTfidf
    table_ : ndarray of float32, shape (n_columns, n_labels + 1)
        Linear weights with IDF folded in, see `NgramTfidf.folded`.
    intercepts_ : ndarray of float32, shape (n_labels,)
    hidden_ : ndarray of float32, shape (n_dimensions, n_labels * n_hidden)
    hidden_bias_ : ndarray of float32, shape (n_labels * n_hidden,)
    output_ : ndarray of float32, shape (n_labels, n_hidden)
    output_bias_ : ndarray of float32, shape (n_labels,)
    """

    def __init__(
        self,
        labels: tuple[str, ...] = TEXT_LABELS,
        ngrams: NgramTfidf | None = None,
        linear: NaiveBayesLogistic | None = None,
        network: SmallNetwork | None = None,
        network_share: float = 0.4,
    ) -> None:
        self.labels = labels
        self.ngrams = ngrams
        self.linear = linear
        self.network = network
        self.network_share = network_share

    def fit(
        self,
        X: TextFeatures,
        Y: NDArray[np.float64],
        sample_weight: NDArray[np.float64] | None = None,
        on_label: Callable[[str], None] = lambda _: None,
    ) -> Self:
        """Learn every label.

        Parameters
        ----------
        X : TextFeatures
        Y : ndarray of float, shape (n_texts, n_labels)
            Share of people who would give the label, in [0, 1]; NaN where the label is not defined for a text.
        sample_weight : ndarray of float, shape (n_texts, n_labels), optional
        on_label : callable
            Told each label before it is learned.

        Raises
        ------
        ValueError
            If a label has no positive or no negative text.
        """
        weights = np.ones_like(Y) if sample_weight is None else sample_weight
        self.ngrams_ = clone(self.ngrams if self.ngrams is not None else NgramTfidf()).fit(X.tokens)
        matrix = self.ngrams_.transform(X.tokens)
        view = self.linear if self.linear is not None else NaiveBayesLogistic()
        network = self.network if self.network is not None else SmallNetwork(alpha=0.3, random_state=0)
        linear, networks = [], []
        for column, label in enumerate(self.labels):
            on_label(label)
            rows, target, weight = harden(Y[:, column], weights[:, column], label)
            linear.append(clone(view).fit(matrix[rows], target, sample_weight=weight))
            networks.append(clone(network).fit(X.vectors[rows], target, sample_weight=weight))
        self._join(linear, networks)
        return self

    def _join(self, linear: list[NaiveBayesLogistic], networks: list[SmallNetwork]) -> None:
        self.table_ = self.ngrams_.folded(np.stack([model.coef_ for model in linear], axis=1))
        self.intercepts_ = np.array([model.intercept_ for model in linear], dtype=np.float32)
        self.hidden_ = np.concatenate([model.hidden_ for model in networks], axis=1)
        self.hidden_bias_ = np.concatenate([model.hidden_bias_ for model in networks])
        self.output_ = np.stack([model.output_ for model in networks])
        self.output_bias_ = np.array([model.output_bias_ for model in networks], dtype=np.float32)

    def decision_function(self, X: TextFeatures) -> NDArray[np.float32]:
        """Log-odds of each label before calibration, shape (n_texts, n_labels)."""
        check_is_fitted(self)
        from_ngrams = self.ngrams_.project(X.tokens, self.table_) + self.intercepts_
        hidden = np.maximum(X.vectors @ self.hidden_ + self.hidden_bias_, 0).reshape(len(X), *self.output_.shape)
        from_network = np.einsum("ijk,jk->ij", hidden, self.output_) + self.output_bias_
        return np.asarray((1 - self.network_share) * from_ngrams + self.network_share * from_network)

    def predict_proba(self, X: TextFeatures) -> NDArray[np.float32]:
        """Uncalibrated probability of each label, shape (n_texts, n_labels)."""
        return np.asarray(1 / (1 + np.exp(-self.decision_function(X))))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.target_tags.required = True
        return tags


def harden(
    shares: NDArray[np.float64], weights: NDArray[np.float64], label: str
) -> tuple[NDArray[np.intp], NDArray[np.bool_], NDArray[np.float64]]:
    """Turn shares of votes into a binary target with weights.

    A text with share .7 becomes a positive of weight .7 and a negative of weight .3, which for the logistic loss is
    the same as the share itself.

    Returns
    -------
    rows, target, weights : ndarrays
        Row numbers of the texts, possibly twice; their targets; their weights, which are all above 0.
    """
    known = ~np.isnan(shares) & (weights > 0)
    positive = np.flatnonzero(known & (shares > 0))
    negative = np.flatnonzero(known & (shares < 1))
    if not len(positive) or not len(negative):
        missing = "positive" if not len(positive) else "negative"
        raise ValueError(f"{label} cannot be learned: no {missing} text")
    rows = np.concatenate([positive, negative])
    target = np.arange(len(rows)) < len(positive)
    mass = np.concatenate([shares[positive], 1 - shares[negative]]) * weights[rows]
    order = np.argsort(rows, kind="stable")
    return rows[order], target[order], mass[order]
