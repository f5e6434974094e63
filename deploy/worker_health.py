"""The health check of a worker's container: ``python worker_health.py POOL`` fails unless this machine's worker of that
pool reports to the server."""

import sys

from flows.settings import StackSettings
from flows.stack.api import Api
from flows.stack.place import WorkerPlan


def reports(pool: str) -> bool:
    """Whether the server counts this machine's worker as online. Raises ``StackError`` if it does not answer."""
    settings = StackSettings.load()
    known = Api(settings.api_url or "", settings.auth).ask(f"/work_pools/{pool}/workers/filter", {})
    name = WorkerPlan(pool, runs=1).name
    return any(worker["name"] == name and worker["status"] == "ONLINE" for worker in known)


if __name__ == "__main__":
    sys.exit(0 if reports(sys.argv[1]) else 1)
