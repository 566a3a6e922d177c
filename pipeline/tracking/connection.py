"""Where runs are tracked, and whether that answers: asked before any work, without MLflow."""

import base64
import json
import os
import socket
import sqlite3
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from pipeline.engine.commit import CHECKOUT
from pipeline.engine.digests import digest
from pipeline.engine.errors import InputError, StoreUnreachable, reason_of
from pipeline.engine.store import check_file

IN_CHECKOUT = (CHECKOUT / "pyproject.toml").is_file()
DEFAULT_FOLDER = (CHECKOUT if IN_CHECKOUT else Path.home()) / "mlruns"
MODE = "workflowType=machine_learning"  # of the UI: runs and charts, not traces and prompts
URI_VARIABLE = "MLFLOW_TRACKING_URI"
SECONDS = 4.0  # that a store may take to answer
SQLITE = "sqlite:///"
PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}
TIMED = ("psycopg2", "psycopg", "pymysql", "mysqldb")  # drivers that are told how long to wait
ASKED = "select lifecycle_stage from experiments where name = :name"


def tracking_uri() -> str:
    """Return where runs go: MLFLOW_TRACKING_URI, or the database in the checkout's `mlruns/`
    (an installed package's is in the home folder), wherever the command is run.
    """
    given = os.environ.get(URI_VARIABLE)
    return given or f"{SQLITE}{(DEFAULT_FOLDER / 'mlflow.db').resolve()}"


def database_of(uri: str) -> Path | None:
    """Return the file of a SQLite store, None of another kind."""
    if not uri.startswith(SQLITE):
        return None
    return Path(urllib.parse.unquote(uri.removeprefix(SQLITE).partition("?")[0])).resolve()


def artifacts_of(uri: str) -> str | None:
    """Return where a database's artifacts go: beside SQLite's, else in the folder of runs. MLflow's
    server knows that itself.
    """
    database = database_of(uri)
    if database is not None:
        return (database.parent / "artifacts").as_uri()
    return (DEFAULT_FOLDER / "artifacts").resolve().as_uri() if _kind(uri) in PORTS else None


def lock_of(uri: str) -> Path | None:
    """Return the file whose lock this machine's runs hold while they use a database: beside it, or
    in the folder of runs where that is a server's; None of MLflow's server, which is there for many
    at once.
    """
    database = database_of(uri)
    if database is not None:
        return database.with_name(f"{database.name}.lock")
    if _kind(uri) in PORTS:
        return DEFAULT_FOLDER / f".{digest(uri.rpartition('@')[2])}.lock"
    return None


def check_store(experiment: str) -> None:
    """Check that the tracking store answers, and that the experiment there is not a deleted one.

    Raises: InputError saying what to do, within seconds.
    """
    uri = tracking_uri()
    database, advice = database_of(uri), f"mend {URI_VARIABLE}, or unset it to track in mlruns/"
    scheme = uri.partition(":")[0]
    if database is not None:
        stage = _stage_in(database, experiment)
    elif scheme in ("http", "https"):
        stage = _stage_at(uri, experiment, advice)
    elif "://" not in uri or scheme == "file":
        raise InputError(f"MLflow at {uri}: folders of files are no store of MLflow 3; {advice}")
    else:
        _reach(uri, advice)
        stage = _stage_by_sql(uri, experiment, advice) if _kind(uri) in PORTS else None
    if stage == "deleted":
        raise InputError(
            f"MLflow at {uri}: experiment {experiment} was deleted; restore it with `mlflow "
            "experiments restore`, or give another one as [track] experiment"
        )


def _stage_in(database: Path, experiment: str) -> str | None:
    """Return the experiment's stage in a SQLite store, None where it is not there yet."""
    check_file(str(database), URI_VARIABLE)
    if not database.exists():
        return None
    try:
        with database.open("r+b"):
            pass
        store = sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=0.5)
        try:
            found = store.execute(ASKED, {"name": experiment}).fetchone()
        finally:
            store.close()
    except sqlite3.OperationalError:  # fresh, or locked: which may pass while the run computes
        return None
    except (OSError, sqlite3.Error) as error:
        raise InputError(
            f"MLflow at {database}: {reason_of(error)}; mend or move that file, or set "
            f"{URI_VARIABLE}"
        ) from None
    return None if found is None else str(found[0])


def _kind(uri: str) -> str:
    """Return what a database is: `postgresql` of postgresql+psycopg2://..."""
    return uri.partition(":")[0].partition("+")[0]


def _reach(uri: str, advice: str) -> None:
    """Raise StoreUnreachable where nothing listens at a database's host and port."""
    parts = urllib.parse.urlsplit(uri)
    try:
        port = parts.port or PORTS.get(_kind(uri))
        if parts.hostname and port:  # else on a socket of this machine
            socket.create_connection((parts.hostname, port), SECONDS).close()
    except (OSError, ValueError) as error:
        raise StoreUnreachable(
            f"MLflow at {uri}: does not answer ({reason_of(error)}); {advice}"
        ) from None


def _stage_by_sql(uri: str, experiment: str, advice: str) -> str | None:
    """Return the experiment's stage in a database on a server, None where it is not there yet."""
    import sqlalchemy  # takes half a second

    try:
        timed = sqlalchemy.make_url(uri).get_dialect().driver in TIMED
        wait = {"connect_timeout": max(2, round(SECONDS))} if timed else {}
        engine = sqlalchemy.create_engine(uri, poolclass=sqlalchemy.NullPool, connect_args=wait)
        with engine.connect() as store:
            found = store.execute(sqlalchemy.text(ASKED), {"name": experiment}).scalar()
    except sqlalchemy.exc.ProgrammingError:  # it has no tables yet
        return None
    except sqlalchemy.exc.DBAPIError as error:
        raise StoreUnreachable(
            f"MLflow at {uri}: does not answer ({reason_of(error.orig or error)}); {advice}"
        ) from None
    except (ImportError, sqlalchemy.exc.ArgumentError) as error:
        raise InputError(f"MLflow at {uri}: no driver ({reason_of(error)}); {advice}") from None
    return None if found is None else str(found)


def _stage_at(uri: str, experiment: str, advice: str) -> str | None:
    """Return the experiment's stage at a server, None where it is not there or needs a key."""
    parts = urllib.parse.urlsplit(uri)
    try:
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        netloc = f"{host}:{parts.port}" if parts.port else str(host)
        path = f"{parts.path.rstrip('/')}/api/2.0/mlflow/experiments/get-by-name"
        query = urllib.parse.urlencode({"experiment_name": experiment})
        asked = urllib.request.Request(f"{parts.scheme}://{netloc}{path}?{query}")
        if parts.username is not None:
            secret = urllib.parse.unquote(f"{parts.username}:{parts.password or ''}")
            asked.add_header("Authorization", f"Basic {base64.b64encode(secret.encode()).decode()}")
        with urllib.request.urlopen(asked, timeout=SECONDS) as answer:
            return str(json.load(answer)["experiment"]["lifecycle_stage"])
    except urllib.error.HTTPError as error:
        if error.code < 500:  # it is there: no such experiment, or a key is asked for
            return None
        raise StoreUnreachable(f"MLflow at {uri}: answers {error.code}; {advice}") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = reason_of(getattr(error, "reason", None) or error)
        raise StoreUnreachable(f"MLflow at {uri}: does not answer ({reason}); {advice}") from None
