"""The commands of the avatar: train, models, generate, live, evaluate."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from flows.cli_options import (
    EmotionCurveOption,
    EmotionOption,
    IdentityOption,
    ImageOption,
    JsonOption,
    ModelOption,
    PoseOption,
    PromptOption,
    SeedOption,
    StepsOption,
    WarehouseOption,
    finish,
)

app = typer.Typer()
models_app = typer.Typer(help="Every model trained here: list, show, promote, roll back.")
app.add_typer(models_app, name="models")


class Preset(StrEnum):
    SMALL = "small"
    BASE = "base"
    PAPER = "paper"


class Split(StrEnum):
    SENTENCES = "sentences"
    VAL = "val"
    TEST = "test"


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

    finish(
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


@app.command("train-sync")
def train_sync(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write the model to.")],
    warehouse: WarehouseOption = None,
    where: Annotated[str, typer.Option(help="SQL: clips whose lips and sound are in step.")] = "true",
    holdout: Annotated[
        str | None, typer.Option(help="SQL for clips it is calibrated on. Default: a twentieth of the sentences.")
    ] = None,
    licences: Annotated[
        list[str] | None,
        typer.Option(help="commercial, research, any, or licence classes and texts that are accepted. Repeatable."),
    ] = None,
    invented: Annotated[int, typer.Option(min=0, help="Invented speakers beside the clips, a minute each.")] = 96,
    max_minutes: Annotated[float | None, typer.Option(min=0.01, help="Default: 12.")] = None,
    max_steps: Annotated[int | None, typer.Option(min=1, help="Makes a run repeatable bit by bit on a CPU.")] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    devices: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:1.")] = "auto",
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the same run, stopped or killed.")] = False,
) -> None:
    """Train the network that hears whether lips and sound are in step, on a snapshot and on invented speakers.

    Curation uses it where a recipe says `sync: {model: FOLDER}`.

    - `xtalker train-sync -o sync --where "sync_p_in_sync > 0.9" --licences commercial`
    """
    from flows.commands.train_sync import call, run

    finish(
        lambda: run(
            call(where, holdout, licences, invented, max_minutes, max_steps, seed), output, devices, resume, warehouse
        )
    )


@models_app.callback(invoke_without_command=True)
def models(context: typer.Context, warehouse: WarehouseOption = None, as_json: JsonOption = False) -> None:
    """Every model trained here, with its snapshot, licence class, metrics and aliases."""
    if context.invoked_subcommand is None:
        from flows.commands.models import run_list

        finish(lambda: run_list(warehouse, as_json))


@models_app.command("show")
def models_show(
    version: Annotated[str, typer.Argument(help="champion, latest, a version or the start of one.")],
    warehouse: WarehouseOption = None,
) -> None:
    """One version: its data, every number measured of it, and the decisions about it."""
    from flows.commands.models import run_show

    finish(lambda: run_show(version, warehouse))


@models_app.command("promote")
def models_promote(
    version: Annotated[str, typer.Argument(help="latest, a version or the start of one.")],
    warehouse: WarehouseOption = None,
    force: Annotated[bool, typer.Option("--force", help="Whatever the rule says; that is written down too.")] = False,
) -> None:
    """Make a version the champion, if it beats the one there is."""
    from flows.commands.models import run_promote

    finish(lambda: run_promote(version, force, warehouse))


@models_app.command("rollback")
def models_rollback(warehouse: WarehouseOption = None) -> None:
    """Make the version before it champion again."""
    from flows.commands.models import run_rollback

    finish(lambda: run_rollback(warehouse))


@app.command()
def generate(
    audio: Annotated[Path, typer.Option("--audio", "-a", help="The speech: a sound file, or a video with sound.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help=".mp4 film, .glb or .usda scene, .csv ARKit, .npz parameters.")
    ],
    image: ImageOption = None,
    identity: IdentityOption = None,
    emotion: EmotionOption = None,
    emotion_curve: EmotionCurveOption = None,
    pose: PoseOption = None,
    camera: Annotated[str | None, typer.Option(help="fixed, orbit, push-in, ... or a CSV of keyframes.")] = None,
    prompt: PromptOption = None,
    model: ModelOption = None,
    steps: StepsOption = None,
    seed: SeedOption = 0,
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

    request = Request(
        audio=audio,
        output=output,
        image=image,
        identity=identity,
        emotion=emotion,
        emotion_curve=emotion_curve,
        pose=pose,
        camera=camera,
        prompt=prompt,
        model=model,
        steps=steps,
        seed=seed,
        size_px=size,
    )
    finish(lambda: run(request, warehouse))


@app.command()
def live(
    rate: Annotated[int, typer.Option(min=4000, max=384_000, help="Samples a second of the sound.")] = 16_000,
    channels: Annotated[int, typer.Option(min=1, max=64, help="Of the sound, interleaved; they are mixed.")] = 1,
    image: ImageOption = None,
    identity: IdentityOption = None,
    emotion: EmotionOption = None,
    emotion_curve: EmotionCurveOption = None,
    pose: PoseOption = None,
    prompt: PromptOption = None,
    model: ModelOption = None,
    steps: StepsOption = None,
    seed: SeedOption = 0,
    warehouse: WarehouseOption = None,
) -> None:
    """Move a 3D head while somebody speaks: raw sound on standard input, a line of JSON a frame on standard output.

    The sound is signed 16-bit little-endian PCM without a header. A frame comes 0.45 to 0.7 s after its sound was
    there: hold the sound back by 0.7 s. It has `frame`, `time_s`, the 52 actions of `arkit`, and pitch, yaw and roll
    in `head_deg`, `left_eye_deg`, `right_eye_deg`. Wait for "listens" on standard error before you speak.

    - `ffmpeg -f pulse -i default -f s16le -ar 16000 -ac 1 - | xtalker live | my-renderer`
    - `ffmpeg -re -i talk.mp4 -f s16le -ar 48000 -ac 2 - | xtalker live --rate 48000 --channels 2 --emotion happy:0.5`
    """
    from flows.commands.live import run
    from flows.performing import Casting

    casting = Casting(
        image=image,
        identity=identity,
        emotion=emotion,
        emotion_curve=emotion_curve,
        pose=pose,
        prompt=prompt,
        model=model,
        steps=steps,
        seed=seed,
    )
    finish(lambda: run(casting, rate, channels, warehouse))


@app.command()
def evaluate(
    warehouse: WarehouseOption = None,
    model: Annotated[str | None, typer.Option(help="champion, default, latest, a version.")] = None,
    split: Annotated[list[Split] | None, typer.Option(help="sentences, val or test. Repeatable.")] = None,
    report: Annotated[Path | None, typer.Option(help="A folder for the report page with plots and films.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Performances of every clip.")] = 3,
    films: Annotated[int, typer.Option(min=0, help="Side-by-side films in the report.")] = 2,
    steps: StepsOption = None,
    where: Annotated[str | None, typer.Option(help="SQL; default: what the model was selected by.")] = None,
    sync: Annotated[
        Path | None, typer.Option(help="A folder that train-sync wrote, to judge sync; default: the one that ships.")
    ] = None,
) -> None:
    """Measure a model on clips it has not seen, beside rows that must lose: shuffled audio, frozen mouth, means.

    Whether lips say their sound is judged by the sync model, of clips whose source is still there.

    - `xtalker evaluate --split test --report report/`
    """
    from flows.commands.evaluate import run

    splits = [s.value for s in split or [Split.TEST]]
    finish(lambda: run(model, splits, report, seeds, films, steps, where, sync, warehouse))
