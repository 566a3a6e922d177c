"""Impact by the flow route: how the mid answers signed volume and order-flow imbalance."""

from models.impact.flow.bounded import (
    BoundedImpact,
    Projection,
    bounded_impact,
    error_correlation,
    projected,
)
from models.impact.flow.hasbrouck import RESPONSES, HasbrouckFit, fit_hasbrouck
from models.impact.flow.imbalance import ImbalanceFit, JointFit, fit_imbalance, fit_joint
from models.impact.flow.immediate import ImmediateFit, fit_immediate
from models.impact.flow.kyle import FlowFit, Shrunk, WindowFits, fit_permanent, fit_windows, shrink
from models.impact.flow.permanent import PermanentImpact, permanent_impact
from models.impact.flow.state_response import (
    FlowWindows,
    StateComparison,
    compare_state,
    flow_windows,
    joined,
    told_from_before,
)
from models.impact.flow.trades import ImmediateSums, TradeTape, immediate_sums

__all__ = [
    "RESPONSES",
    "BoundedImpact",
    "FlowFit",
    "FlowWindows",
    "HasbrouckFit",
    "ImbalanceFit",
    "ImmediateFit",
    "ImmediateSums",
    "JointFit",
    "PermanentImpact",
    "Projection",
    "Shrunk",
    "StateComparison",
    "TradeTape",
    "WindowFits",
    "bounded_impact",
    "compare_state",
    "error_correlation",
    "fit_hasbrouck",
    "fit_imbalance",
    "fit_immediate",
    "fit_joint",
    "fit_permanent",
    "fit_windows",
    "flow_windows",
    "immediate_sums",
    "joined",
    "permanent_impact",
    "projected",
    "shrink",
    "told_from_before",
]
