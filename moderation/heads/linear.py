"""Logistic regression on features weighted by how much each speaks for a class."""

from __future__ import annotations

import warnings
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.utils import Tags
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from moderation.heads.binary import BinaryClassifier


class NaiveBayesLogistic(BinaryClassifier):
    """Logistic regression on features times their naive Bayes log-count ratio, for two classes.

    The weights are folded into `coef_`, so predicting costs what any linear model costs.
    Source: Wang and Manning, "Baselines and Bigrams: Simple, Good Sentiment and Topic Classification", ACL 2012.

    Parameters
    ----------
    C : float
        Inverse strength of the ridge penalty.
    smoothing : float
        Added to each feature's sum in either class before the ratio is taken.
    max_iter : int
    tol : float

    Attributes
    ----------
    classes_ : ndarray, shape (2,)
    coef_ : ndarray of float, shape (n_features,)
    intercept_ : float
    n_features_in_ : int

    Examples
    --------
    >>> from moderation.heads.linear import NaiveBayesLogistic
    >>> NaiveBayesLogistic().fit([[2, 0], [1, 0], [0, 1], [0, 3]], ["calm", "calm", "rude", "rude"]).predict([[0, 2]])
    array(['rude'], dtype='<U4')
    """

    def __init__(self, C: float = 2.0, smoothing: float = 1.0, max_iter: int = 200, tol: float = 1e-5) -> None:
        self.C = C
        self.smoothing = smoothing
        self.max_iter = max_iter
        self.tol = tol

    def fit(self, X: ArrayLike | csr_matrix, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Learn from counts or weighted counts; of a negative value the size counts.

        Parameters
        ----------
        X : array-like or csr_matrix, shape (n_samples, n_features)
        y : array-like, shape (n_samples,)
            Two classes.
        sample_weight : array-like, shape (n_samples,), optional

        Raises
        ------
        ValueError
            If `y` holds other than two classes.
        """
        samples: csr_matrix  # or an array
        samples, y = validate_data(self, X, y, accept_sparse="csr", dtype=[np.float32, np.float64])
        weight = _check_sample_weight(sample_weight, samples, dtype=samples.dtype)
        codes = self._encode(y, weight)
        ratio = self._log_count_ratio(samples, codes == 1, weight).astype(samples.dtype)
        used = np.unique(samples.indices) if hasattr(samples, "tocsr") else np.arange(samples.shape[1])
        chosen = samples[:, used]  # a hashed table is mostly empty where texts are few
        scaled = chosen.multiply(ratio[used]).tocsr() if hasattr(chosen, "tocsr") else chosen * ratio[used]
        inner = LogisticRegression(C=self.C, max_iter=self.max_iter, tol=self.tol)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the last steps move no score that anybody would see
            inner.fit(scaled, codes, sample_weight=weight)
        self.coef_ = np.zeros(samples.shape[1], dtype=samples.dtype)
        self.coef_[used] = inner.coef_[0] * ratio[used]
        self.intercept_ = float(inner.intercept_[0])
        self.n_iter_ = int(inner.n_iter_[0])
        return self

    def _log_count_ratio(
        self, X: NDArray[np.float64] | csr_matrix, positive: NDArray[np.bool_], weight: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        shares = []
        for chosen in (positive, ~positive):
            mass = abs(X).T @ (weight * chosen) + self.smoothing
            shares.append(mass / mass.sum())
        return np.asarray(np.log(shares[0] / shares[1]))

    def decision_function(self, X: ArrayLike | csr_matrix) -> NDArray[np.float64]:
        """Log-odds of the second class, shape (n_samples,)."""
        check_is_fitted(self)
        samples: csr_matrix = validate_data(self, X, accept_sparse="csr", dtype=[np.float32, np.float64], reset=False)
        return np.asarray(samples @ self.coef_ + self.intercept_)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
