"""The estimating equations behind the cost law: Gamma quasi-score with a log link."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from solver.problem.impact_law import ImpactLaw

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
SHAPE = ("k", "beta", "theta")
LARGEST_BETA = 50.0  # over mean volatility: cost is all but proportional to volatility


@dataclass(frozen=True, eq=False)
class QuasiScore:
    """mu = exp(log_alpha_b + k log_size + theta log_thinness) (1 + beta volatility), fitted to
    walk costs.

    Cells that follow each other in one state are a run: all but the sums of cost / size^k over it
    is done once a run.
    Shapes: log_size and cost (n,); starts (r,), where each run begins; the rest (r,). bucket:
    0..levels-1, all present with some cost. fixed: values of those of k, beta, theta that are not
    estimated. day: label of each run's day, where days are known; levelled: each day has a level of
    its own beside the buckets', which is solved at every point and multiplies mu. weight: of each
    run in every sum, (r,), 1 without.

    A point is (levels..., free...). Where beta is free its place holds omega instead: mu is
    exp(level) at the lowest volatility, exp(level + omega) at the highest and linear between. Every
    omega is admissible, and its score does not fade where cost is proportional to volatility, as
    beta's does.
    """

    log_size: Floats
    cost: Floats
    starts: Ints
    bucket: Ints
    levels: int
    volatility: Floats
    log_thinness: Floats
    cluster: Ints
    fixed: Mapping[str, float]
    day: Ints | None = None
    levelled: bool = False
    weight: Floats | None = None

    @property
    def free(self) -> tuple[str, ...]:
        """Return the names that are estimated beside the levels."""
        return tuple(name for name in SHAPE if name not in self.fixed)

    @cached_property
    def by_day(self) -> tuple[Ints, int]:
        """Return each run's day from 0, (r,), and the number of days."""
        assert self.day is not None  # levels are of days that are known
        labels, code = np.unique(self.day, return_inverse=True)
        return code, len(labels)

    @cached_property
    def kept(self) -> Ints:
        """Return the places of a point that are solved for: where days have levels all but the
        fullest bucket's, which theirs take the place of.
        """
        every = np.arange(self.levels + len(self.free))
        return np.delete(every, np.bincount(self.bucket).argmax()) if self.levelled else every

    @cached_property
    def run(self) -> Ints:
        """Return every cell's run, shape (n,)."""
        return np.repeat(
            np.arange(len(self.starts)), np.diff(self.starts, append=len(self.log_size))
        )

    @cached_property
    def _rank(self) -> Floats:
        low, high = self.volatility.min(), self.volatility.max()
        return (self.volatility - low) / (high - low)

    @cached_property
    def _sizes(self) -> tuple[Floats, Floats, Floats]:
        """Return by run the weighted number of cells and sums of log size and of its square."""
        number = self._by_run(np.ones(len(self.log_size)))
        return number, self._by_run(self.log_size), self._by_run(self.log_size**2)

    def _by_run(self, value: Floats) -> Floats:
        total = np.add.reduceat(value, self.starts)
        return total if self.weight is None else total * self.weight

    @property
    def cell_weight(self) -> Floats:
        """Return every cell's weight, shape (n,)."""
        weight = np.ones(len(self.starts)) if self.weight is None else self.weight
        return np.asarray(weight[self.run])

    def place(self, name: str) -> int:
        """Return where a free name stands in a point."""
        return self.levels + self.free.index(name)

    def exponent(self, point: Floats) -> float:
        """Return k."""
        return float(point[self.place("k")]) if "k" in self.free else self.fixed["k"]

    def state(self, point: Floats) -> Floats:
        """Return mu / size^k, the law's scale in each run's state, shape (r,)."""
        theta = point[self.place("theta")] if "theta" in self.free else self.fixed["theta"]
        level = np.exp(point[self.bucket] + theta * self.log_thinness)
        beta, volatility = self.fixed.get("beta", 0.0), self.volatility
        if "beta" in self.free:  # linear in the rank of volatility
            beta, volatility = float(np.expm1(point[self.place("beta")])), self._rank
        return ImpactLaw(level, self.exponent(point), beta, volatility=volatility).scale

    def lift(self, point: Floats) -> Floats:
        """Return the levels of days, the means of cost over mu, by run, (r,)."""
        day, days = self.by_day
        number = self._sizes[0]
        rate = self._by_run(self.cost * np.exp(-self.exponent(point) * self.log_size))
        total = np.bincount(day, rate / self.state(point), days)
        return np.asarray((total / np.bincount(day, number, days))[day])

    def with_mean_levels(self, point: Floats) -> Floats:
        """Return the point with levels at which cost over mu is 1 on average in every bucket."""
        rate = self._by_run(self.cost * np.exp(-self.exponent(point) * self.log_size))
        ratio = np.bincount(self.bucket, rate / self.state(point))
        moved = point.copy()
        moved[: self.levels] += np.log(ratio / np.bincount(self.bucket, self._sizes[0]))
        return moved

    def fitted(self, point: Floats) -> Floats:
        """Return mu with the levels of days, shape (n,)."""
        lift = self.lift(point)[self.run] if self.levelled else 1.0
        return self.mean(point) * lift

    def mean(self, point: Floats) -> Floats:
        """Return mu, shape (n,)."""
        return self.state(point)[self.run] * np.exp(self.exponent(point) * self.log_size)

    def columns(self, point: Floats) -> dict[str, Floats]:
        """Return the derivatives of log mu in the free parameters that are the same all through a
        run, (r,).
        """
        columns = {}
        if "beta" in self.free:
            omega = point[self.place("beta")]
            columns["beta"] = np.exp(omega) * self._rank / (1 + np.expm1(omega) * self._rank)
        if "theta" in self.free:
            columns["theta"] = self.log_thinness
        return columns

    def gradient(self, point: Floats) -> Floats:
        """Return the derivative of log mu, shape (n, p)."""
        gradient = np.zeros((len(self.log_size), len(point)))
        gradient[np.arange(len(self.run)), self.bucket[self.run]] = 1.0
        for name, column in self.columns(point).items():
            gradient[:, self.place(name)] = column[self.run]
        if "k" in self.free:
            gradient[:, self.place("k")] = self.log_size
        return gradient

    def gathered(self, point: Floats, residual: Floats, group: Ints, groups: int) -> Floats:
        """Return the sums by group of residual times the derivative of log mu, (groups, p);
        residual: (n,).
        """
        return self._gathered(
            self.columns(point),
            self._by_run(residual),
            self._by_run(residual * self.log_size),
            group,
            groups,
        )

    def equations(self, point: Floats, group: Ints, groups: int) -> tuple[Floats, Floats]:
        """Return the scores summed by group, (groups, p), and their derivative at given levels of
        days, (groups, p, p); group: (r,).
        """
        return self._equations(point, group, groups, self.lift(point) if self.levelled else 1.0)

    def plain_equations(self, point: Floats, group: Ints, groups: int) -> tuple[Floats, Floats]:
        """Return the same without levels of days."""
        return self._equations(point, group, groups, 1.0)

    def _equations(
        self, point: Floats, group: Ints, groups: int, lift: Floats | float
    ) -> tuple[Floats, Floats]:
        k, state, (number, logs, _) = self.exponent(point), self.state(point) * lift, self._sizes
        rate = self.cost * np.exp(-k * self.log_size)
        ratio, along = self._by_run(rate) / state, self._by_run(rate * self.log_size) / state
        columns = self.columns(point)
        scores = self._gathered(columns, ratio - number, along - logs, group, groups)
        moves = (-along, along, -self._by_run(rate * self.log_size**2) / state)
        slopes = self._crossed(columns, ratio, moves, group, groups)
        if "beta" in self.free:
            column = columns["beta"]
            slopes[:, self.place("beta"), self.place("beta")] += np.bincount(
                group, column * (1 - column) * (ratio - number), groups
            )
        return scores, slopes

    def information(self, point: Floats, group: Ints, groups: int) -> Floats:
        """Return the sums by group of the outer products of the derivative of log mu, (groups, p,
        p).
        """
        number, logs, squares = self._sizes
        return -self._crossed(self.columns(point), number, (-logs, logs, -squares), group, groups)

    def _gathered(
        self, columns: Mapping[str, Floats], total: Floats, along: Floats, group: Ints, groups: int
    ) -> Floats:
        sums = np.zeros((groups, self.levels + len(self.free)))
        sums[:, : self.levels] = self._by_level(total, group, groups)
        for name, column in columns.items():
            sums[:, self.place(name)] = np.bincount(group, column * total, groups)
        if "k" in self.free:
            sums[:, self.place("k")] = np.bincount(group, along, groups)
        return sums

    def _by_level(self, value: Floats, group: Ints, groups: int) -> Floats:
        sums = np.bincount(group * self.levels + self.bucket, value, groups * self.levels)
        return sums.astype(np.float64, copy=False).reshape(groups, -1)

    def _crossed(
        self,
        columns: Mapping[str, Floats],
        total: Floats,
        moves: tuple[Floats, Floats, Floats],
        group: Ints,
        groups: int,
    ) -> Floats:
        """Return minus the sums of total times columns crossed; moves: stand for total in k's
        column, row and corner.

        The levels meet no cell together, so that their block is diagonal and everything is a count
        by group.
        """
        size, levels = self.levels + len(self.free), np.arange(self.levels)
        sums = np.zeros((groups, size, size))
        sums[:, levels, levels] = -self._by_level(total, group, groups)
        for name, column in columns.items():
            place = self.place(name)
            sums[:, place, levels] = sums[:, levels, place] = -self._by_level(
                column * total, group, groups
            )
            for other, values in columns.items():
                sums[:, place, self.place(other)] = -np.bincount(
                    group, column * values * total, groups
                )
        if "k" in self.free:
            across, along, corner = moves
            place = self.place("k")
            sums[:, levels, place] = self._by_level(across, group, groups)
            sums[:, place, levels] = -self._by_level(along, group, groups)
            for name, column in columns.items():
                sums[:, self.place(name), place] = np.bincount(group, column * across, groups)
                sums[:, place, self.place(name)] = -np.bincount(group, column * along, groups)
            sums[:, place, place] = np.bincount(group, corner, groups)
        return sums

    def natural(self, point: Floats) -> tuple[Floats, Floats]:
        """Return (log_alpha..., free...) with beta itself, and its derivative in the point."""
        natural, jacobian = point.copy(), np.eye(len(point))
        if "beta" not in self.free:
            return natural, jacobian
        place, low, high = self.place("beta"), self.volatility.min(), self.volatility.max()
        growth = np.exp(point[place]) / (high - low)
        rise = np.expm1(point[place]) / (high - low)
        still = 1 - rise * low  # cost without volatility, over that at the lowest
        largest = LARGEST_BETA / self.volatility.mean()
        if rise < largest * still:
            natural[place], jacobian[place, place] = rise / still, growth / still**2
            jacobian[: self.levels, place] = -growth * low / still
        else:  # cost rises at least in proportion to volatility
            still = rise / largest
            natural[place], jacobian[place, place] = largest, 0.0
            jacobian[: self.levels, place] = growth / rise
        natural[: self.levels] += np.log(still)
        return natural, jacobian
