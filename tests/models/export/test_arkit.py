"""The table of ARKit actions: its layout, its round trip, and what it refuses."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.export.arkit import ACTIONS, ANGLES, read_arkit_csv
from models.export.content import UnreadableMotion
from models.export.formats import export
from models.head.model import FULL_JAW_RAD, load_open_head
from tests.models.export.performances import lively

HEAD = load_open_head()


def column(path: Path, name: str) -> list[str]:
    header, *rows = (line.split(",") for line in path.read_text().splitlines())
    return [row[header.index(name)] for row in rows]


def test_the_layout_is_live_link_faces(tmp_path: Path) -> None:
    performance = lively(HEAD, n_frames=30)
    path = export(performance, HEAD, tmp_path / "head.csv").path
    header = path.read_text().splitlines()[0].split(",")
    assert header[:5] == ["Timecode", "BlendShapeCount", "EyeBlinkLeft", "EyeLookDownLeft", "EyeLookInLeft"]
    assert header[-10:] == ["TongueOut", *ANGLES]
    assert len(ACTIONS) == len(set(ACTIONS)) == 52
    assert set(ACTIONS) == {*HEAD.expression_names, "jawOpen", "tongueOut"}
    assert set(column(path, "BlendShapeCount")) == {"61"}
    assert set(column(path, "TongueOut")) == {"0.000000"}
    assert column(path, "Timecode")[24:27] == ["00:00:00:24.000", "00:00:01:00.000", "00:00:01:01.000"]
    opening = np.array(column(path, "JawOpen"), float)
    np.testing.assert_allclose(opening, performance.jaw[:, 0] / FULL_JAW_RAD, atol=1e-6)


def test_motion_comes_back(tmp_path: Path) -> None:
    performance = lively(HEAD, n_frames=30)
    again = read_arkit_csv(export(performance, HEAD, tmp_path / "head.csv").path, HEAD)
    for name in ("expression", "global_rotation", "jaw", "eyes"):
        np.testing.assert_allclose(getattr(again, name), getattr(performance, name), atol=2e-6, err_msg=name)


def test_what_does_not_fit_is_clamped_and_said(tmp_path: Path) -> None:
    performance = lively(HEAD)
    wild = performance.expression.copy()
    wild[3, 7] = 1.4
    exported = export(replace(performance, expression=wild), HEAD, tmp_path / "head.csv")
    assert any("clamped" in note and "0.40" in note for note in exported.notes)
    assert read_arkit_csv(exported.path, HEAD).expression[3, 7] == 1
    assert not any("clamped" in note for note in export(performance, HEAD, tmp_path / "calm.csv").notes)


def test_a_take_at_60_frames_becomes_25(tmp_path: Path) -> None:
    performance = lively(HEAD, n_frames=61)
    path = export(performance, HEAD, tmp_path / "head.csv").path
    again = read_arkit_csv(path, HEAD, frames_per_s=60)
    assert again.n_frames == 26
    np.testing.assert_allclose(again.expression[5], performance.expression[12], atol=2e-6)
    np.testing.assert_allclose(again.expression[-1], performance.expression[60], atol=2e-6)


def test_columns_are_found_by_name_in_any_case_and_order(tmp_path: Path) -> None:
    performance = lively(HEAD)
    path = export(performance, HEAD, tmp_path / "head.csv").path
    rows = [line.split(",")[::-1] for line in path.read_text().splitlines()]
    rows[0] = [name.lower() for name in rows[0]]
    path.write_text("\n".join(",".join(row) for row in rows))
    np.testing.assert_allclose(read_arkit_csv(path, HEAD).expression, performance.expression, atol=2e-6)


@pytest.mark.parametrize("spoil", ["", "a,b\n1,2\n", None, "nan", "word", "short"])
def test_other_files_are_refused(tmp_path: Path, spoil: str | None) -> None:
    path = export(lively(HEAD), HEAD, tmp_path / "head.csv").path
    lines = path.read_text().splitlines()
    match spoil:
        case None:
            path.write_bytes(b"\xff\xfe\x00")
        case "nan" | "word":
            cells = lines[2].split(",")
            path.write_text("\n".join([*lines[:2], ",".join([*cells[:5], spoil, *cells[6:]])]))
        case "short":
            path.write_text("\n".join([*lines[:2], lines[2][:40]]))
        case text:
            path.write_text(text)
    with pytest.raises(UnreadableMotion, match=r"head\.csv"):
        read_arkit_csv(path, HEAD)
