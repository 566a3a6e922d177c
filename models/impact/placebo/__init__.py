"""How often each route finds impact in data in which there is none."""

from models.impact.placebo.book import estimate_states, planted_states, scrambled_states
from models.impact.placebo.flow import (
    FlowSample,
    estimate_flow,
    planted_flow,
    scrambled_flow,
    shuffled_flow,
)
from models.impact.placebo.orders import (
    estimate_impact,
    planted_orders,
    random_sides,
    shuffled_orders,
)
from models.impact.placebo.replicates import Estimates, Estimator, Finding, Placebo, run_placebo

__all__ = [
    "Estimates",
    "Estimator",
    "Finding",
    "FlowSample",
    "Placebo",
    "estimate_flow",
    "estimate_impact",
    "estimate_states",
    "planted_flow",
    "planted_orders",
    "planted_states",
    "random_sides",
    "run_placebo",
    "scrambled_flow",
    "scrambled_states",
    "shuffled_flow",
    "shuffled_orders",
]
