"""The commands behind ``flows.cli``, one module each kind, and how their errors reach the user."""

import sys
from collections.abc import Callable

from flows.errors import FlowError, WrongCall
from models.assets import AssetError
from warehouse.errors import NoWarehouse, WarehouseError, WrongQuery

WRONG_CALL = 2
FAILED = 1


def guarded(command: Callable[[], int]) -> int:
    """The exit code of ``command``; its domain errors become a message without a traceback.

    Anything that is not a domain error is a bug, and keeps its traceback.
    """
    try:
        return command()
    except (WrongCall, NoWarehouse, WrongQuery) as error:
        code, message = WRONG_CALL, str(error)
    except (FlowError, AssetError, WarehouseError) as error:
        code, message = FAILED, str(error)
    print(f"xtalker: {message}", file=sys.stderr)
    return code
