"""What the columns of a tape must be before they are measured."""

import numpy as np


def check_columns(tape: object, *groups: tuple[str, ...]) -> None:
    """Check that each group's fields are one length, the first of them times that do not decrease.

    Raises: ValueError naming the field.
    """
    for names in groups:
        first = np.shape(getattr(tape, names[0]))
        for name in names:
            shape = np.shape(getattr(tape, name))
            if shape != first or len(shape) != 1:
                raise ValueError(
                    f"{name}: shape {shape}, {names[0]} has {first}; both must be one (n,)"
                )
        if (np.diff(getattr(tape, names[0])) < 0).any():
            raise ValueError(f"{names[0]}: must not decrease")
