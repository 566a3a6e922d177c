"""What crosses between stages: one frozen dataclass of tables for each stage's output."""

from dataclasses import dataclass

import pandas as pd
import polars as pl


@dataclass(frozen=True)
class Day:
    """One symbol-day's tape.

    quotes: ts, then bid_px_j, bid_sz_j, ask_px_j, ask_sz_j for level j; trades: ts, price, size,
    aggressor. ts: ns since epoch UTC, sorted; prices in currency, an empty level NaN with size 0;
    aggressor: +1 buyer, -1 seller, 0 unknown. A quote without a side, or without both (an empty
    book, or one not known), ends the book before it.
    """

    quotes: pl.DataFrame
    trades: pl.DataFrame


@dataclass(frozen=True)
class ShownDepth:
    """How long one symbol's day displayed how many shares.

    seconds: one row a part ("best": at the best price, "whole": over all levels) and bin of
        `models.impact.book.size_grid.depth_bins`: part, bin, seconds (of both sides).
    """

    seconds: pd.DataFrame


@dataclass(frozen=True)
class Screening:
    """What one symbol-day's own tape supports, and what it does not.

    findings: code, date, first, last (ns), rows, message, as `pipeline.engine.findings` has them.
    bounds: one row: the columns of `models.microstructure.screening.RowBounds`.
    measures: one row: the columns of `pipeline.stages.screening.day_measures`.
    """

    findings: pd.DataFrame
    bounds: pd.DataFrame
    measures: pd.DataFrame


@dataclass(frozen=True)
class Features:
    """One symbol-day's measurements; shares, currency and seconds as on the tape.

    periods: one row a period: date, period, start, end (ns); mid_open, mid_close (the mid that
        stood just before the period's start and end, none from before a break);
        realized_variance, rv_n; half_spread, depth_bid_j, depth_ask_j, depth (displayed a side,
        mean of both), time weighted; buy_volume, sell_volume, undirected_volume, volume_squares
        (summed squared trade sizes), trades, quotes; ofi_j (order-flow imbalance of level j,
        summed); covered (share of the period with a two-sided book); tick (the least step between
        best prices, of the whole stretch, NaN where there is none).
    cells: one row a period, side (+1 buys) and size: excess (cost above the best price, the book
        continued behind its last level as `models.microstructure.walking` has it), censored (share
        of covered time that depth did not suffice); cut_excess, cut_censored: the same of the book
        cut to half of its levels, NaN where that leaves fewer than two. NaN without any time.
    refill: one row a half-hour, lag after trades and candidate half-life: the columns of
        `models.impact.slicing.depth.RefillSums`, date, end (of the half-hour, ns).
    immediate: one row a half-hour and lag after trades (seconds, no longer than a period): the
        columns of `models.impact.flow.trades.ImmediateSums`, date, end (of the half-hour, ns).
    mid_moves: one row every ten seconds: date, pressure, move, as in
        `models.forecast.book.BookMoves`, start, end (of the move, ns).
    flow_moves: one row a minute: the columns of `models.impact.flow.state_response.FlowWindows`,
        its state as spread and depth, stretch (between breaks), date.
    """

    periods: pd.DataFrame
    cells: pd.DataFrame
    refill: pd.DataFrame
    immediate: pd.DataFrame
    mid_moves: pd.DataFrame
    flow_moves: pd.DataFrame


