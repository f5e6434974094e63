"""The unpickler of our own: nothing a file names is run, and no file makes it work or grow without bound."""

import collections
import os
import pickle
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from models.flame.pickles import read_pickle
from models.flame.standins import RefusedPickle, to_array
from tests.models.flame.files import Ch, Expression, _Python2


class Calls:
    """Pickles as a call of ``function``."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


def global_then_call(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n(S'x'\ntR.".encode()


@pytest.mark.parametrize("protocol", range(6))
def test_a_call_of_the_shell_is_refused_by_name_and_not_made(tmp_path: Path, protocol: int) -> None:
    touched = tmp_path / "touched"
    data = pickle.dumps({"v_template": Calls(os.system, f"touch {touched}")}, protocol)
    with pytest.raises(RefusedPickle, match=r"posix\.system|os\.system"):
        read_pickle(data)
    assert not touched.exists()


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("builtins", "eval"),
        ("__builtin__", "exec"),
        ("builtins", "getattr"),
        ("builtins", "__import__"),
        ("subprocess", "Popen"),
        ("numpy", "load"),
        ("numpy", "fromfile"),
        ("numpy", "ndarray.tofile"),
        ("numpy.testing._private.utils", "runstring"),
        ("numpy.core.multiarray", "fromstring"),
        ("numpy._core.multiarray", "_set_madvise_hugepage"),
        ("numpy.f2py.diagnose", "os"),
        ("scipy.sparse", "load_npz"),
        ("scipy.sparse.csc", "os"),
        ("chumpy.ch.os", "system.x"),
        ("copyreg", "add_extension"),
        ("codecs", "open"),
        ("operator", "attrgetter"),
    ],
)
def test_every_other_name_is_refused(module: str, name: str) -> None:
    with pytest.raises(RefusedPickle) as refused:
        read_pickle(global_then_call(module, name))
    assert f"{module}.{name}" in str(refused.value)


def test_allowed_names_cannot_be_called_for_anything_else() -> None:
    for data in (
        global_then_call("chumpy.ch", "Ch"),
        global_then_call("builtins", "object"),
        b"cnumpy.core.multiarray\n_reconstruct\n(cchumpy.ch\nCh\n(I0\ntS'b'\ntR.",
        b"ccopy_reg\n_reconstructor\n(cnumpy\nndarray\nc__builtin__\nobject\nNtR.",
        b"c_codecs\nencode\n(S'x'\nS'idna'\ntR.",
    ):
        with pytest.raises(RefusedPickle):
            read_pickle(data)


@pytest.mark.parametrize(
    "value", [np.array([os.getcwd, 1], object), np.zeros(2, [("a", "f8")]), np.array(["text"])], ids=["O", "V", "U"]
)
@pytest.mark.parametrize("protocol", [2, 5])
def test_only_plain_numbers_make_an_array(value: np.ndarray, protocol: int) -> None:
    with pytest.raises(RefusedPickle):
        read_pickle(pickle.dumps(value, protocol))


@pytest.mark.parametrize(
    "data",
    [b"P0\n.", b"(i__main__\nX\n.", b"\x80\x02\x82\x01.", b"(c__builtin__\nset\no.", b"Q."],
    ids=["persistent", "instance", "extension", "object", "bad"],
)
def test_operations_no_model_needs_are_refused(data: bytes) -> None:
    with pytest.raises(RefusedPickle):
        read_pickle(data)


def test_deep_nesting_ends_in_a_word_not_in_a_crash() -> None:
    with pytest.raises(RefusedPickle, match="nested deeper"):
        read_pickle(b"(" * 100_000 + b".")
    read_pickle(b"N" + b"\x85" * 40_000 + b".")  # a tuple in a tuple in ...: held, never walked
    with pytest.raises(RefusedPickle, match="operations"):
        read_pickle(b"N" + b"\x85" * 60_000 + b".")


def test_a_hash_bomb_is_not_hashed() -> None:
    doubled = b")" + b"".join(b"2\x86" for _ in range(200))  # 2 ** 200 leaves in 200 tuples
    with pytest.raises(RefusedPickle, match="keys"):
        read_pickle(b"}" + doubled + b"Ns.")
    read_pickle(b"c__builtin__\nset\n(](" + doubled + b"etR.")


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x04\x8e" + struct.pack("<Q", 1 << 60) + b"x.",
        b"\x80\x04\x8d" + struct.pack("<Q", 1 << 62) + b"x.",
        b"T" + struct.pack("<i", (1 << 31) - 1) + b"x.",
        b"\x80\x02Nr" + struct.pack("<I", (1 << 32) - 1) + b"0.",
        b"cnumpy\nndarray\n0",
        pickle.dumps(np.zeros(3), 2).replace(b"K\x03\x85", b"J\xff\xff\xff\x7f\x85"),
        pickle.dumps(np.zeros(3), 2)[:-20],
    ],
    ids=["bytes8", "unicode8", "string", "memo", "no stop", "shape", "cut"],
)
def test_a_claimed_size_is_not_believed(data: bytes) -> None:
    tracemalloc.start()
    with pytest.raises(RefusedPickle):
        read_pickle(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20


def test_a_sparse_matrix_is_not_spelt_out_beyond_reason() -> None:
    huge = sparse.csc_matrix((np.ones(1), ([0], [0])), shape=(200_000, 3_000))
    with pytest.raises(RefusedPickle, match="too large"):
        to_array(read_pickle(pickle.dumps(huge, 2)))
    matrix = sparse.csc_matrix(np.eye(3))
    matrix.indices = np.array([0, 1, 7], np.int32)
    with pytest.raises(RefusedPickle, match="outside"):
        to_array(read_pickle(pickle.dumps(matrix, 2)))


@pytest.mark.parametrize("protocol", range(6))
def test_honest_arrays_come_through_every_protocol(protocol: int) -> None:
    arrays = {
        "f8": np.random.default_rng(0).normal(size=(4, 3)),
        "fortran": np.asfortranarray(np.arange(12, dtype=np.int64).reshape(3, 4)),
        "big": np.arange(5, dtype=">f4"),
        "bool": np.array([True, False]),
        "empty": np.zeros((0, 3)),
    }
    read = read_pickle(pickle.dumps({**arrays, "n": np.float64(2.5), "note": "lbs", "p": [1, None, True]}, protocol))
    assert isinstance(read, dict)
    for key, value in arrays.items():
        np.testing.assert_array_equal(to_array(read[key]), value)
    assert (read["n"], read["note"], read["p"]) == (2.5, "lbs", [1, None, True])


@pytest.mark.parametrize("kind", [sparse.csc_matrix, sparse.csr_matrix, sparse.coo_matrix])
@pytest.mark.parametrize("protocol", [2, 4])
def test_sparse_matrices_come_through(kind: Any, protocol: int) -> None:
    dense = np.random.default_rng(0).random((5, 40)) * (np.random.default_rng(1).random((5, 40)) < 0.2)
    np.testing.assert_array_equal(to_array(read_pickle(pickle.dumps(kind(dense), protocol))), dense)


def test_chumpy_gives_its_numbers_or_is_refused(tmp_path: Path) -> None:
    import io

    for made in (Ch(np.arange(3.0)), Expression(np.arange(3.0))):
        buffer = io.BytesIO()
        _Python2(buffer, protocol=2).dump(made)
        read = read_pickle(buffer.getvalue())
        if isinstance(made, Expression):
            with pytest.raises(RefusedPickle, match=r"chumpy\.ch_ops\.add is an expression"):
                to_array(read)
        else:
            np.testing.assert_array_equal(to_array(read), [0, 1, 2])


def test_an_ordered_dict_is_a_dict() -> None:
    assert read_pickle(pickle.dumps(collections.OrderedDict(a=1), 2)) == {"a": 1}
