"""The family that every symbol's costs are told by, held from night to night, and its challengers.

A family here is a law's, and whose learned curve stands beside it, if any.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from models.gate import LAST_LOOK, change_of_family
from models.impact.book.families import Family
from pipeline.engine.job import Job
from pipeline.engine.stage import Output
from pipeline.evaluation.candidates import LEARNED
from pipeline.fitting import Ahead, Chosen, Fits, fit_laws, selected, taught_by
from pipeline.parameters.schema import Params
from pipeline.retraining.nights import Charged, Check, Form, Night
from pipeline.run import Choice, Fitted, Made, fitted_by
from pipeline.stages.selection.select import LAWS, held

CHALLENGERS = (*LAWS, *LEARNED)
RIVALS = len(CHALLENGERS) - 1  # beside the one in force
FELL_BACK = "k_not_identified"  # a linear law that stands in for another family
HOLDS = "its family is in force, and another comes in force where it is shown to cost less"

Forms = Mapping[str, Form]


@dataclass(frozen=True)
class Rival:
    """A challenger's parameters of tonight, and the family that each symbol has in them."""

    forms: Forms
    fitted: Fitted


def forms_in(params: Params) -> dict[str, Form]:
    """Return every symbol's family in a file; without a law's where it stands in for another."""
    return {
        name: Form(
            law="" if FELL_BACK in {each.code for each in one.warnings} else one.law.family,
            learner=one.curves.learner if one.curves else "",
        )
        for name, one in params.symbols.items()
    }


def forms_of(params: Params, nights: Sequence[Night]) -> dict[str, Form]:
    """Return every symbol's family in what is in force: as its night asked for it, where one did,
    for a curve that was no better than its law leaves no trace in the file.
    """
    asked = next((one.forms for one in nights[::-1] if one.in_force == params.run_id), {})
    return forms_in(params) | dict(asked)


def holding(forms: Forms) -> Choice:
    """Return how the same families are fitted anew; a symbol without one gets what is selected."""

    def choose(job: Job, ahead: Ahead, fits: Fits) -> Chosen:
        chosen = selected(job, ahead, fits)
        known = [symbol for symbol in fits.selected if symbol in forms]
        laws, selections, taught = dict(chosen.laws), dict(chosen.selections), dict(chosen.taught)
        for symbol in known:
            name, laws[symbol] = _law(job, ahead, fits, symbol, forms[symbol].law)
            selections[symbol] = held(selections[symbol], name, HOLDS)
        learned = {symbol: fits.learned[symbol] for symbol in known}
        taught |= taught_by(learned, {symbol: forms[symbol].learner for symbol in known})
        return Chosen(laws, selections, taught)

    return choose


def _law(job: Job, ahead: Ahead, fits: Fits, symbol: str, family: str) -> tuple[str, Output]:
    """Return which of LAWS a symbol's family goes by, and its fit, made now where none is of it."""
    if family:
        for name in LAWS:
            found = fits.laws[name][symbol]
            if found.load().facts["family"].iloc[0] == family:
                return name, found
        alone = replace(ahead, measured={symbol: ahead.measured[symbol]})
        return "law", fit_laws(job, alone, {"law": Family(family)})["law"][symbol]
    return "law", fits.laws["law"][symbol]


def rivals_of(job: Job, made: Made, own: Forms) -> dict[str, Rival]:
    """Return the challengers that differ tonight from what is in force, by name.

    `law`: the family that is asked for or selected among families; `square_root`; each regressor's
    curve beside the law in force.
    """
    found = {}
    for name in CHALLENGERS:
        asked = {symbol: _asked(name, form) for symbol, form in own.items()}
        fitted = fitted_by(job, made.ahead, made.fits, holding(asked))
        told = forms_in(fitted.params)
        forms = {
            symbol: form if form.law else form.model_copy(update={"law": told[symbol].law})
            for symbol, form in asked.items()
            if symbol in told
        }
        if _core(fitted.params) != _core(made.results.params):
            found[name] = Rival(forms, fitted)
    return found


def _asked(name: str, own: Form) -> Form:
    """Return what a challenger asks for beside a symbol's family in force."""
    if name in LEARNED:
        return Form(law=own.law, learner=name)
    family = LAWS[name]
    return Form(law="" if family is None else family.value)


def _core(params: Params) -> dict[str, object]:
    """Return what tells two files of the same tape apart."""
    return {
        name: (one.law.family, one.law.k, one.law.beta, one.law.theta, one.curves)
        for name, one in params.symbols.items()
    }


def looks_of(nights: Sequence[Night], today: Charged | None, own: Forms) -> tuple[Check, ...]:
    """Return tonight's look at every challenger that was charged beside the family in force: it
    passes where it is shown to cost less.
    """
    checks = []
    for name, series in series_of(nights, today, own).items():
        since = (len(series) - 1) // LAST_LOOK * LAST_LOOK  # behind the last look it starts anew
        found = change_of_family(series[since:], RIVALS)
        words = f"{found.reason}; {found.nights} nights, mean {found.mean:+.3f} bps"
        checks.append(
            Check(
                name=name,
                value=found.value,
                threshold=found.bound,
                passes=found.passes,
                words=words,
            )
        )
    return tuple(checks)


def series_of(nights: Sequence[Night], today: Charged | None, own: Forms) -> dict[str, list[float]]:
    """Return by challenger what each day charged its fit to the day before over what was in force,
    bps, since the family in force is what it is.
    """
    found: dict[str, list[float]] = {}
    charged = [*(one.charged for one in nights[1:]), today]
    for before, day in zip(nights, charged, strict=False):
        if any(form != own.get(symbol, form) for symbol, form in before.forms.items()):
            found = {}
        elif day is not None:
            for name, cost in day.rivals.items():
                found.setdefault(name, []).append(cost - day.in_force)
    return found
