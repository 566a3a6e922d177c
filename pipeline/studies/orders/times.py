"""The times of orders and fills, as ISO, FIX, epochs and local clocks write them."""

import re

import pandas as pd

FIX = r"^(\d{8})-(\d{2}:\d{2}.*)$"  # UTCTimestamp: UTC unless an offset follows
COMPACT = r"^((?:19|20)\d{6})(\d{6})(\d{3}|\d{6})?$"  # YYYYMMDDHHMMSS, and ms or us
EPOCH = r"^(\d{9,19})(?:\.(\d+))?$"
OFFSET = r"[T ].*(?:Z|[+-]\d{2}(?::?\d{2})?)$"
STRAY = r"[T ].*[Z+-]|Z$"
# the longest whole number of an epoch in s, ms, us, ns, and the decimals that make ns of it
DIGITS = ((11, 9), (14, 6), (17, 3), (19, 0))
YEARS = (1678, 2261)  # whole ones that 64 bits of ns hold
UNDEFINED_NS = 9_200_000_000_000_000_000  # later is no time: 2^63 - 1 stands for none


def read_times(given: pd.Series, timezone: str) -> pd.Series:
    """Return times in UTC, NaT for what is none: datetime64[ns, UTC].

    Read are ISO 8601, FIX timestamps (20250106-14:30:00.123, UTC), YYYYMMDDHHMMSS, and seconds to
    nanoseconds since 1970, told apart by their digits. What has no offset, FIX and epochs aside, is
    local to `timezone`; an hour that the clock skips or repeats is no time.
    """
    if isinstance(given.dtype, pd.DatetimeTZDtype):
        return _in_ns(given.dt.tz_convert("UTC"))
    if pd.api.types.is_datetime64_dtype(given):
        return _local(_in_ns(given), timezone)
    text = _text(given)
    fix = text.str.match(FIX).fillna(False)
    epoch = text.str.match(EPOCH).fillna(False) & ~text.str.match(COMPACT).fillna(False)
    iso = text.str.replace(FIX, r"\1T\2", regex=True)
    iso = iso.str.replace(COMPACT, _compact, regex=True)
    iso = iso.str.replace(r"\s*(?:UTC|GMT)$", "Z", regex=True)
    stated = iso.str.contains(OFFSET).fillna(False)
    found = _local(_parsed(iso.where(~stated & ~fix & ~epoch)), timezone)
    utc = iso.where(stated | ~fix, iso + "Z").where((stated | fix) & ~epoch)
    found = found.where(~(stated | fix), _parsed(utc, utc=True))
    if not epoch.any():
        return found
    return found.where(~epoch, _since_1970(text.where(epoch)))


def _text(given: pd.Series) -> pd.Series:
    """Return times as text, numbers with every digit."""
    if pd.api.types.is_float_dtype(given):
        whole = (given.dropna() % 1 == 0).all()
        given = given.astype("Int64") if whole else given.map("{:.6f}".format, na_action="ignore")
    return given.astype("string").str.strip().str.upper()


def _compact(found: re.Match[str]) -> str:
    decimals = f".{found[3]}" if found[3] else ""
    return f"{found[1]}T{found[2]}{decimals}"


def _parsed(text: pd.Series, utc: bool = False) -> pd.Series:
    if not utc:  # an offset that is none by its form is no local time either
        text = text.where(~text.str.contains(STRAY, regex=True).fillna(False))
    return _in_ns(pd.to_datetime(text, errors="coerce", utc=utc, format="ISO8601"))


def _in_ns(times: pd.Series) -> pd.Series:
    """Return times in ns, NaT where they are outside of what ns can say."""
    return times.where(times.dt.year.between(*YEARS)).dt.as_unit("ns")


def _local(naive: pd.Series, timezone: str) -> pd.Series:
    local = naive.dt.tz_localize(timezone, ambiguous="NaT", nonexistent="NaT")
    return local.dt.tz_convert("UTC")


def _since_1970(text: pd.Series) -> pd.Series:
    """Return epochs in whole ns; decimals beyond are cut off."""
    parts = text.str.extract(EPOCH)
    numbers = [
        None if pd.isna(whole) else _nanoseconds(whole, "" if pd.isna(rest) else rest)
        for whole, rest in zip(parts[0], parts[1], strict=True)
    ]
    whole = pd.Series(numbers, text.index, dtype="Int64")
    return pd.to_datetime(whole.where(whole < UNDEFINED_NS), unit="ns", utc=True).dt.as_unit("ns")


def _nanoseconds(whole: str, decimals: str) -> int:
    places = next(places for digits, places in DIGITS if len(whole) <= digits)
    return int(whole + decimals[:places].ljust(places, "0"))
