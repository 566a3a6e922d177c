"""Impact by the flow route: how the mid answers signed volume and order-flow imbalance."""

from models.impact.flow.hasbrouck import RESPONSES, HasbrouckFit, fit_hasbrouck
from models.impact.flow.imbalance import ImbalanceFit, JointFit, fit_imbalance, fit_joint
from models.impact.flow.kyle import FlowFit, Shrunk, WindowFits, fit_permanent, fit_windows, shrink
from models.impact.flow.permanent import PermanentImpact, permanent_impact

__all__ = [
    "RESPONSES",
    "FlowFit",
    "HasbrouckFit",
    "ImbalanceFit",
    "JointFit",
    "PermanentImpact",
    "Shrunk",
    "WindowFits",
    "fit_hasbrouck",
    "fit_imbalance",
    "fit_joint",
    "fit_permanent",
    "fit_windows",
    "permanent_impact",
    "shrink",
]
