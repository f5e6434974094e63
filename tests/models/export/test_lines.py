"""Lines of JSON hold what the table of ARKit actions holds."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from models.export.arkit import ACTIONS
from models.export.formats import export
from models.export.lines import to_lines
from models.head.model import load_open_head
from tests.models.export.performances import lively

HEAD = load_open_head()
TURNS = ("Pitch", "Yaw", "Roll")


def test_a_line_is_a_row_of_the_table_with_angles_in_degrees(tmp_path: Path) -> None:
    performance = lively(HEAD, n_frames=7)
    lines = to_lines(performance, HEAD, first_frame=30)
    assert [line[-1] for line in lines] == ["\n"] * 7
    with export(performance, HEAD, tmp_path / "head.csv").path.open() as file:
        rows = list(csv.DictReader(file))
    for k, (line, row) in enumerate(zip(map(json.loads, lines), rows, strict=True)):
        assert (line["frame"], line["time_s"]) == (30 + k, pytest.approx((30 + k) / 25))
        assert tuple(line["arkit"]) == ACTIONS
        for name, value in line["arkit"].items():
            assert value == pytest.approx(float(row[name[0].upper() + name[1:]]), abs=1e-4)
        for key, part in (("head_deg", "Head"), ("left_eye_deg", "LeftEye"), ("right_eye_deg", "RightEye")):
            wanted = np.degrees([float(row[f"{part}{turn}"]) for turn in TURNS])
            np.testing.assert_allclose(line[key], wanted, atol=0.01)


def test_what_lies_outside_an_actions_range_is_clamped() -> None:
    performance = lively(HEAD)
    performance.expression.flags.writeable = True
    performance.expression[0] = 1.7
    performance.expression[1] = -0.3
    first, second = (json.loads(line)["arkit"] for line in to_lines(performance, HEAD)[:2])
    assert {first[name] for name in HEAD.expression_names} == {1.0}
    assert {second[name] for name in HEAD.expression_names} == {0.0}
