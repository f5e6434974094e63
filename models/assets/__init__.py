"""Files the program needs but did not write: pinned by hash, fetched from several sources, checked before use."""

from models.assets.errors import AssetError, AssetMissing, AssetUnavailable, UnknownAsset
from models.assets.manifest import Asset, AssetFile, load_manifest
from models.assets.store import CORE_GROUP, AssetState, AssetStatus, AssetStore

__all__ = [
    "CORE_GROUP",
    "Asset",
    "AssetError",
    "AssetFile",
    "AssetMissing",
    "AssetState",
    "AssetStatus",
    "AssetStore",
    "AssetUnavailable",
    "UnknownAsset",
    "load_manifest",
]
