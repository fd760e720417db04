"""The scikit-learn estimators behind the scores."""
