"""Arrivals: which files of a landing place are whole, and unknown to the warehouse. Each is taken once, whatever its
end: a refused file is known too.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import TypeAdapter

from flows.landing import FileState, Landing
from flows.offers import described
from schemas.source import Offer
from warehouse.errors import NoWarehouse
from warehouse.lake import reading
from warehouse.read import known_sources

LANDING: Final = "landing"  # below the warehouse: what a bucket brought, and what of a landing place is not news
SEEN: Final = "seen.json"
_OFFER_COLUMNS: Final = ("dataset", "subject_id", "licence", "consent")
_STATES: Final = TypeAdapter(dict[Path, FileState])


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file to be curated, as it was when it was found whole."""

    offer: Offer
    state: FileState


def arrivals(
    landing: Landing, warehouse: Path, settle_s: float, at_most: int, sleep: Callable[[float], None] = time.sleep
) -> tuple[Arrival, ...]:
    """What may be curated now, the oldest first, with what the manifests there say of it.

    A file, or a manifest, that is still being written changes between two looks ``settle_s`` apart; clocks of other
    machines, and times that a copy takes over from its original, do not matter. While a manifest changes nothing is
    taken, for it may bring the rights. Raises ``NoLanding``, ``UnreadableManifest``.
    """
    first = landing.look()
    known = _known(warehouse) | _read_seen(warehouse).items()
    new = [path for path, state in first.videos.items() if (path, state) not in known]
    if not new:
        return ()
    sleep(settle_s)
    second = landing.look()
    if second.manifests != first.manifests:
        return ()
    settled = [path for path in new if second.videos.get(path) == first.videos[path]]
    settled.sort(key=lambda path: (first.videos[path].modified_ns, path))
    taken = settled[:at_most]
    landing.bring([*second.manifests, *taken])
    offers = described(landing.folder)
    return tuple(Arrival(offers.get(path, Offer(path)), first.videos[path]) for path in taken)


def note_seen(warehouse: Path, curated: Iterable[Arrival]) -> None:
    """Remember those that left no trace in the warehouse: it has their bytes already, under the same name and another
    date. Without this they would be hashed again at every look; if it is lost, they are, once."""
    known = _known(warehouse)
    unseen = {a.offer.path: a.state for a in curated if (a.offer.path, a.state) not in known}
    if unseen:
        file = _seen_file(warehouse)
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_suffix(".partial")
        partial.write_bytes(_STATES.dump_json(_read_seen(warehouse) | unseen))
        partial.replace(file)


def write_manifest(offers: Sequence[Offer], path: Path) -> None:
    """Write ``offers`` as a Parquet manifest that ``flows.offers.gather`` reads."""
    columns = {"path": [str(offer.path) for offer in offers]}
    columns |= {name: [getattr(offer, name) for offer in offers] for name in _OFFER_COLUMNS}
    pq.write_table(pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()}), path)


def _known(warehouse: Path) -> frozenset[tuple[Path, FileState]]:
    """The files that were curated or refused, as they were then; under whatever recipe, for another one's scores are
    asked for with `xtalker curate`."""
    try:
        with reading(warehouse) as lake:
            sources = known_sources(lake)
    except NoWarehouse:
        return frozenset()
    return frozenset((Path(s.path), FileState(s.size_bytes, s.modified_ns)) for s in sources)


def _read_seen(warehouse: Path) -> dict[Path, FileState]:
    file = _seen_file(warehouse)
    return _STATES.validate_json(file.read_bytes()) if file.is_file() else {}


def _seen_file(warehouse: Path) -> Path:
    return warehouse / LANDING / SEEN
