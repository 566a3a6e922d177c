"""Covariances robust to clusters, the bootstrap of blocks, and what a fit says against itself."""

from models.inference.bootstrap import Bootstrap, block_bootstrap
from models.inference.caveat import ONE_SIDED, Caveat
from models.inference.covariance import ClusterSums, Covariance, Influence, clustered, jackknifed
from models.inference.joint import joined, one_step_bootstrap, slope_influence
from models.inference.leave_out import changes_without, slopes_without

__all__ = [
    "ONE_SIDED",
    "Bootstrap",
    "Caveat",
    "ClusterSums",
    "Covariance",
    "Influence",
    "block_bootstrap",
    "changes_without",
    "clustered",
    "jackknifed",
    "joined",
    "one_step_bootstrap",
    "slope_influence",
    "slopes_without",
]
