"""``xtalker assets pull | list | verify``."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from flows.settings import Settings
from models.assets import AssetStatus, AssetStore


def run_pull(names: Sequence[str], local: Path | None) -> int:
    store = AssetStore(Settings.load().assets)
    for path in store.pull(names or None, local, progress=lambda line: print(line, file=sys.stderr)):
        print(path)
    return 0


def run_list(as_json: bool) -> int:
    store = AssetStore(Settings.load().assets)
    states = {(s.asset, s.file): s for s in store.verify()}
    if as_json:
        print(json.dumps([a.model_dump(mode="json") for a in store.list()], indent=2))
        return 0
    for asset in store.list():
        missing = any(states[asset.name, f.path].status is not AssetStatus.OK for f in asset.file)
        size = sum(f.size for f in asset.file) / 1e6
        print(f"{asset.name:22} {'missing' if missing else 'here':8} {size:8.1f} MB  {asset.licence:24} {asset.kind}")
    return 0


def run_verify() -> int:
    wrong = [s for s in AssetStore(Settings.load().assets).verify() if s.status is not AssetStatus.OK]
    for state in wrong:
        print(f"{state.asset}/{state.file}: {state.status} at {state.path}")
    print(
        "every asset is as pinned" if not wrong else f"{len(wrong)} files are not; `xtalker assets pull` fetches them"
    )
    return 1 if wrong else 0
