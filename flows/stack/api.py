"""The few words that are said to a Prefect server without importing Prefect, which costs seconds and 100 MB."""

import base64
import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from flows.errors import StackError, WrongCall

_LIMIT_S = 30.0
_POLL_S = 0.2
_ATTEMPTS = 10
_CLOSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


class Api:
    """A Prefect server's REST interface. Raises ``WrongCall`` for an address that is none."""

    def __init__(self, url: str, auth: str | None) -> None:
        if not url.startswith(("http://", "https://")):
            raise WrongCall(f"PREFECT_API_URL is {url!r}; want http://HOST:PORT/api")
        self._url = url.removesuffix("/")
        self._headers = {"Content-Type": "application/json"}
        if auth is not None:
            self._headers["Authorization"] = "Basic " + base64.b64encode(auth.encode()).decode()

    def ask(self, path: str, body: Any = None) -> Any:
        """The answer to a GET or, with a ``body``, a POST that may be said twice. Raises ``StackError``."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, data, self._headers)  # noqa: S310 - http, checked above
        for patience in reversed(range(_ATTEMPTS)):
            try:
                with urllib.request.urlopen(request, timeout=_LIMIT_S) as answer:  # noqa: S310
                    return json.loads(answer.read() or b"null")
            except urllib.error.HTTPError as error:
                if error.code == HTTPStatus.SERVICE_UNAVAILABLE and patience:  # its SQLite was locked for a moment
                    time.sleep(_POLL_S)
                    continue
                hint = "; set PREFECT_API_AUTH_STRING to its user:password" if error.code in _CLOSED else ""
                raise StackError(f"the server at {self._url} answers {error.code} {error.reason}{hint}") from error
            except (OSError, http.client.HTTPException) as error:
                raise StackError(f"no answer from {self._url}: {error}") from error
        raise AssertionError("unreachable: the last attempt returns or raises")

    def healthy(self) -> bool:
        """Whether the server answers."""
        try:
            return bool(self.ask("/health"))
        except (StackError, ValueError):
            return False

    def wait(self, patience_s: float, hopeless: Callable[[], bool]) -> bool:
        """Whether the server came to answer before ``patience_s`` were over or it became ``hopeless``."""
        deadline = time.monotonic() + patience_s
        while not (well := self.healthy()) and time.monotonic() < deadline and not hopeless():
            time.sleep(_POLL_S)
        return well
