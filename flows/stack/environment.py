"""The environment that the server, the workers and their flow runs live in."""

import os
import sys
from pathlib import Path
from typing import Final

from flows.settings import Settings, StackSettings, child_environment
from flows.stack.place import StackPlan

MARK: Final = "XTALKER_STACK"  # names the stack that a process belongs to
HEARTBEAT_S: Final = 30  # Prefect's least; prefect.yaml gives it to every flow run

# What a user may set otherwise.
_PREFERRED: Final = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
    "PREFECT_LOGGING_COLORS": "false",
    "PREFECT_CLI_PROMPT": "false",
    "PREFECT_WORKER_QUERY_SECONDS": "2",  # a trigger's run is to start in seconds; the default is 10
}


def stack_environment(settings: StackSettings, plan: StackPlan, train_pool: str) -> dict[str, str]:
    """What every process of the stack is started with: this environment, telemetry off, folders by absolute name."""
    where = Settings.load()
    fixed = {
        MARK: str(settings.state),
        "PREFECT_HOME": str(settings.state),
        "PREFECT_API_URL": plan.api_url,
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
        "XTALKER_STATE": str(settings.state),
        "XTALKER_WAREHOUSE": str(where.warehouse),
        "XTALKER_ASSETS": str(where.assets),
        "XTALKER_LANDING": settings.landing,
        "XTALKER_DIRECTORY": str(settings.directory),
        "XTALKER_TRAIN_POOL": train_pool,
    }
    if settings.auth is not None:  # what one side knows, the other must: else it stands open, or nobody gets in
        fixed |= dict.fromkeys(("PREFECT_API_AUTH_STRING", "PREFECT_SERVER_API_AUTH_STRING"), settings.auth)
    if plan.port is not None:
        # Any page that the user's browser opens could otherwise start flows on this machine.
        origins = (f"http://{host}:{plan.port}" for host in ("127.0.0.1", "localhost"))
        fixed |= {"PREFECT_SERVER_CORS_ALLOWED_ORIGINS": ",".join(origins)}
    environment = _PREFERRED | child_environment(**fixed)
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", os.defpath)])
    return environment
