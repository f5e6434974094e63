"""Where artifacts are put: the Prefect server, beside the run that leaves them."""

from collections.abc import Mapping, Sequence

from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.client.orchestration import get_client
from prefect.runtime import flow_run

from flows.artifacts.markdown import link

Cell = str | int | float | None


def leave_text(key: str, markdown: str, description: str) -> None:
    """Raises httpx's errors if the server is away, as ``leave_table`` and ``tag_run`` do."""
    create_markdown_artifact(markdown, key=key, description=description)


def leave_table(key: str, rows: Sequence[Mapping[str, Cell]], description: str) -> None:
    """The columns are those of the first row; the UI can search in it, and shows ten rows at a time."""
    create_table_artifact([dict(row) for row in rows], key=key, description=description)


def tag_run(*tags: str) -> None:
    """Add tags to this run: in the UI a click on one lists the runs that have it too."""
    with get_client(sync_client=True) as client:
        client.update_flow_run(flow_run.id, tags={*flow_run.tags, *tags})


def this_run() -> str:
    """A link to it."""
    return link(f"run {flow_run.name}", "runs", "flow-run", str(flow_run.id))


def runs_tagged(text: str, tag: str) -> str:
    """A link to all runs with that tag."""
    return link(text, "runs", tags=tag)
