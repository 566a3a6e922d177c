"""The plain forecasts' seasonal mean by hand."""

import numpy as np

from models.forecast.intraday.moving import seasonal_baseline


def test_seasonal_baseline_by_hand():
    nan = np.nan
    history = np.array([[1.0, 3.0, nan, 5.0], [7.0, nan, 2.0, 9.0], [0.0, 0.0, 0.0, 0.0]])
    expected = [[nan, 1.0, 2.0, 2.0], [1.0, 3.0, nan, 5.0], [4.0, 3.0, 2.0, 7.0]]
    np.testing.assert_array_equal(seasonal_baseline(history), expected)
