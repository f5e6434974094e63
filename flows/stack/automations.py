"""What the server does by itself when a flow run's process or worker is lost."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture

from flows.stack.environment import HEARTBEAT_S
from flows.stack.roll_call import CALLED, TAG

RESUMES: Final = "resumes"  # the tag of deployments whose runs go on from stored work when they are run again
ATTEMPTS: Final = 3  # of one flow run: what crashes each time is not for ever started again
BEATS: Final = 3  # that may be missed
START_S: Final = 300  # from a worker's taking a run to its first line, on a busy machine

_ANY_RUN: Final = {"prefect.resource.id": "prefect.flow-run.*"}
_EACH_RUN: Final = {"prefect.resource.id"}
_ALIVE: Final = {"prefect.flow-run.Running", "prefect.flow-run.heartbeat"}
_TAKEN: Final = {"prefect.flow-run.Pending", "prefect.flow-run.Submitting"}
# By name: the flows that had nothing to do end as Skipped. A state left out here does no harm, as the server does not
# let a finished run crash.
_ENDED: Final = {
    f"prefect.flow-run.{state}"
    for state in ("Completed", "Skipped", "Failed", "TimedOut", "Crashed", "Cancelling", "Cancelled", "Scheduled")
}


def automations() -> Iterable[AutomationCore]:
    """Every automation of the stack that belongs to no single deployment.

    What a trigger starts ``after`` and ``expect``s, too, starts its clock anew.
    """
    yield AutomationCore(
        name="crash-zombies",
        description=f"A run not heard of for {BEATS * HEARTBEAT_S} s is marked as crashed; a finished run never is.",
        trigger=EventTrigger(
            posture=Posture.Proactive,
            threshold=1,
            within=timedelta(seconds=BEATS * HEARTBEAT_S),
            match=_ANY_RUN,
            match_related=_tagged(TAG),
            for_each=_EACH_RUN,
            after=_ALIVE | {CALLED["RUNNING"]},
            expect=_ALIVE | _ENDED,
        ),
        actions=[ChangeFlowRunState(state=StateType.CRASHED, message="no heartbeat: its process or worker is gone")],
    )
    yield AutomationCore(
        name="crash-lost",
        description=f"A run that a worker took and that has not begun after {START_S} s is marked as crashed.",
        trigger=EventTrigger(
            posture=Posture.Proactive,
            threshold=1,
            within=timedelta(seconds=START_S),
            match=_ANY_RUN,
            match_related=_tagged(TAG),
            for_each=_EACH_RUN,
            after=_TAKEN | {CALLED["PENDING"]},
            expect=_TAKEN | _ALIVE | _ENDED,
        ),
        actions=[ChangeFlowRunState(state=StateType.CRASHED, message="its worker was lost before it began")],
    )
    yield AutomationCore(
        name="resume-crashed",
        description=f"A crashed run that goes on from stored work is scheduled again, {ATTEMPTS} attempts in all.",
        trigger=EventTrigger(
            posture=Posture.Reactive,
            threshold=1,
            within=timedelta(0),
            match=_ANY_RUN | {"prefect.run-count": [str(n) for n in range(ATTEMPTS)]},
            match_related=_tagged(RESUMES),
            for_each=_EACH_RUN,
            expect={"prefect.flow-run.Crashed"},
        ),
        actions=[ChangeFlowRunState(state=StateType.SCHEDULED, message="crashed; goes on from stored work")],
    )


def _tagged(tag: str) -> dict[str, str]:
    return {"prefect.resource.role": "tag", "prefect.resource.id": f"prefect.tag.{tag}"}


async def automate(client: PrefectClient) -> None:
    """Make or update the automations; one that was switched off stays off."""
    for wanted in automations():
        there = await client.read_automations_by_name(wanted.name)
        if there:
            await client.update_automation(there[0].id, wanted.model_copy(update={"enabled": there[0].enabled}))
        else:
            await client.create_automation(wanted)
