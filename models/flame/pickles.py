"""Reads a pickle without running it: a stack machine of our own over ``pickletools``' listing of the operations.

Python's unpickler calls what the file names. This one calls nothing: a global is a name on a short list
(``models.flame.standins``) or the file is refused, and an object is a record of its state. Work and memory are bounded
by the file's size and by the number of its operations; nothing recurses.
"""

import codecs
import io
import pickletools
from collections.abc import Callable, Iterator
from typing import Any, Final

from models.flame.standins import Name, RefusedPickle, admit_name, call, fill, new

_MOST_OPERATIONS: Final = 50_000  # a FLAME file has some hundreds; every one makes at most a small object
_DEEPEST: Final = 1_000  # marks open at once
_CONSTANTS: Final = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_LITERALS: Final = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}
_TUPLES: Final = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_IGNORED: Final = {"PROTO", "FRAME"}


def read_pickle(data: bytes) -> object:
    """The object in ``data``, of plain Python values, arrays and ``models.flame.standins`` records.

    Python 2's byte strings come as text, one character a byte (latin-1). Raises ``RefusedPickle`` for a name that is
    not allowed, for an operation that no model file needs and for a file cut short.
    """
    machine = _Machine()
    try:
        for count, (operation, argument) in enumerate(_operations(data)):
            if count >= _MOST_OPERATIONS:
                raise RefusedPickle(f"the pickle has more than {_MOST_OPERATIONS} operations")
            machine.step(operation, argument)
        return machine.result
    except RefusedPickle:
        raise
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise RefusedPickle(f"not a whole pickle ({type(error).__name__}: {str(error)[:200]})") from error


def _operations(data: bytes) -> Iterator[tuple[str, Any]]:
    """Name and argument of each operation up to STOP."""
    by_code = {opcode.code: opcode for opcode in pickletools.opcodes}
    stream = io.BytesIO(data)
    while byte := stream.read(1):
        opcode = by_code.get(byte.decode("latin-1"))
        if opcode is None:
            raise ValueError(f"no operation {byte!r}")
        argument = None
        if opcode.name == "STRING":  # pickletools reads it as ASCII; Python 2 wrote bytes
            argument = codecs.escape_decode(stream.readline().strip()[1:-1])[0].decode("latin-1")
        elif opcode.arg is not None:
            argument = opcode.arg.reader(stream)
        yield opcode.name, argument
        if opcode.name == "STOP":
            return
    raise ValueError("it ends early")


class _Machine:
    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._marked: list[list[Any]] = []  # the stacks below each open mark
        self._memo: dict[int, Any] = {}
        self.result: object = None
        self._steps: dict[str, Callable[[Any], None]] = {
            "MARK": self._mark,
            "POP": self._pop,
            "POP_MARK": self._pop_mark,
            "DUP": lambda _: self._push(self._stack[-1]),
            "LIST": lambda _: self._push(self._since_mark()),
            "TUPLE": lambda _: self._push(tuple(self._since_mark())),
            "DICT": lambda _: self._push(_paired({}, self._since_mark())),
            "EMPTY_LIST": lambda _: self._push([]),
            "EMPTY_DICT": lambda _: self._push({}),
            "APPEND": self._append,
            "APPENDS": self._appends,
            "SETITEM": self._set_item,
            "SETITEMS": self._set_items,
            "PUT": self._put,
            "BINPUT": self._put,
            "LONG_BINPUT": self._put,
            "MEMOIZE": lambda _: self._put(len(self._memo)),
            "GET": self._get,
            "BINGET": self._get,
            "LONG_BINGET": self._get,
            "GLOBAL": lambda text: self._push(admit_name(*text.split(" ", 1))),
            "STACK_GLOBAL": self._stack_global,
            "REDUCE": self._reduce,
            "NEWOBJ": self._new,
            "BUILD": self._build,
            "STOP": self._stop,
        }

    def step(self, name: str, argument: Any) -> None:
        """One operation of the file."""
        if name in _LITERALS:
            self._stack.append(argument)
        elif name in _CONSTANTS:
            self._stack.append(_CONSTANTS[name])
        elif name in _TUPLES:
            size = _TUPLES[name]
            start = len(self._stack) - size
            if start < 0:
                raise IndexError("a tuple of what is not there")
            self._stack[start:] = [tuple(self._stack[start:])]
        elif name in self._steps:
            self._steps[name](argument)
        elif name not in _IGNORED:
            raise RefusedPickle(f"the pickle uses the operation {name}, which no model file needs")

    def _mark(self, _: object) -> None:
        if len(self._marked) >= _DEEPEST:
            raise RefusedPickle(f"the pickle is nested deeper than {_DEEPEST}")
        self._marked.append(self._stack)
        self._stack = []

    def _since_mark(self) -> list[Any]:
        items, self._stack = self._stack, self._marked.pop()
        return items

    def _push(self, value: object) -> None:
        self._stack.append(value)

    def _pop_mark(self, _: object) -> None:
        self._since_mark()

    def _pop(self, _: object) -> None:
        if self._stack:
            self._stack.pop()
        else:
            self._since_mark()

    def _append(self, _: object) -> None:
        value = self._stack.pop()
        _of(list, self._stack[-1]).append(value)

    def _appends(self, _: object) -> None:
        items = self._since_mark()
        _of(list, self._stack[-1]).extend(items)

    def _set_item(self, _: object) -> None:
        value, key = self._stack.pop(), self._stack.pop()
        _paired(_of(dict, self._stack[-1]), [key, value])

    def _set_items(self, _: object) -> None:
        items = self._since_mark()
        _paired(_of(dict, self._stack[-1]), items)

    def _put(self, key: Any) -> None:
        self._memo[int(key)] = self._stack[-1]

    def _get(self, key: Any) -> None:
        self._stack.append(self._memo[int(key)])

    def _stack_global(self, _: object) -> None:
        name, module = self._stack.pop(), self._stack.pop()
        self._stack.append(admit_name(_of(str, module), _of(str, name)))

    def _reduce(self, _: object) -> None:
        arguments = self._stack.pop()
        self._stack[-1] = call(self._stack[-1], arguments)

    def _new(self, _: object) -> None:
        arguments = self._stack.pop()
        self._stack[-1] = new(self._stack[-1], arguments)

    def _build(self, _: object) -> None:
        state = self._stack.pop()
        fill(self._stack[-1], state)

    def _stop(self, _: object) -> None:
        self.result = self._stack.pop()
        if isinstance(self.result, Name):
            raise RefusedPickle(f"the pickle is {self.result} itself")


def _of(wanted: type[Any], value: Any) -> Any:
    if type(value) is not wanted:
        raise RefusedPickle(f"the pickle treats a {type(value).__name__} as a {wanted.__name__}")
    return value


def _paired(target: dict[Any, Any], items: list[Any]) -> dict[Any, Any]:
    keys = items[::2]
    # Only what hashes at once: a tuple of tuples of tuples may take for ever.
    if len(items) % 2 or not all(isinstance(key, str | int) for key in keys):
        raise RefusedPickle("the pickle holds a dict with keys that are not names")
    target.update(zip(keys, items[1::2], strict=True))
    return target
