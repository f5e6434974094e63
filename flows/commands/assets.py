"""``xtalker assets pull | list | verify``."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from flows.settings import Settings
from models.assets import CORE_GROUP, AssetStatus, AssetStore


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
        state = "missing" if missing else "here"
        print(f"{asset.name:16} {state:8} {size:8.1f} MB  {asset.licence:24} {asset.kind}, for {asset.group}")
    return 0


def run_verify() -> int:
    store = AssetStore(Settings.load().assets)
    needed = {asset.name for asset in store.list() if asset.group == CORE_GROUP}
    # what only the demo's sample needs may be absent, but not be another file
    wrong = [
        state
        for state in store.verify()
        if state.status is AssetStatus.CORRUPT or (state.status is AssetStatus.MISSING and state.asset in needed)
    ]
    for state in wrong:
        print(f"{state.asset}/{state.file}: {state.status} at {state.path}")
    print(
        f"{len(wrong)} files are not as pinned; `xtalker assets pull NAME` fetches them" if wrong else "all as pinned"
    )
    return 1 if wrong else 0
