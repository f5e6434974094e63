"""What ships is what is needed: dependencies are declared, data files are packed, and the README's commands exist."""

import ast
import re
import shlex
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from typer.main import get_command

from flows.cli import app

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES = ("flows", "tasks", "models", "schemas", "warehouse")


def named(requirements: list[str]) -> set[str]:
    names = (re.match(r"[A-Za-z0-9._-]+", requirement) for requirement in requirements)
    return {re.sub(r"[-_.]+", "-", name[0]).lower() for name in names if name}


def imports_of(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return {name.split(".")[0] for name in plain | {n.module or "" for n in nodes if isinstance(n, ast.ImportFrom)}}


def test_every_package_imported_is_a_dependency_of_our_own() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    declared = named(PROJECT["project"]["dependencies"]) | named(extras["build-head"])
    distributions = packages_distributions()
    imported = set.union(*(imports_of(path) for package in PACKAGES for path in (ROOT / package).rglob("*.py")))
    for name in sorted(imported - set(sys.stdlib_module_names) - set(PACKAGES)):
        providers = named(distributions.get(name, [name]))
        assert providers & declared, f"{name} is imported, but pyproject.toml names none of {sorted(providers)}"


@pytest.mark.parametrize("package", PACKAGES)
def test_every_data_file_is_packed(package: str) -> None:
    patterns = PROJECT["tool"]["setuptools"]["package-data"].get(package, [])
    packed = {path for pattern in patterns for path in (ROOT / package).glob(pattern)}
    there = {path for path in (ROOT / package).rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert {path for path in there if path.suffix not in (".py", ".md")} <= packed


README = (ROOT / "README.md").read_text()
LINES = [line.split("#")[0] for block in re.findall(r"```\n(.*?)```", README, re.S) for line in block.splitlines()]


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("xtalker ")])
def test_commands_of_the_readme_are_commands(line: str) -> None:
    parse(shlex.split(line)[1:])


@pytest.mark.parametrize("options", re.findall(r"^\|[^|]*\| `(--[^`]*)` \|", README, re.M))
def test_controls_of_the_readme_are_options_of_generate(options: str) -> None:
    parse(["generate", "-a", "speech.wav", "-o", "out.mp4", *shlex.split(options)])


def parse(arguments: list[str]) -> None:
    """Read the arguments as the command line would, down to the command, without running it."""
    command, context = get_command(app), None
    while hasattr(command, "resolve_command") and arguments:  # typer has a click of its own
        context = command.make_context("xtalker", arguments, parent=context)
        _, command, arguments = command.resolve_command(context, [*context._protected_args, *context.args])
    command.make_context("xtalker", arguments, parent=context)
