"""The commands of the Prefect stack: up, down, status, worker."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli_options import JsonOption, finish

app = typer.Typer()

StateOption = Annotated[
    Path | None,
    typer.Option(
        help="Folder of Prefect's database, logs and process ids. Default: $XTALKER_STATE, else .xtalker/prefect"
    ),
]


@app.command()
def up(
    state: StateOption = None,
    host: Annotated[str | None, typer.Option(help="Address that the server binds to. Default: 127.0.0.1")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Default: 4200, or the last one.")] = None,
    runs: Annotated[int | None, typer.Option(min=1, help="Flow runs at a time on the cpu worker. Default: 4")] = None,
    gpu: Annotated[
        bool | None, typer.Option(help="A worker of the gpu pool too. Default: if PyTorch sees a GPU.")
    ] = None,
    foreground: Annotated[
        bool, typer.Option("--foreground", help="Stay attached, show the logs, stop everything on Ctrl-C.")
    ] = False,
) -> None:
    """Start Prefect here: server with UI, workers, and every deployment of `prefect.yaml`.

    Says so if it is up already, and starts again what was lost; what was edited in the UI stays. With PREFECT_API_URL
    set no server is started: the deployments go to that one, and the workers work for it.

    - `xtalker up`, then put video into the landing folder that it names
    - `PREFECT_API_URL=http://10.0.0.5:4200/api xtalker up --foreground`
    """
    from flows.commands.stack import run_up
    from flows.stack.wishes import Wishes

    finish(lambda: run_up(state, Wishes(host, port, runs, gpu), foreground))


@app.command()
def down(state: StateOption = None) -> None:
    """Stop the server and workers that `up` started here, with all their runs; they go on after the next `up`."""
    from flows.commands.stack import run_down

    finish(lambda: run_down(state))


@app.command()
def status(state: StateOption = None, as_json: JsonOption = False) -> None:
    """What runs: server, workers, pools, deployments with schedules and last runs. Exit code 1 if something is down."""
    from flows.commands.stack import run_status

    finish(lambda: run_status(state, as_json))


@app.command()
def worker(
    pool: Annotated[str, typer.Option(help="The work pool; it is made if it is not there.")],
    runs: Annotated[int, typer.Option(min=1, help="Flow runs at a time.")] = 1,
    state: StateOption = None,
) -> None:
    """Work for the server at PREFECT_API_URL, and wait for it first: what a container or a GPU machine runs.

    - `PREFECT_API_URL=http://10.0.0.5:4200/api xtalker worker --pool gpu`
    """
    from flows.commands.stack import run_worker

    finish(lambda: run_worker(state, pool, runs))
