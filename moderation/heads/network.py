"""A network small enough to be two matrix products, trained by scikit-learn."""

from __future__ import annotations

import warnings
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.utils import Tags
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from moderation.heads.binary import BinaryClassifier


class SmallNetwork(BinaryClassifier):
    """Two classes, one hidden layer of rectified linear units, a fixed number of passes over standardised features.

    Only the weights are kept; the standardisation is folded into them.

    Parameters
    ----------
    hidden : int
        Units of the hidden layer.
    alpha : float
        Strength of the ridge penalty.
    passes : int
        Over the samples.
    learning_rate : float
        Of Adam, at the start.
    batch_size : int
    random_state : int, RandomState or None

    Attributes
    ----------
    classes_ : ndarray, shape (2,)
    hidden_ : ndarray of float32, shape (n_features, hidden)
    hidden_bias_ : ndarray of float32, shape (hidden,)
    output_ : ndarray of float32, shape (hidden,)
    output_bias_ : float
    n_features_in_ : int

    Examples
    --------
    >>> from moderation.heads.network import SmallNetwork
    >>> network = SmallNetwork(passes=200, random_state=0).fit([[0.0], [0.1], [0.9], [1.0]], [0, 0, 1, 1])
    >>> network.predict([[0.0], [1.0]])
    array([0, 1])
    """

    def __init__(
        self,
        hidden: int = 32,
        alpha: float = 1e-4,
        passes: int = 8,
        learning_rate: float = 2e-3,
        batch_size: int = 512,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.hidden = hidden
        self.alpha = alpha
        self.passes = passes
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Learn.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
        y : array-like, shape (n_samples,)
            Two classes.
        sample_weight : array-like, shape (n_samples,), optional

        Raises
        ------
        ValueError
            If `y` holds other than two classes.
        """
        samples: NDArray[np.floating]
        samples, y = validate_data(self, X, y, dtype=[np.float32, np.float64])
        weight = _check_sample_weight(sample_weight, samples, dtype=samples.dtype)
        codes = self._encode(y, weight)
        mean, deviation = samples.mean(axis=0), samples.std(axis=0)
        varies = deviation > np.finfo(samples.dtype).eps * 10 * np.maximum(np.abs(mean), 1)
        scale = np.where(varies, deviation, 1)
        inner = self._train((samples - mean) / scale, codes, weight)
        first = inner.coefs_[0] * (varies / scale)[:, None]  # what never varied was not learned, and says nothing
        self.hidden_ = first.astype(np.float32)
        self.hidden_bias_ = (inner.intercepts_[0] - mean @ first).astype(np.float32)
        self.output_ = inner.coefs_[1][:, 0].astype(np.float32)
        self.output_bias_ = float(inner.intercepts_[1][0])
        return self

    def _train(self, X: NDArray[np.floating], codes: NDArray[np.intp], weight: NDArray[np.floating]) -> MLPClassifier:
        inner = MLPClassifier(
            hidden_layer_sizes=(self.hidden,),
            alpha=self.alpha,
            max_iter=self.passes,
            tol=0,
            learning_rate_init=self.learning_rate,
            batch_size=min(self.batch_size, len(X)),
            random_state=self.random_state,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the number of passes is chosen, not a limit
            return inner.fit(X, codes, sample_weight=weight)

    def decision_function(self, X: ArrayLike) -> NDArray[np.float32]:
        """Log-odds of the second class, shape (n_samples,)."""
        check_is_fitted(self)
        return self.log_odds(validate_data(self, X, dtype=[np.float32, np.float64], reset=False))

    def log_odds(self, X: NDArray[np.floating]) -> NDArray[np.float32]:
        """`decision_function` for features that are known to be sound."""
        return np.asarray(np.maximum(X @ self.hidden_ + self.hidden_bias_, 0) @ self.output_ + self.output_bias_)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.non_deterministic = self.random_state is None
        return tags
