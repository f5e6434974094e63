"""From what a user asks of ``xtalker up`` to what is to run on this machine."""

import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flows.errors import StackError, WrongCall
from flows.settings import StackSettings
from flows.stack.place import Place, StackPlan, WorkerPlan
from flows.stack.services import SERVER

CPU, GPU = "cpu", "gpu"
POOLS: Final = (CPU, GPU)
HOST: Final = "127.0.0.1"
PORT: Final = 4200
CPU_RUNS: Final = 4  # runs mostly wait for children of their own; watching must go on beside a training
GPU_RUNS: Final = 1
_LOOPBACK: Final = (HOST, "localhost", "::1")
_EVERYWHERE: Final = ("0.0.0.0", "::")  # noqa: S104 - to recognise it
_GPU_DEVICES: Final = ("nvidia[0-9]*", "kfd", "dxg")  # NVIDIA, ROCm, Windows' Linux


@dataclass(frozen=True, slots=True)
class Wishes:
    """What ``xtalker up`` was asked for; None is for what the last ``up`` had, or the default."""

    host: str | None = None
    port: int | None = None
    runs: int | None = None  # flow runs at a time on the worker of `cpu`
    gpu: bool | None = None  # a worker of `gpu`; by default if PyTorch sees one


def plan_of(wishes: Wishes, settings: StackSettings, place: Place) -> StackPlan:
    """What is to run. Raises ``StackError`` if the port is taken, ``WrongCall`` if it cannot be so."""
    before = place.plan()
    workers = _workers(wishes, {worker.pool: worker for worker in before.workers} if before else {})
    own_url = before.api_url if before is not None and before.host is not None else None
    if settings.api_url not in (None, own_url):
        if place.process(SERVER) is not None:
            raise WrongCall(f"a server runs here already, at {own_url}: unset PREFECT_API_URL, or `xtalker down` first")
        return StackPlan(str(settings.api_url), None, None, workers)
    host = wishes.host or (before.host if before else None) or HOST
    port = wishes.port or (before.port if before else None) or PORT
    if place.process(SERVER) is None:
        _check_free(host, port)
    elif before is not None and (before.host, before.port) != (host, port):
        raise WrongCall(f"the server runs on {before.host}:{before.port}; `xtalker down` first")
    if host not in _LOOPBACK and settings.auth is None:
        raise WrongCall(
            f"who reaches {host}:{port} can run programs on this machine: set PREFECT_API_AUTH_STRING to a "
            "user:password that the UI and every client is to be asked for"
        )
    reached = HOST if host in _EVERYWHERE else f"[{host}]" if ":" in host else host
    return StackPlan(f"http://{reached}:{port}/api", host, port, workers)


def has_gpu() -> bool:
    """Whether PyTorch sees one. It is asked only where there is a device: importing it costs seconds."""
    if not any(any(Path("/dev").glob(pattern)) for pattern in _GPU_DEVICES):
        return False
    seen = "import torch, sys; sys.exit(0 if torch.cuda.is_available() else 3)"
    return subprocess.run([sys.executable, "-c", seen], capture_output=True).returncode == 0  # noqa: S603


def _workers(wishes: Wishes, before: Mapping[str, WorkerPlan]) -> tuple[WorkerPlan, ...]:
    runs = wishes.runs or (before[CPU].runs if CPU in before else CPU_RUNS)
    gpu = wishes.gpu
    if gpu is None:
        gpu = GPU in before if before else has_gpu()
    return (WorkerPlan(CPU, runs), WorkerPlan(GPU, GPU_RUNS)) if gpu else (WorkerPlan(CPU, runs),)


def _check_free(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise StackError(
                f"{host}:{port} cannot be had: {error.strerror}. Choose another with --port, or, if that is your own "
                f"Prefect server, join it: PREFECT_API_URL=http://{host}:{port}/api xtalker up"
            ) from error
