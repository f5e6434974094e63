"""What can be wrong with an asset; each message says what to do."""


class AssetError(RuntimeError):
    """The environment lacks something that an asset needs."""


class UnknownAsset(AssetError):
    """No asset of that name is in the manifest."""


class AssetMissing(AssetError):
    """An asset is not in the store, or is there with other bytes than the manifest promises."""


class AssetUnavailable(AssetError):
    """Every source of a file failed."""


class SourceFailed(AssetError):
    """One source of a file did not give the promised bytes; another may."""
