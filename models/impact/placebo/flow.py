"""Placebos of the flow route: flows of other times, and mids that no flow moves."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.impact.flow.hasbrouck import fit_hasbrouck
from models.impact.flow.kyle import fit_permanent, newey_west_lags
from models.impact.placebo.replicates import Estimates
from models.impact.placebo.shuffles import shuffle_blocks, shuffle_signs

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class FlowSample:
    """Periods in time order: mid change, signed volume, best imbalance, session; (n,) each."""

    change: Floats
    volume: Floats
    imbalance: Floats
    session: Ints


def estimate_flow(sample: FlowSample) -> Estimates:
    """Return Kyle's slope, the long-run response and the slope on imbalance.

    Raises: ValueError when too few periods are known.
    Source: `fit_permanent`, `fit_hasbrouck`.
    """
    kyle, best = (fit_permanent(sample.change, flow) for flow in (sample.volume, sample.imbalance))
    response = fit_hasbrouck(sample.change, sample.volume, sample.session)
    return Estimates(
        ("kyle", "permanent", "imbalance"),
        np.array([kyle.estimate, response.permanent, best.estimate]),
        np.array([kyle.standard_error, response.standard_error, best.standard_error]),
    )


def shuffled_flow(sample: FlowSample, rng: np.random.Generator) -> Estimates:
    """Estimate with the signs of both flows in random order within the session."""
    return estimate_flow(
        replace(
            sample,
            volume=shuffle_signs(sample.volume, sample.session, rng),
            imbalance=shuffle_signs(sample.imbalance, sample.session, rng),
        )
    )


def scrambled_flow(sample: FlowSample, rng: np.random.Generator) -> Estimates:
    """Estimate with flows of other times of the session, in blocks of the errors' window."""
    length = newey_west_lags(len(sample.change)) + 1
    order = shuffle_blocks(sample.session, length, rng)
    return estimate_flow(
        replace(sample, volume=sample.volume[order], imbalance=sample.imbalance[order])
    )


def planted_flow(sample: FlowSample, rng: np.random.Generator) -> Estimates:
    """Estimate with mid changes that are noise, as large as those measured."""
    return estimate_flow(
        replace(sample, change=np.abs(sample.change) * rng.standard_normal(len(sample.change)))
    )
