"""The operations page: how Prefect runs each step of curation. The steps themselves know nothing of Prefect.

A task run is the plan or a micro-batch of sources, never a file or a frame; commits are made by the flow itself, in
order. Results are not cached here: what is done is known to the warehouse and by its drafts, and a batch begun again
goes on from them. Time limits are those of the child processes (``flows.supervisor``): Prefect's own do not interrupt
a call that blocks.
"""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun

from flows import batches, curation, supervisor
from flows.errors import RunnerClosed, WrongCall

P = ParamSpec("P")
R = TypeVar("R")


def bind(
    fn: Callable[P, R],
    *,
    version: str,
    retries: int,
    retry_delay_s: float,
    tags: tuple[str, ...],
    run_name: str,
) -> Task[P, R]:
    """``fn`` as a Prefect task with its operations settings."""
    decorate = task(
        name=fn.__name__,
        task_run_name=run_name,
        version=version,
        retries=retries,
        retry_delay_seconds=retry_delay_s,
        retry_condition_fn=_may_pass,
        tags=list(tags),
        cache_policy=NO_CACHE,
        persist_result=False,
        log_prints=True,
    )
    return decorate(fn)


def _may_pass(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Whether to try again: not after a wrong call, nor when the run itself was stopped."""
    return not isinstance(state.data, (WrongCall, RunnerClosed))


# fmt: off
_V, _W = curation.VERSION, supervisor.VERSION
#                                         version     retries    delay              tags            run's name
plan         = bind(curation.plan,        version=_V, retries=2, retry_delay_s=5,  tags=("io",),  run_name="plan")
curate_batch = bind(batches.curate_batch, version=_W, retries=2, retry_delay_s=10, tags=("cpu",),
                    run_name="batch {batch.number}: {batch.title}")
# fmt: on
