"""Figures of the forecasters on the real panels; says so where they are absent.

Run: IMPACT_DATA=FOLDER python -m benchmarks.forecasts [speed] [volume] [within]. Held out: the last
10 of 30 days (crypto_1m), every day after the first (minute_panel: number of book events; lean_ibm:
volume). Errors are mean squared errors of logs.
"""

from __future__ import annotations

import os
import sys
import time
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter1d

from models.forecast.daily.catalogue import MODELS
from models.forecast.daily.designs import START
from models.forecast.daily.measures import Measures
from models.forecast.evaluation.comparison import diebold_mariano
from models.forecast.evaluation.rolling_origin import BacktestProtocol, track_model
from models.forecast.intraday.averaged import fit_averaged
from models.forecast.intraday.state_space import fit_intraday
from models.forecast.intraday.volume_curve import expected_volume_curve

DATA = Path(os.environ.get("IMPACT_DATA", Path(__file__).parents[2] / "shared" / "data"))
CRYPTO = ("BTCUSDT", "ETHUSDT")
SESSION = 390


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def crypto(symbol: str) -> tuple[np.ndarray, tuple[np.ndarray, ...], np.ndarray, np.ndarray]:
    """Return logs of volume, of (trades, range), log returns, and the days' kinds.

    All are (30, 1440), the kinds (31,).
    """
    bars = pd.read_parquet(DATA / f"crypto_1m/{symbol}_1m.parquet").iloc[:43_200]
    spread = (bars["high"] - bars["low"]) / bars["close"] + 1e-5
    columns = (bars["volume"], bars["trades"].clip(lower=1), spread, bars["close"] / bars["open"])
    volume, trades, high_low, moves = (
        np.log(each.to_numpy()).reshape(30, 1440) for each in columns
    )
    first = pd.Timestamp(bars["timestamp"].iloc[0]).weekday()
    return volume, (trades, high_low), moves, ((first + np.arange(31)) % 7 >= 5).astype(int)


