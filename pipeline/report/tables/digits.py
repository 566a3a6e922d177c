"""How the report writes numbers: in the digits that their errors allow, a dash where unknown."""

import math

import pandas as pd

MISSING = "–"
SMALLEST_POWER = -4  # of ten that is written out in zeros
LEAST_MONEY = 0.1  # below it cents say too little
DIGITS_WITHOUT_ERROR = 4
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float, digits: int = 4) -> str:
    """Return a number in that many significant digits, with thousands separated.

    A tiny one is written m × 10ⁿ, a missing one as a dash.
    """
    if pd.isna(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    unit, decimals = _form(value, digits)
    text = f"{value / 10.0**unit:,.{decimals}f}"
    return _true_minus(f"{text} × {ten_to(unit)}" if unit else text)


def interval_text(value: float, low: float, high: float, digits: int) -> str:
    """Return low … high, in the decimals and the power of ten that `number` gives the value."""
    unit, decimals = _form(value, digits)
    ends = " … ".join(f"{end / 10.0**unit:,.{decimals}f}" for end in (low, high))
    return _true_minus(f"({ends}) × {ten_to(unit)}" if unit else ends)


def meaningful_digits(value: float, error: float) -> int:
    """Return how many digits of a value mean something: to the second one of its error."""
    if not (pd.notna(error) and error > 0 and pd.notna(value) and value != 0):
        return DIGITS_WITHOUT_ERROR
    value_power, error_power = math.floor(math.log10(abs(value))), math.floor(math.log10(error))
    return min(max(value_power - error_power + 2, 2), 8)


def count(value: float) -> str:
    """Return a whole number with its thousands separated."""
    return MISSING if pd.isna(value) else _true_minus(f"{value:,.0f}")


def money(value: float) -> str:
    """Return an amount to the cent, or to two digits where that is less than ten cents."""
    if pd.isna(value) or math.isinf(value) or 0 < abs(value) < LEAST_MONEY:
        return number(value, 2)
    return _true_minus(f"{value:,.2f}")


def percent(value: float) -> str:
    """Return a share as per cent."""
    return MISSING if pd.isna(value) else _true_minus(f"{value:.1%}")


def _form(value: float, digits: int) -> tuple[int, int]:
    """Return the power of ten to write apart (0 for none) and the decimals that show the digits."""
    rounded = f"{value:.{digits - 1}e}"  # its power, as 9.9996 is 10.00 in four digits
    power = int(rounded.partition("e")[2])
    return (power, digits - 1) if power < SMALLEST_POWER else (0, max(digits - 1 - power, 0))


def ten_to(power: int) -> str:
    """Return a power of ten as it is written."""
    return "10" + str(power).translate(SUPERSCRIPTS)


def _true_minus(text: str) -> str:
    return text.replace("-", "−")
