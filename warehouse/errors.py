"""What can go wrong with a warehouse, in words that say what to do."""


class WarehouseError(Exception):
    """The base of every error this package raises on purpose."""


class ExtensionMissing(WarehouseError):
    """A DuckDB extension the lake needs is not installed."""


class InvalidConfig(WarehouseError):
    """A ``warehouse.toml`` cannot be followed."""


class CatalogueUnreachable(WarehouseError):
    """The database that holds the catalogue does not answer."""


class StoreUnreachable(WarehouseError):
    """The object store that holds the shards does not answer, or refuses."""


class NoWarehouse(WarehouseError):
    """There is no warehouse at this place."""


class CatalogueLost(WarehouseError):
    """There are shards of which the catalogue, if there is one, knows nothing."""


class IncompatibleWarehouse(WarehouseError):
    """The catalogue's tables are not those of this version."""


class InconsistentLake(WarehouseError):
    """The tables do not fit together as commits of this program leave them."""


class CommitterBusy(WarehouseError):
    """Another process is writing; there is one committer at a time."""


class CommitterLockLost(WarehouseError):
    """The committer's connection to the catalogue broke, and with it the right to commit."""


class InvalidCommit(WarehouseError):
    """What was staged cannot be a commit."""


class StaleCommit(WarehouseError):
    """A commit names clips or models that the warehouse does not, or no longer, hold."""


class InvalidCheckpoint(WarehouseError):
    """A folder cannot be a model's checkpoint."""


class WrongQuery(WarehouseError):
    """What was asked cannot be answered; ask otherwise."""


class UnknownSnapshot(WrongQuery):
    """No snapshot has this number."""


class UnknownName(WrongQuery):
    """Nothing in the warehouse goes by this path, id or prefix."""


class AmbiguousName(WrongQuery):
    """Several things in the warehouse go by this name or prefix."""


class NotReadOnly(WrongQuery):
    """The SQL would do something other than read the warehouse."""


class LicenceRefused(WrongQuery):
    """Selected footage may not be used for what was stated."""


class MixedHeadModels(WrongQuery):
    """Selected clips were fitted with more than one head model."""


class NothingSelected(WrongQuery):
    """No clip of the snapshot fits the selection."""


class NothingToRollBack(WrongQuery):
    """An alias has had no other version before."""


class SqlError(WrongQuery):
    """DuckDB refused the SQL; the message is its own."""


class QueryTimedOut(WarehouseError):
    """The SQL ran past its time limit."""
