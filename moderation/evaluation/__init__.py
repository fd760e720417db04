"""How good a moderator is, and whether that is as good as was wanted."""

from moderation.evaluation.plan import EvaluationMap
from moderation.evaluation.reach import Figure, figures_of
from moderation.evaluation.run import FUNCTIONAL_STEP, Evaluation, evaluate

__all__ = ["FUNCTIONAL_STEP", "Evaluation", "EvaluationMap", "Figure", "evaluate", "figures_of"]
