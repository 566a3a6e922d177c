"""A PostgreSQL and MLflow's server over it, on ports of 127.0.0.1, as tests start and stop them."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2

PATIENCE = 300.0  # seconds that either may take to answer on a busy machine
SECRET = "not-to-be-told"
OWNER = "impact"
QUIET = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
UNPRIVILEGED = (  # PostgreSQL refuses to run as root
    {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.getuid() == 0 else {}
)


def programs() -> Path | None:
    """Return where Debian's PostgreSQL has its programs, None where it is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class Postgres:
    """A database cluster in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        if UNPRIVILEGED:
            shutil.chown(folder, "nobody", "nogroup")
        (folder / "password").write_text(SECRET)
        asked = ["-D", "data", "-U", OWNER, "--auth=scram-sha-256", "--pwfile=password", "-N"]
        self._run("initdb", *asked).wait()
        self.start()

    def _run(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.folder / "said.txt").open("ab") as said:
            return subprocess.Popen(
                [str(programs() / program), *arguments],
                cwd=self.folder, stdout=said, stderr=said, **UNPRIVILEGED,
            )  # fmt: skip

    def start(self) -> None:
        """Start it, and wait until it answers."""
        asked = ["-D", "data", "-F", "-k", str(self.folder), "-p", str(self.port)]
        self.server = self._run("postgres", *asked, "-c", "listen_addresses=127.0.0.1")
        wait_for(self._answers)

    def stop(self) -> None:
        """Stop it at once, connections or not."""
        self.server.send_signal(signal.SIGQUIT)
        self.server.wait()

    def uri(self, database: str) -> str:
        """Return the address of one of its databases, with the password.

        Without a driver SQLAlchemy 2.1 takes psycopg 3.
        """
        return f"postgresql+psycopg2://{OWNER}:{SECRET}@127.0.0.1:{self.port}/{database}"

    def create(self, database: str) -> str:
        """Create an empty database and return its address."""
        connection = self._connect()
        connection.autocommit = True
        connection.cursor().execute(f"create database {database}")
        connection.close()
        return self.uri(database)

    def _connect(self) -> psycopg2.extensions.connection:
        return psycopg2.connect(
            host="127.0.0.1", port=self.port, user=OWNER, password=SECRET, dbname="postgres"
        )

    def _answers(self) -> bool:
        try:
            self._connect().close()
        except psycopg2.OperationalError:
            return False
        return True


class Server:
    """MLflow's server over a database, its artifacts in a folder."""

    def __init__(self, database: str, folder: Path) -> None:
        self.database, self.folder, self.port = database, folder, free_port()
        self.uri = f"http://me:{SECRET}@127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it is healthy."""
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port"]
        command += [str(self.port), "--backend-store-uri", self.database, "--workers", "1"]
        command += ["--artifacts-destination", str(self.folder / "artifacts")]
        with (self.folder / "server.txt").open("ab") as said:
            self.process = subprocess.Popen(
                command, cwd=self.folder, stdout=said, stderr=said, env=os.environ | QUIET,
                start_new_session=True,
            )  # fmt: skip
        wait_for(self._healthy)

    def kill(self) -> None:
        """Kill it with its workers, as a lost machine would."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def _healthy(self) -> bool:
        assert self.process.poll() is None, (self.folder / "server.txt").read_text()[-2000:]
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5).close()
        except (urllib.error.URLError, OSError):
            return False
        return True


def wait_for(ready: Callable[[], bool]) -> None:
    """Wait until it is so, within `PATIENCE`."""
    until = time.monotonic() + PATIENCE
    while not ready():
        assert time.monotonic() < until, "does not answer"
        time.sleep(0.1)


@contextmanager
def postgres_running() -> Iterator[Postgres]:
    """Run PostgreSQL meanwhile, in a folder that goes afterwards."""
    with tempfile.TemporaryDirectory(prefix="postgres-") as folder:
        running = Postgres(Path(folder))
        try:
            yield running
        finally:
            running.stop()
