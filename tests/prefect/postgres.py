"""A PostgreSQL of its own, as the official image starts it: made with a password, fed its first SQL, on TCP."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

SUPERUSER = "postgres"


def binaries() -> Path | None:
    """The folder with initdb and postgres, or None if there is none: Debian's package is ``postgresql``."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = shutil.which("initdb")
    return next((p for p in [*places, *([Path(found).parent] if found else [])] if (p / "initdb").exists()), None)


class Postgres:
    """Runs until ``stop``. PostgreSQL refuses root: then it runs as nobody, in a folder of nobody's."""

    def __init__(self, folder: Path, port: int, environment: Mapping[str, str], first_sql: Path) -> None:
        self.port, self._bin = port, folder
        self._home = Path(tempfile.mkdtemp(prefix="xtalker-pg-"))
        account = pwd.getpwnam("nobody")
        self._as = {"user": account.pw_uid, "group": account.pw_gid} if os.geteuid() == 0 else {}
        password = self._home / "password"
        password.write_text(environment["POSTGRES_PASSWORD"])
        if self._as:
            for path in (self._home, password):
                os.chown(path, account.pw_uid, account.pw_gid)
        data = self._home / "data"
        self._call(
            "initdb", "-D", str(data), "-U", SUPERUSER, f"--pwfile={password}", "--auth-local=trust",
            "--auth-host=scram-sha-256", "--no-sync", "-E", "UTF8",
        )  # fmt: skip
        self.process = subprocess.Popen(
            [self._bin / "postgres", "-D", data, "-k", self._home, "-h", "127.0.0.1", "-p", str(port), "-F"],
            stderr=(self._home / "log").open("wb"),
            **self._as,
        )
        while not self.answers():
            assert self.process.poll() is None, (self._home / "log").read_text()
            time.sleep(0.2)
        self._call("psql", "-v", "ON_ERROR_STOP=1", *self._where, "-f", str(first_sql), env=environment)

    @property
    def _where(self) -> tuple[str, ...]:
        return ("-h", str(self._home), "-p", str(self.port), "-U", SUPERUSER)

    def answers(self) -> bool:
        return subprocess.run([self._bin / "pg_isready", *self._where], capture_output=True).returncode == 0

    def ask(self, sql: str, user: str, password: str, database: str) -> subprocess.CompletedProcess[str]:
        """What psql says as ``user`` over TCP."""
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-U", user, "-d", database]
        return subprocess.run(
            [self._bin / "psql", "-At", *where, "-c", sql],
            env=os.environ | {"PGPASSWORD": password},
            capture_output=True,
            text=True,
        )

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self._home, ignore_errors=True)

    def _call(self, program: str, *words: str, env: Mapping[str, str] | None = None) -> None:
        done = subprocess.run(
            [str(self._bin / program), *words],
            env=os.environ | dict(env or {}),
            capture_output=True,
            text=True,
            **self._as,
        )
        assert done.returncode == 0, done.stderr[-2000:]