@dataclass(frozen=True)
class Forecast:
    """What the forecast stage knows of one symbol.

    states: one row per past period (date, period, start), each predicted from what came before it
        alone: volatility (square root of the mean variance, currency per period), volume (the mean
        trading rate, shares), half_spread (currency), depth (shares).
    horizon: the same columns for the periods to be traded, and each with _low and _high: the 90 %
        interval of what will be measured; half_spread_mean: the mean expected of any.
    backtest: held-out days (or the held-out end of one day), forecast at their start: series, date,
        period, forecast, baseline, realized, low, high.
    scores: series, origin ("next period", "day ahead"), metric, model, baseline (smaller is
        better), coverage of the 90 % interval, n, candidates: those chosen by the days before the
        held-out part.
    contest: series, origin, candidate (several that never differ are one: "a = b"), loss, dm_p
        (Diebold-Mariano against the profile), mcs_p (model confidence set), n, weight, chosen,
        reason; over all days, and what the horizon is forecast with.
    unfolding: series, period (of the origin), updated, morning (mean absolute log error of the rest
        of the day, forecast then, as far as that had helped before, and before the day), days.
    totals: over the horizon, of volume (shares) and volatility (root of summed variance): series,
        expected, low, high (the 90 % interval).
    shape: the periods of past days that the horizon's are, forecast as those are and from the same
        period on: series (volatility, volume, half_spread, depth), date, period, forecast,
        realized.
    warnings: code, message.
    """

    states: pd.DataFrame
    horizon: pd.DataFrame
    backtest: pd.DataFrame
    scores: pd.DataFrame
    contest: pd.DataFrame
    unfolding: pd.DataFrame
    totals: pd.DataFrame
    shape: pd.DataFrame
    warnings: pd.DataFrame


@dataclass(frozen=True)
class Calibration:
    """The fitted law of one symbol.

    parameters: name, value, standard_error, dof (of t), low, high (the 95 % interval),
        bootstrap_error (of clusters; NaN for gamma), profile_low, profile_high (what the profile
        criterion does not refuse, of k and beta), unit, source (the estimator that made it).
    covariance: square, one column per name and a `name` column, gamma included.
    facts: one row: family, route, observations, excluded, clusters, deviance, pseudo_r2,
        censored_share; shown, measured_to, walk_low, walk_high (as in `solver.Extrapolation`, NaN
        where no size is shown); asymmetry, asymmetry_error (log alpha of buys less that of
        sells); volatility_slope, volume_slope and their _error (log realized states on those the
        law is fitted to, within days where these have levels of their own, 1 where predictions are
        conditional means); volatility_moved, volume_moved and their _error (the slopes that moved
        predictions, less what is usual by bucket and day, to them; NaN with one day);
        gamma_long_run (as estimated, before the bound), gamma_kyle, gamma_immediate (what trades
        move at once, estimated jointly with gamma; NaN where it is not identified) and their
        _error, gamma_immediate_lag (seconds), gamma_share
        (gamma over that) with _low and _high, gamma_estimator (of the long run); flow_r2,
        flow_observations, flow_excluded, flow_lags; mid_move_ and the names of
        `models.forecast.book.MidMoveFit`; price, volatility, depth_shares, volume_shares (the
        references).
    families: family, k, k_error, deviance, penalty, criterion, restriction, p_value, note, as in
        `models.impact.book.selection.FamilyScore`; selected (bool: by the comparison), used (bool:
        the law's).
    sizes: one row a size: size, censored (share of time), local_k, local_k_error (the exponent of
        mean cost around it; NaN at the ends), log_bias (of mean cost, the book continued, over the
        law's), log_error (of the law's mean: 0 where the book shows the size, NaN where unknown).
    curve: side, size, observed (mean excess over the best price, the book continued), fitted,
        censored (share), half_spread; currency per order.
    without: one row a day of the history: date, and a column of each parameter's name: how far its
        estimate moves where the day is left out, to first order; gamma by Kyle's slope.
    warnings: code, message.
    days: below ten days, one row a day and direction ("level", "exponent") in which days differ:
        date, direction, shift, dof, noise, variance_level, variance_exponent (as in
        `models.inference.day_shifts.DayShifts`), and a column of each parameter's name: how far its
        estimate moves with a unit of the shift. Without rows elsewhere.
    """

    parameters: pd.DataFrame
    covariance: pd.DataFrame
    facts: pd.DataFrame
    families: pd.DataFrame
    sizes: pd.DataFrame
    curve: pd.DataFrame
    without: pd.DataFrame
    warnings: pd.DataFrame
    days: pd.DataFrame


