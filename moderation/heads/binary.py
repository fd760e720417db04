"""What the classifiers of two classes share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted


class BinaryClassifier(ClassifierMixin, BaseEstimator):
    """Predictions from the `decision_function` that a subclass has, and the check of targets for its `fit`.

    Attributes
    ----------
    classes_ : ndarray, shape (2,)
    """

    classes_: NDArray[Any]

    def _encode(self, y: ArrayLike, weight: NDArray[np.floating]) -> NDArray[np.intp]:
        """Learn the two classes and number them 0 and 1."""
        check_classification_targets(y)
        kind = type_of_target(y, input_name="y")
        if kind != "binary":
            raise ValueError(f"Only binary classification is supported. The type of the target is {kind}.")
        self.classes_, codes = np.unique(np.asarray(y), return_inverse=True)
        if len(np.unique(codes[weight > 0])) < 2:
            raise ValueError(f"Classifier needs two classes; the data holds only one class: {self.classes_[0]!r}")
        return codes

    def decision_function(self, X: ArrayLike) -> NDArray[np.floating]:
        """Log-odds of the second class, shape (n_samples,)."""
        raise NotImplementedError

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Probability of either class, shape (n_samples, 2)."""
        second = 1 / (1 + np.exp(-self.decision_function(X).astype(np.float64)))
        return np.column_stack([1 - second, second])

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The likelier class of each sample, shape (n_samples,)."""
        check_is_fitted(self)
        return np.asarray(self.classes_[(self.decision_function(X) > 0).astype(int)])

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags
