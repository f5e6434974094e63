"""The operations page: how Prefect runs each step of curation. The steps themselves know nothing of Prefect.

A task run is a micro-batch of sources, never a frame. Results are not cached here: what is done is known to the
warehouse, and a batch curated twice gives the same rows. The child process has its own limits (``flows.supervisor``),
because Prefect's timeouts do not interrupt a blocking call; the ones here only bound a step that hangs outside it.
"""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from prefect import Task, task
from prefect.cache_policies import NO_CACHE

from flows import curation, supervisor

P = ParamSpec("P")
R = TypeVar("R")


def bind(
    fn: Callable[P, R], *, version: str, retries: int, retry_delay_s: float, timeout_s: float, tags: tuple[str, ...]
) -> Task[P, R]:
    """``fn`` as a Prefect task with its operations settings."""
    decorate = task(
        name=fn.__name__,
        version=version,
        retries=retries,
        retry_delay_seconds=retry_delay_s,
        timeout_seconds=timeout_s,
        tags=list(tags),
        cache_policy=NO_CACHE,
        persist_result=False,
        log_prints=True,
    )
    return decorate(fn)


# fmt: off
_V, _W = curation.VERSION, supervisor.VERSION
#                                     version     retries    delay             limit            tags
plan         = bind(curation.plan,         version=_V, retries=2, retry_delay_s=5,  timeout_s=3600,  tags=("io",))
curate_batch = bind(curation.curate_batch, version=_W, retries=2, retry_delay_s=10, timeout_s=86400, tags=("cpu",))
commit_batch = bind(curation.commit_batch, version=_V, retries=3, retry_delay_s=5,  timeout_s=3600,  tags=("lake",))
# fmt: on
