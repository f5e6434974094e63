"""What the server does by itself when a flow run's process or worker is lost."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture

from flows.stack.environment import HEARTBEAT_S

RESUMES: Final = "resumes"  # the tag of deployments whose runs go on from stored work when they are run again
ATTEMPTS: Final = 3  # of one flow run: what crashes each time is not for ever started again

_ANY_RUN: Final = {"prefect.resource.id": "prefect.flow-run.*"}
_EACH_RUN: Final = {"prefect.resource.id"}
_ANY_SIGN: Final = {"prefect.flow-run.*"}  # a heartbeat, or a state of any name: flows end in states of their own names


def automations() -> Iterable[AutomationCore]:
    """Every automation of the stack that belongs to no single deployment."""
    silence = timedelta(seconds=3 * HEARTBEAT_S)
    yield AutomationCore(
        name="crash-zombies",
        description=f"A run not heard of for {3 * HEARTBEAT_S} s is marked as crashed; a finished run never is.",
        trigger=EventTrigger(
            posture=Posture.Proactive,
            threshold=1,
            within=silence,
            match=_ANY_RUN,
            for_each=_EACH_RUN,
            after={"prefect.flow-run.heartbeat"},
            expect=_ANY_SIGN,
        ),
        actions=[ChangeFlowRunState(state=StateType.CRASHED, message="no heartbeat: its process or worker is gone")],
    )
    yield AutomationCore(
        name="restart-lost",
        description="A run whose worker took it and was lost before it began is scheduled again.",
        trigger=EventTrigger(
            posture=Posture.Proactive,
            threshold=1,
            within=silence,
            match=_ANY_RUN,
            for_each=_EACH_RUN,
            after={"prefect.flow-run.Pending"},
            expect=_ANY_SIGN,
        ),
        actions=[ChangeFlowRunState(state=StateType.SCHEDULED, message="its worker was lost before it began")],
    )
    yield AutomationCore(
        name="resume-crashed",
        description=f"A crashed run that goes on from stored work is scheduled again, {ATTEMPTS} attempts in all.",
        trigger=EventTrigger(
            posture=Posture.Reactive,
            threshold=1,
            within=timedelta(0),
            match=_ANY_RUN | {"prefect.run-count": [str(n) for n in range(ATTEMPTS)]},
            match_related={"prefect.resource.role": "tag", "prefect.resource.id": f"prefect.tag.{RESUMES}"},
            for_each=_EACH_RUN,
            expect={"prefect.flow-run.Crashed"},
        ),
        actions=[ChangeFlowRunState(state=StateType.SCHEDULED, message="crashed; goes on from stored work")],
    )


async def automate(client: PrefectClient) -> None:
    """Make or update the automations; one that was switched off stays off."""
    for wanted in automations():
        there = await client.read_automations_by_name(wanted.name)
        if there:
            await client.update_automation(there[0].id, wanted.model_copy(update={"enabled": there[0].enabled}))
        else:
            await client.create_automation(wanted)