def session_logs(symbol: str) -> np.ndarray:
    """Return logs, (days, 390), of a symbol of minute_panel (its events) or of IBM (its volume)."""
    if symbol == "IBM":
        tables = []
        for file in sorted((DATA / "lean_ibm/minute").glob("*_trade.zip")):
            with zipfile.ZipFile(file) as archive:
                bars = pd.read_csv(archive.open(archive.namelist()[0]), header=None)
            tables.append(
                pd.DataFrame({"day": file.name[:8], "minute": bars[0] // 60_000, "value": bars[5]})
            )
        table = pd.concat(tables)
    else:
        panel = pd.read_csv(DATA / f"minute_panel/{symbol}.csv.gz")
        at = pd.to_datetime(panel["ts_event"], utc=True).dt.tz_convert("America/New_York")
        table = pd.DataFrame(
            {
                "day": at.dt.date,
                "minute": at.dt.hour * 60 + at.dt.minute,
                "value": panel["event_num"],
            }
        )
    table = table[table["minute"].between(570, 959) & (table["value"] > 0)]
    wide = table.pivot(index="day", columns="minute", values="value").reindex(
        columns=range(570, 960)
    )
    return np.log(wide.to_numpy(dtype=float))


def har_like(logs: np.ndarray, day: int) -> np.ndarray:
    """Return the day's one-step forecasts by least squares on means of 1, 5, 20 and 60 minutes."""
    flat = pd.Series(logs[: day + 1].ravel())
    rows = np.column_stack(
        [
            np.ones(len(flat)),
            *(
                flat.ffill().rolling(width, min_periods=1).mean().shift(1)
                for width in (1, 5, 20, 60)
            ),
        ]
    )
    past = (
        np.isfinite(rows).all(axis=1)
        & np.isfinite(flat.to_numpy())
        & (np.arange(len(flat)) < day * logs.shape[1])
    )
    found = np.linalg.lstsq(rows[past], flat.to_numpy()[past], rcond=None)[0]
    return (rows @ found)[day * logs.shape[1] :]


def rivals(logs: np.ndarray, day: int) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return the baselines' forecasts of a day, one step and one day ahead."""
    flat, begin = pd.Series(logs[: day + 1].ravel()), day * logs.shape[1]
    past = logs[:day]
    profile, levels = np.nanmean(past, axis=0), np.nanmean(past, axis=1)
    shape = np.where(np.isfinite(profile), profile, np.nanmean(profile)) - np.nanmean(profile)
    level = pd.Series(levels).ewm(alpha=0.5, adjust=False).mean().iloc[-1]
    one = {
        "rolling mean": flat.rolling(20, min_periods=1).mean().shift(1).to_numpy()[begin:],
        "ewma": flat.ewm(halflife=8, ignore_na=True).mean().shift(1).to_numpy()[begin:],
        "har": har_like(logs, day),
        "profile": profile,
    }
    ahead = {
        "profile": profile,
        "level": np.full(len(profile), level),
        "profile + level": gaussian_filter1d(shape, 5) + level,
    }
    return one, ahead


def tracking(curve: np.ndarray, logs: np.ndarray) -> np.ndarray:
    """Return the difference of a cumulative curve from the day's own."""
    volume = np.where(np.isfinite(logs), np.exp(logs), 0.0)
    return curve - volume.cumsum() / volume.sum()


def volume() -> None:
    """Print the errors of volume forecasts beside the baselines', with Diebold-Mariano p."""
    for symbol in (*CRYPTO, "AAPL", "JPM", "TSLA", "IBM"):
        beside: tuple[np.ndarray, ...] = ()
        kinds = None
        if symbol in CRYPTO:
            logs, beside, _, kinds = crypto(symbol)
        else:
            logs = session_logs(symbol)
        errors: dict[tuple[str, str], list[np.ndarray]] = {}
        for day in range(20 if symbol in CRYPTO else 1, len(logs)):
            told = None if kinds is None else kinds[: day + 1]
            fit = fit_averaged(logs[:day], told, tuple(each[:day] for each in beside))
            one, ahead = rivals(logs, day)
            day_ahead = fit.forecast(logs.shape[1])
            one["model"] = fit.one_step(logs[day], tuple(each[day] for each in beside)).log_mean
            ahead["model"] = day_ahead.log_mean
            past = np.where(np.isfinite(logs[:day]), np.exp(logs[:day]), 0.0)
            geometric = np.where(np.isfinite(ahead["profile"]), np.exp(ahead["profile"]), 0.0)
            curves = {
                "profile": geometric.cumsum() / geometric.sum(),
                "model": expected_volume_curve(day_ahead, logs[:day]),
                "mean volume": past.sum(axis=0).cumsum() / past.sum(),
            }
            for kind, forecasts in (("one minute", one), ("one day", ahead)):
                for name, forecast in forecasts.items():
                    errors.setdefault((kind, name), []).append((logs[day] - forecast) ** 2)
            for name, curve in curves.items():
                errors.setdefault(("VWAP curve", name), []).append(tracking(curve, logs[day]) ** 2)
        report(symbol, errors)


def report(symbol: str, errors: dict[tuple[str, str], list[np.ndarray]]) -> None:
    """Print one symbol's errors.

    The VWAP curve's is the average over days of the root mean square.
    """
    for kind in ("one minute", "one day", "VWAP curve"):
        cells = []
        for (of, name), losses in errors.items():
            if of != kind:
                continue
            if kind == "VWAP curve":
                cells.append(f"{name} {np.mean([np.sqrt(each.mean()) for each in losses]):.4f}")
                continue
            apart = np.concatenate(errors[kind, "model"]) - np.concatenate(losses)
            p = diebold_mariano(apart[np.isfinite(apart)], 1)[1]
            cells.append(
                f"{name} {np.nanmean(losses):.4f}" + ("" if name == "model" else f" (p {p:.1g})")
            )
        say(f"{symbol:<8} {kind:<10} " + "  ".join(cells))


def within() -> None:
    """Print the error of the rest of the day's log variance, last 10 days of crypto_1m."""
    for symbol in CRYPTO:
        _, _, moves, kinds = crypto(symbol)
        variance = (moves**2).reshape(30, 288, 5).sum(axis=2)  # realized, of 5 minutes
        logs = np.log(np.maximum(variance, 1e-10))
        cells = []
        for hour in (0, 3, 6, 9, 12, 15, 18, 21):
            begin, apart, still = hour * 12, [], []
            for day in range(20, 30):
                fit = fit_intraday(logs[:day], kinds[: day + 1])
                known, truth = (
                    fit.update(logs[day, :begin]),
                    np.log(np.exp(logs[day, begin:]).sum()),
                )
                apart.append(np.log(known.forecast(288 - begin).mean.sum()) - truth)
                still.append(np.log(fit.forecast(288).mean[begin:].sum()) - truth)
            cells.append(f"{hour:02d}h {np.mean(np.abs(apart)):.3f} ({np.mean(np.abs(still)):.3f})")
        say(
            f"{symbol} mean absolute log error of the rest of the day, updated (made at midnight): "
            + "  ".join(cells)
        )


def speed() -> None:
    """Print the time of HAR over SP500RM: updated daily, and by a plain statsmodels loop."""
    import statsmodels.api as sm

    level = pd.read_csv(DATA / "realized/SP500RM.csv.gz")["RV"].to_numpy(dtype=float)
    days, protocol = Measures(level), BacktestProtocol(1000)
    begin = time.perf_counter()
    track = track_model(MODELS["har"], days, protocol, protocol.origins(len(days)))
    ours = time.perf_counter() - begin
    begin = time.perf_counter()
    worst = 0.0
    for place, day in enumerate(track.day):
        series = pd.Series(level[day - 1022 : day])
        rows = sm.add_constant(
            np.column_stack([series, series.rolling(5).mean(), series.rolling(22).mean()])[START:]
        )
        found = sm.OLS(series.to_numpy()[START + 1 :], rows[:-1]).fit()
        forecast = float(rows[-1] @ found.params)
        if not track.replaced[place]:
            worst = max(worst, abs(forecast / track.mean[place] - 1))
    theirs = time.perf_counter() - begin
    say(
        f"HAR, {len(track.day)} origins: updating, with intervals, {ours:.2f} s; "
        f"statsmodels loop, without, {theirs:.2f} s; largest relative difference {worst:.1e}"
    )


def main() -> None:
    """Run the sections asked for, all without arguments."""
    # A minute in which nothing traded yet.
    warnings.filterwarnings("ignore", message="Mean of empty slice")
    if not DATA.exists():
        say(f"skipped: no data in {DATA}; set IMPACT_DATA to the folder that holds them")
        return
    sections = {"speed": speed, "volume": volume, "within": within}
    for name in sys.argv[1:] or sections:
        sections[name]()


if __name__ == "__main__":
    main()
