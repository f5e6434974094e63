"""A whole curation with models of the user's own: FLAME 2023 Open dressed as 2020, and DECA's networks at random."""

import os
import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from models.deca.code import CODE_DIM
from models.deca.network import DecaNetworks
from models.syncnet.network import SyncNetNetwork
from schemas.source import Offer, SourceVideo
from tasks.ingest import IngestConfig, ingest
from tasks.media.footage import Footage
from tests.builders import face_landmarker_file, real_clip, write_media
from tests.models.deca.files import write
from warehouse.sql import query

pytestmark = [pytest.mark.real_data, pytest.mark.slow]

FRAMES = 30


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the video, FLAME's and DECA's files, and assets that have no heads on their shelf."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "assets").mkdir()
    for asset in face_landmarker_file().parent.parent.iterdir():
        if asset.name != "heads" and asset.is_dir():
            (folder / "assets" / asset.name).symlink_to(asset)
    with np.load(real_clip("flame_open/flame2023_open_partial.npz")) as file:
        model = {key: file[key] for key in file.files}
    # Its expressions are not in the file; here they are small, smooth nonsense.
    expressions = np.random.default_rng(0).normal(0, 3e-4, (3, 50)) * model["v_template"][:, :, None]
    model["shapedirs"] = np.concatenate(
        [np.pad(model["shapedirs"], ((0, 0), (0, 0), (0, 300 - model["shapedirs"].shape[2]))), expressions], axis=2
    )
    np.savez(folder / "flame2020.npz", **model)
    torch.manual_seed(0)
    networks = DecaNetworks()
    with torch.no_grad():
        camera = networks.E_flame.layers[2].bias[CODE_DIM - 30 : CODE_DIM - 27]
        camera.copy_(torch.tensor([8.0, 0.0, 0.0]))  # a face's scale on the crop: at random it would be far away
    write(folder / "deca_model.tar", dict(networks.state_dict()))
    source = ingest(Offer(real_clip("talking/hdtf_aoc.mp4")), IngestConfig())
    assert isinstance(source, SourceVideo)
    with Footage(source, 512) as footage:
        pictures = [picture.rgb for picture in islice(footage.pictures(), FRAMES)]
        sound, _ = footage.sound(0, FRAMES)
    write_media(folder / "short.mp4", pictures, sound=sound, sound_rate=16_000)
    return folder


def curate(place: Path, name: str, reconstruct: str, more: str = "") -> dict[str, Any]:
    """The one clip's row of ``motion``, with its scores; and what was said."""
    (place / f"{name}.yaml").write_text(f"reconstruct: {reconstruct}\n{more}")
    words = [sys.executable, "-m", "flows.cli", "curate", str(place / "short.mp4"), "--workers", "1"]
    words += ["--warehouse", str(place / name), "--recipe", str(place / f"{name}.yaml")]
    done = subprocess.run(
        words, capture_output=True, text=True, check=False, env=os.environ | {"XTALKER_ASSETS": str(place / "assets")}
    )
    assert done.returncode == 0, done.stderr[-3000:]
    (row,) = query(place / name, "select * from motion join clips using (clip_id)").to_pylist()
    return row | {"said": done.stderr, "warehouse": place / name}


def test_flame_alone_then_deca_then_both(place: Path) -> None:
    plain = curate(place, "plain", "{head: flame2020.npz}")
    assert "240 of 240 renders" in plain["said"]
    assert plain["head_model"].startswith("flame2020@")
    assert plain["recon_nme"] < 2.5
    assert plain["detail"] is None

    deca = curate(place, "deca", "{head: flame2020.npz, deca: deca_model.tar, backend: deca}")
    assert "renders" not in deca["said"]  # they are on the shelf
    assert len(deca["detail"]) == 128 * deca["n_frames"]
    assert np.ptp(np.reshape(deca["detail"], (-1, 128)), axis=0).max() > 0  # the pictures differ, so do their codes
    assert 2.5 < deca["recon_nme"] < 60  # what a network at random makes of a face: it only knows where it is

    both = curate(place, "both", "{head: flame2020.npz, deca: deca_model.tar, backend: deca+landmarks}")
    assert both["recon_nme"] < 0.5 * deca["recon_nme"]
    assert both["detail"] == deca["detail"]
    assert len({row["clip_id"] for row in (plain, deca, both)}) == 3


def test_show_finds_the_head_and_says_so_where_it_is_not(place: Path) -> None:
    row = curate(place, "plain", "{head: flame2020.npz}")
    words = [sys.executable, "-m", "flows.cli", "show", row["clip_id"], "-w", str(row["warehouse"]), "--still"]
    for assets, code, said in (("assets", 0, ""), ("elsewhere", 1, f"{row['head_model']!r} is not on this machine")):
        done = subprocess.run(
            [*words, "-o", str(place / "sheet.png")],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"XTALKER_ASSETS": str(place / assets)},
        )
        assert done.returncode == code, done.stderr[-2000:]
        assert said in done.stderr
    assert (place / "sheet.png").stat().st_size > 10_000


def test_a_second_finder_is_asked_in_the_one_pass(place: Path) -> None:
    from face_alignment.models import FAN

    torch.manual_seed(0)
    torch.save(FAN(4).state_dict(), place / "2DFAN4.pth.tar")
    compared = curate(place, "fan", "{fan: {network: 2DFAN4.pth.tar, every_frames: 10}}")
    assert compared["head_model"] == "open-head@1"
    assert compared["landmark_disagreement"] > 10  # a network at random points anywhere
    assert curate(place, "open", "{}")["landmark_disagreement"] is None


def test_syncnet_reads_in_place_of_our_own_model_and_is_named(place: Path) -> None:
    torch.manual_seed(0)
    torch.save(SyncNetNetwork().state_dict(), place / "syncnet_v2.model")
    read = curate(place, "syncnet", "{}", "sync: {syncnet: {weights: syncnet_v2.model, every_frames: 5}}\n")
    ours = curate(place, "open", "{}")
    assert read["sync_model"].startswith("syncnet_v2@")
    assert ours["sync_model"].startswith("lip-landmarks@")
    assert read["sync_offset_ms"] is None  # networks at random agree nowhere
    assert 0 < read["sync_p_match"] < 0.5
    assert read["recon_nme"] == ours["recon_nme"]
