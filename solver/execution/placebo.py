"""A control: a policy that decides on another book than the one that its order meets."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from solver.execution.policy import Child, Learned, Learning, Seen


@dataclass(frozen=True)
class Blind:
    """A learning policy that is shown, in place of the present book, one drawn from the `back`
    moments before it; its orders carry no limit, so that the present book plays no part.

    Whatever it saves does not come of the book that it trades in.
    """

    policy: Learning
    back: int
    seed: int

    @property
    def every(self) -> int:
        """How many moments what it learned is kept."""
        return self.policy.every

    def learned(self, seen: Seen) -> Blindfold:
        """What the policy learns, to decide on other books."""
        return Blindfold(self.policy.learned(seen), self.back, self.seed)


@dataclass(frozen=True)
class Blindfold:
    """What was learned, deciding on a book drawn from the `back` moments before the present one."""

    policy: Learned
    back: int
    seed: int

    @property
    def first(self) -> int:
        """The moment of the lesson."""
        return self.policy.first

    def decide(self, seen: Seen) -> Child:
        """The shares that the other book asks for, at any price; none where there was no other."""
        past, before = seen.past, len(seen.past.spread) - 1
        if before < 1:
            return Child(0.0)
        draw = np.random.default_rng([self.seed, seen.moment])
        place = int(draw.integers(max(before - self.back, 0), before))
        other = replace(
            seen,
            over=past.over[place],
            size=past.size[place],
            spread=float(past.spread[place]),
            tilt=float(past.tilt[place]),
        )
        return Child(self.policy.decide(other).shares)
