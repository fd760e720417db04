"""How well comments that belong elsewhere are told from those in their place, beside simpler and costlier ways."""

from moderation.evaluation.topic.contexts import InContext
from moderation.evaluation.topic.cost import Cost, measure_cost
from moderation.evaluation.topic.rivals import rivals
from moderation.evaluation.topic.row import TopicRow, measure_row
from moderation.evaluation.topic.transformer import Transformer, installed_transformer

__all__ = [
    "Cost",
    "InContext",
    "TopicRow",
    "Transformer",
    "installed_transformer",
    "measure_cost",
    "measure_row",
    "rivals",
]