@dataclass(frozen=True)
class Learned:
    """The machine-learning regressors of one symbol.

    predictions: held-out cells: date, period, side, size, observed, and one column of predicted
    cost a candidate. models: name, format ("lightgbm-text", "skops"), content (bytes); fitted on
    the whole history; none of a hybrid that found nothing beside the law. importance: model,
    feature, importance. curves: learner, period, size, cost (currency over mid) in the states
    forecast of the periods to be traded, of those that have a model. held_curves: the same of whole
    held-out days, by date, as fitted before the held-out part. coming: what the hour's states tell
    of costs to come: periods (ahead), slope, slope_error, r2, days, as in
    `models.learners.ahead.AheadFit`, and a coefficient a feature of `solver.execution.coming`.
    facts: one row: cells, and free: those that cost nothing, which regressors leave out.
    """

    predictions: pd.DataFrame
    models: pd.DataFrame
    importance: pd.DataFrame
    curves: pd.DataFrame
    held_curves: pd.DataFrame
    coming: pd.DataFrame
    facts: pd.DataFrame


@dataclass(frozen=True)
class Selection:
    """The comparison on held-out periods.

    scores: candidate, deviance, deviance_error (standard error of the difference to the best),
        rmse_bps, bias, cells, bounded (of them, known from below only), free (cost nothing, not
        scored), winner (bool: whose plans are favoured), exported (bool: the law in params.json).
    reaches: how far costs of a period lay from what was told, by day: candidate, size, reach (the
        quantile of |log|, NaN where there are too few days), days, level.
    charged: what plans would have cost on held-out days, bps over mid: plan (a candidate, "twap",
        "clairvoyant"), cost, cost_error, regret, regret_error, saving (against the law),
        saving_error, saving_low, saving_high (95 %), days. Without rows below two days.
    decision: one row: criterion ("regret" or "deviance", by which the law is exported, or "held"),
        reason; learned: why a learned curve is favoured or none.
    """

    scores: pd.DataFrame
    reaches: pd.DataFrame
    charged: pd.DataFrame
    decision: pd.DataFrame


@dataclass(frozen=True)
class Schedule:
    """How one order is worked.

    plan: period, start, one column of shares a method ("optimal", "nlp", "dp", "qp", "twap",
        "vwap"), sigma, volume.
    costs: method, cost (expected shortfall, currency), cost_error (from the parameters' errors),
        saving_error (of the plan's saving against it, from the parameters and from the days
        scored), saving_reach (half of its 95 % interval), extrapolation_error (of trades beyond the
        sizes that the book showed; NaN where unknown), cost_bps, deviation (its standard deviation,
        currency), deviation_bps, spread, temporary, permanent, drift, risk, traded (all shares at
        the moved mid), whole (what the order pays or receives), walked_twice (the most of permanent
        that the walks of the book hold too), lower_bound, gap, status.
    value: V(s, t) on about a hundred steps of shares: period, left, value, marginal, trade, as
        `pipeline.planning.value_table.value_table` has them; empty where there is no such lattice.
    frontier: plans by risk aversion, continuous: point ("patient" for the cheapest, "urgent" for
        the one of the largest risk aversion that adds 2 % to its cost over mid, else ""),
        risk_aversion, cost (expected shortfall), over_mid (spread and temporary cost of it),
        deviation; currency. Empty where plans jump or nothing bears risk.
    risk_aversion: that the plan charges, 1 / currency.
    scored_days: past days that the forecast's shape was scored on, behind saving_error.
    warnings: code, message.
    """

    plan: pd.DataFrame
    costs: pd.DataFrame
    value: pd.DataFrame
    frontier: pd.DataFrame
    risk_aversion: float
    scored_days: int
    warnings: pd.DataFrame
