"""The store in an S3-compatible object store, through pyarrow's client.

An object appears when all its bytes have arrived, and a copy is made where the object lies. A folder is only a common
beginning of names: while one is written, it holds the object ``.unfinished``. The client reads its credentials from the
AWS_* variables or files itself.
"""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Final, TypeVar, cast
from urllib.parse import urlsplit

import duckdb
from pyarrow.fs import FileInfo, FileSelector, FileType, S3FileSystem

from warehouse.config import WarehouseConfig
from warehouse.connection import quoted
from warehouse.errors import StoreUnreachable
from warehouse.store import LocalStore

UNFINISHED: Final = ".unfinished"
AT_ONCE: Final = 8  # requests on their way; each waits for the network, hardly for this machine
CHUNK_BYTES: Final = 8 << 20
CONNECT_TIMEOUT_S: Final = 10.0
REQUEST_TIMEOUT_S: Final = 60.0

T = TypeVar("T")


def open_s3(config: WarehouseConfig, mirror: LocalStore) -> "S3Store":
    """The store that ``config`` names; ``mirror`` is its folder on this machine, for what comes and goes."""
    endpoint = urlsplit(config.endpoint or "")
    files = S3FileSystem(
        scheme=endpoint.scheme or "https",
        endpoint_override=endpoint.netloc or None,
        region=config.region,
        force_virtual_addressing=bool(endpoint.netloc) and not config.path_style,
        connect_timeout=CONNECT_TIMEOUT_S,
        request_timeout=REQUEST_TIMEOUT_S,
        background_writes=False,
    )
    return S3Store(files, config, (config.store or "").removeprefix("s3://"), mirror)


@dataclass(frozen=True, slots=True)
class S3Store:
    """The objects whose keys begin with ``key``, which is "bucket/prefix"."""

    files: Any  # a pyarrow.fs.S3FileSystem
    config: WarehouseConfig
    key: str
    mirror: LocalStore

    @property
    def extensions(self) -> tuple[str, ...]:
        return ("httpfs",)

    def prepare(self, con: duckdb.DuckDBPyConnection) -> None:
        """A "secret" without one in it: the extension took the credentials from the AWS_* variables when it was loaded.
        A setting would not do, for DuckLake opens connections of its own."""
        options = ["TYPE s3", f"SCOPE {quoted(self.url())}"]
        if self.config.region is not None:
            options.append(f"REGION {quoted(self.config.region)}")
        if self.config.endpoint is not None:
            endpoint = urlsplit(self.config.endpoint)
            style = "path" if self.config.path_style else "vhost"
            options += [f"ENDPOINT {quoted(endpoint.netloc)}", f"USE_SSL {endpoint.scheme == 'https'}"]
            options.append(f"URL_STYLE {quoted(style)}")
        con.execute(f"CREATE TEMPORARY SECRET store ({', '.join(options)})")

    @contextmanager
    def read_by_duckdb(self) -> Iterator[None]:
        try:
            yield
        except duckdb.IOException as error:
            raise self._unreachable(error) from error

    def sub(self, name: str) -> "S3Store":
        return replace(self, key=f"{self.key}/{name}", mirror=self.mirror.sub(name))

    def url(self, name: str = "") -> str:
        return f"s3://{self._key(name)}"

    def names(self) -> list[str]:
        return [info.path[len(self.key) + 1 :] for info in self._objects() if info.base_name != UNFINISHED]

    def folders(self) -> list[str]:
        paths = [info.path[len(self.key) + 1 :].split("/") for info in self._objects()]
        unfinished = {path[0] for path in paths if path[1:] == [UNFINISHED]}
        return sorted({path[0] for path in paths if len(path) > 1} - unfinished)

    def open(self, name: str) -> IO[bytes]:
        copy = tempfile.TemporaryFile()  # noqa: SIM115 - the caller's to close
        with self._reached(), self.files.open_input_stream(self._key(name)) as stream:
            shutil.copyfileobj(stream, copy, CHUNK_BYTES)
        copy.seek(0)
        return copy

    def read(self, name: str) -> bytes:
        with self._reached(), self.files.open_input_stream(self._key(name)) as stream:
            return bytes(stream.read())

    def write(self, name: str, data: bytes) -> None:
        with self._reached(), self.files.open_output_stream(self._key(name)) as stream:
            stream.write(data)

    def size_bytes(self, name: str) -> int:
        return int(self._info(name).size)

    def modified(self, name: str) -> datetime:
        return cast(datetime, self._info(name).mtime)

    def link(self, url: str, name: str) -> None:
        """A copy, made by the object store."""
        with self._reached():
            self.files.copy_file(url.removeprefix("s3://"), self._key(name))

    def remove(self, names: Iterable[str]) -> None:
        def delete(name: str) -> None:
            with suppress(FileNotFoundError):
                self.files.delete_file(self._key(name))

        self._each(delete, names)

    def remove_folder(self, name: str) -> None:
        with self._reached(), suppress(FileNotFoundError):
            self.files.delete_dir(self._key(name))

    def workspace(self) -> AbstractContextManager[Path]:
        return self.mirror.workspace()

    def publish(self, work: Path, name: str) -> None:
        """The mark that the folder is unfinished comes before all files, and goes after them."""
        if name in self.folders():
            return
        target = self.sub(name)
        target.write(UNFINISHED, b"")
        self._each(lambda path: target._upload(path, path.relative_to(work).as_posix()), _files_below(work))
        target.remove([UNFINISHED])

    def discard_unfinished(self, older_than_s: float) -> None:
        self.mirror.discard_unfinished(older_than_s)
        before = time.time() - older_than_s
        for info in self._objects():
            folder, _, name = info.path[len(self.key) + 1 :].partition("/")
            if name == UNFINISHED and info.mtime.timestamp() <= before:
                self.remove_folder(folder)

    def local_folder(self, name: str, check: Callable[[Path], None]) -> Path:
        copy = self.mirror.folder / name
        if copy.is_dir():
            return copy
        source = self.sub(name)
        with self.mirror.workspace() as work:
            self._each(lambda file: source._download(file, work / file), source.names())
            check(work)
            self.mirror.publish(work, name)
        return copy

    def _key(self, name: str) -> str:
        return f"{self.key}/{name}" if name else self.key

    def _objects(self) -> list[FileInfo]:
        """Everything here and below, sorted by key."""
        with self._reached():
            found = self.files.get_file_info(FileSelector(self.key, recursive=True, allow_not_found=True))
        return sorted((info for info in found if info.type is FileType.File), key=lambda info: str(info.path))

    def _info(self, name: str) -> FileInfo:
        with self._reached():
            info = self.files.get_file_info(self._key(name))
        if info.type is not FileType.File:
            raise FileNotFoundError(self.url(name))
        return info

    def _upload(self, path: Path, name: str) -> None:
        with path.open("rb") as file, self.files.open_output_stream(self._key(name)) as stream:
            shutil.copyfileobj(file, stream, CHUNK_BYTES)

    def _download(self, name: str, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file, self.files.open_input_stream(self._key(name)) as stream:
            shutil.copyfileobj(stream, file, CHUNK_BYTES)

    def _each(self, work: Callable[[T], None], items: Iterable[T]) -> None:
        with self._reached(), ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(work, items))

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise
        except OSError as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: Exception) -> StoreUnreachable:
        return StoreUnreachable(
            f"{self.url()}: {error}; see to store and endpoint in warehouse.toml, and to AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY in the environment"
        )


def _files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
