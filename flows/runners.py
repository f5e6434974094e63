"""Who runs the batches of a flow: threads of its own process, or a cluster. Each batch is a child process anyway."""

import importlib
from enum import StrEnum
from typing import Any, Final

from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from flows.errors import RunnerMissing
from flows.settings import ClusterSettings

# A thread tells the server of its batch's end before it takes the next one: with two a child, the pool's next batch
# has its child meanwhile (``flows.pool`` lets no more than ``at_once`` of them work).
THREADS_A_CHILD: Final = 2


class RunnerKind(StrEnum):
    """Where the batches of a run are curated."""

    THREADS = "threads"  # children of the flow's own process, on its machine
    DASK = "dask"  # workers of a Dask cluster
    RAY = "ray"  # workers of a Ray cluster


def task_runner(kind: RunnerKind, at_once: int) -> TaskRunner[Any]:
    """A task runner for ``at_once`` batches at a time; use it as a context.

    Dask and Ray join the cluster that ``flows.settings.ClusterSettings`` names. Without one Dask makes one on this
    machine, for this run, on the loopback; Ray's own would listen to everybody, so it has to be named. Raises
    ``RunnerMissing``.
    """
    clusters = ClusterSettings.load()
    if kind is RunnerKind.THREADS:
        return ThreadPoolTaskRunner(max_workers=THREADS_A_CHILD * at_once)
    if kind is RunnerKind.DASK:
        dask = _load("prefect_dask", kind)
        if clusters.dask_address:
            return dask.DaskTaskRunner(address=clusters.dask_address)  # type: ignore[no-any-return]
        # A worker's own memory is next to nothing: the models are in its children, which have limits of their own.
        cluster = {"n_workers": at_once, "threads_per_worker": 1, "memory_limit": 0, "dashboard_address": None}
        return dask.DaskTaskRunner(cluster_kwargs={"host": "127.0.0.1", **cluster})  # type: ignore[no-any-return]
    ray = _load("prefect_ray", kind)
    if not clusters.ray_address:
        raise RunnerMissing("runner 'ray' wants a cluster: set XTALKER_RAY_ADDRESS, or choose 'threads' or 'dask'")
    return ray.RayTaskRunner(address=clusters.ray_address)  # type: ignore[no-any-return]


def _load(module: str, kind: RunnerKind) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise RunnerMissing(
            f"runner {kind.value!r} wants {error.name}: pip install 'xtalker[{kind.value}]' wherever flows and their "
            "batches run, or choose the runner 'threads'"
        ) from error
