"""The five packages import in one direction, and Prefect and the environment stay in flows."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ALLOWED = {
    "schemas": set(),
    "models": {"schemas"},
    "tasks": {"schemas", "models"},
    "warehouse": {"schemas"},
    "flows": {"schemas", "models", "tasks", "warehouse"},
}
# What a package may not know: the warehouse no video and no torch, the words nothing heavy, tasks no SQL.
FORBIDDEN = {
    "schemas": {"torch", "cv2", "mediapipe", "duckdb", "prefect", "av", "scipy", "typer"},
    "models": {"prefect", "duckdb", "typer"},
    "tasks": {"prefect", "duckdb", "typer"},
    "warehouse": {"prefect", "torch", "cv2", "mediapipe", "av", "typer"},
    "flows": set(),
}
FILES = [(package, path) for package in ALLOWED for path in sorted((ROOT / package).rglob("*.py"))]


def imported_roots(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add(node.module or "")
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize(("package", "path"), FILES, ids=lambda v: str(v).replace(f"{ROOT}/", ""))
def test_imports_go_one_way(package: str, path: Path) -> None:
    roots = imported_roots(path)
    ours = roots & ALLOWED.keys() - {package}
    assert ours <= ALLOWED[package], f"{path} imports {sorted(ours - ALLOWED[package])}"
    assert not roots & FORBIDDEN[package], f"{path} imports {sorted(roots & FORBIDDEN[package])}"


@pytest.mark.parametrize(("package", "path"), [f for f in FILES if f[0] != "flows"], ids=lambda v: str(v)[-40:])
def test_only_flows_reads_the_environment(package: str, path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os":
            assert node.attr not in ("environ", "getenv", "putenv"), f"{path}:{node.lineno} reads the environment"


@pytest.mark.parametrize(("package", "path"), FILES, ids=lambda v: str(v)[-40:])
def test_no_file_holds_two_ideas(package: str, path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400
