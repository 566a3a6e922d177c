"""Parameters of the controls: what a forecast says, said of other periods."""

import numpy as np

from pipeline.parameters.schema import Params, SymbolParams

STATES = ("volatility", "liquidity", "spread")  # of a period, exchanged together


def shuffled(params: Params, seed: int) -> Params:
    """Return the parameters with every symbol's states drawn from its periods in another order."""
    draw = np.random.default_rng(seed)
    symbols = {name: _shuffled(one, draw) for name, one in params.symbols.items()}
    return params.model_copy(update={"symbols": symbols})


def _shuffled(symbol: SymbolParams, draw: np.random.Generator) -> SymbolParams:
    order = draw.permutation(len(symbol.periods))
    periods = tuple(
        one.model_copy(update={name: getattr(symbol.periods[place], name) for name in STATES})
        for one, place in zip(symbol.periods, order, strict=True)
    )
    return symbol.model_copy(update={"periods": periods})
