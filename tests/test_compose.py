"""docker-compose.yml, the Dockerfile and what they refer to. No Docker engine runs here: the file is held to the
compose specification, every reference is followed, and ``tests/prefect/test_compose.py`` runs the commands."""

import fnmatch
import importlib.resources
import importlib.util
import json
import re
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import pytest

from tests.compose import ROOT, SECRETS, TEXT, Missing, read, variables_of
from tests.test_packaging import PACKAGES, PROJECT, parse
from warehouse.config import load_config

COMPOSE = read(SECRETS)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ONE_SHOT = {name for name, service in SERVICES.items() if str(service["restart"]).startswith("on-failure")}
OURS = {name for name, service in SERVICES.items() if "build" in service}
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
PINNED = re.compile(r"[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}")
LOCK = dict(line.split("==") for line in (ROOT / "requirements.lock").read_text().splitlines() if "==" in line)


def each_service(names: Any = SERVICES) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("name", sorted(names))


def test_it_is_a_compose_file() -> None:
    schema = importlib.resources.files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    jsonschema.validate(COMPOSE, json.loads(schema.read_text()))


@pytest.mark.parametrize("name", SECRETS)
def test_it_is_refused_without_a_password(name: str) -> None:
    for rest in (SECRETS | {name: ""}, {key: value for key, value in SECRETS.items() if key != name}):
        with pytest.raises(Missing, match=f"^{name}: choose "):
            read(rest)


@each_service()
def test_no_secret_has_a_value_in_the_file(name: str) -> None:
    for key, value in read({name: f"<{name}>" for name in SECRETS})["services"][name].get("environment", {}).items():
        if re.search(r"PASSWORD|SECRET|ACCESS_KEY|AUTH_STRING", key):
            assert re.fullmatch(r"<\w+>", value), f"{key} of {name} is written down"


def test_every_variable_is_explained_and_every_explained_one_used() -> None:
    head = re.match(r"(#.*\n)+", TEXT)
    assert head
    explained = {word for line in head[0].splitlines() for word in re.findall(r"^#   ((?:\w+, )*\w+)", line)}
    names = {name for words in explained for name in words.split(", ") if name.isupper()}
    names |= set(re.findall(r"(XTALKER_GPU_MEMORY)", head[0]))
    assert names == variables_of(TEXT)


@each_service()
def test_images_are_pinned(name: str) -> None:
    image = SERVICES[name]["image"]
    if name in OURS:
        assert image.split(":")[1].split("-")[0] == PROJECT["project"]["version"]
    else:
        assert PINNED.fullmatch(image)


def test_only_the_ui_is_published_and_on_the_loopback() -> None:
    assert {name: service["ports"] for name, service in SERVICES.items() if "ports" in service} == {
        "server": ["127.0.0.1:4200:4200"]
    }
    reachable = {name for name, network in COMPOSE["networks"].items() if not (network or {}).get("internal")}
    assert [name for name, service in SERVICES.items() if reachable & set(service["networks"])] == ["server"]


@each_service()
def test_containers_are_held_tight(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert re.fullmatch(r"\d+g", service["mem_limit"])
    assert not {"privileged", "network_mode", "pid", "ipc"} & service.keys()
    assert not any("docker.sock" in volume for volume in service.get("volumes", []))
    assert re.search(r"^USER (?!root|0)\w+$", DOCKERFILE, re.M) if name in OURS else True


@each_service(SERVICES.keys() - ONE_SHOT)
def test_what_runs_on_has_a_health_check(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    assert check["test"][0] in ("CMD", "CMD-SHELL")
    assert {"interval", "timeout", "retries", "start_period"} <= check.keys()


@each_service()
def test_whom_a_service_waits_for_can_answer(name: str) -> None:
    for other, how in SERVICES[name].get("depends_on", {}).items():
        assert other in SERVICES
        assert "profiles" not in SERVICES[other], f"{other} may not run"
        wanted = "service_completed_successfully" if other in ONE_SHOT else "service_healthy"
        assert how["condition"] == wanted


@each_service()
def test_networks_and_volumes_are_declared_and_files_exist(name: str) -> None:
    service = SERVICES[name]
    assert set(service["networks"]) <= COMPOSE["networks"].keys()
    for volume in service.get("volumes", []):
        source, _, rest = volume.partition(":")
        if source.startswith("./deploy/"):
            assert (ROOT / source).is_file()
            assert rest.endswith(":ro")
        elif source == "./landing":
            assert rest == "/landing:ro"
        else:
            assert source in COMPOSE["volumes"]


def test_nothing_is_declared_in_vain() -> None:
    used = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert COMPOSE["volumes"].keys() <= used
    assert COMPOSE["networks"].keys() == {network for service in SERVICES.values() for network in service["networks"]}


@each_service(OURS)
def test_every_folder_a_service_is_told_of_is_there(name: str) -> None:
    """A folder in the environment is a mount, or made by the Dockerfile."""
    service = SERVICES[name]
    mounted = {volume.split(":")[1] for volume in service.get("volumes", [])}
    mounted |= {place.split(":")[0] for place in service["tmpfs"]}
    made = set(re.findall(r" (/\w+)(?=[ \n])", re.search(r"RUN useradd.*", DOCKERFILE)[0] + "\n"))
    folders = {value for value in service["environment"].values() if value.startswith("/")}
    assert {"/" + folder.split("/")[1] for folder in folders} <= mounted | made | {"/landing"}
    if "worker" in name:
        assert folders | {service["working_dir"]} <= mounted, "a worker writes to what is not a volume"
        writable = {volume.split(":")[1] for volume in service["volumes"] if not volume.endswith(":ro")}
        assert writable <= made, "a volume takes its owner from the image's folder"


@each_service(OURS)
def test_hosts_that_a_service_talks_to_share_a_network_with_it(name: str) -> None:
    service = SERVICES[name]
    environment = service["environment"]
    hosts = {environment.get("PREFECT_SERVER_DATABASE_HOST"), urlsplit(environment.get("PREFECT_API_URL", "")).hostname}
    if any("warehouse.toml" in volume for volume in service.get("volumes", [])):
        config = load_config(ROOT / "deploy")
        hosts |= {urlsplit(config.endpoint).hostname, libpq(config.conninfo)["host"]}
    for host in hosts - {None}:
        assert set(SERVICES[host]["networks"]) & set(service["networks"]), f"{name} cannot reach {host}"


def test_the_warehouse_and_the_server_use_what_was_made_for_them() -> None:
    config, sql = load_config(ROOT / "deploy"), (ROOT / "deploy" / "databases.sql").read_text()
    catalogue, server = libpq(config.conninfo), SERVICES["server"]["environment"]
    for user, database in (
        (catalogue["user"], catalogue["dbname"]),
        (server["PREFECT_SERVER_DATABASE_USER"], server["PREFECT_SERVER_DATABASE_NAME"]),
    ):
        assert f"CREATE ROLE {user} LOGIN" in sql
        assert f"CREATE DATABASE {database} OWNER {user};" in sql
    assert urlsplit(config.store).hostname == SERVICES["store"]["environment"]["S3_BUCKET"]
    assert set(re.findall(r"getenv \w+ (\w+)", sql)) <= SERVICES["database"]["environment"].keys()
    assert server["PREFECT_SERVER_API_AUTH_STRING"] == SERVICES["cpu-worker"]["environment"]["PREFECT_API_AUTH_STRING"]


def libpq(conninfo: str | None) -> dict[str, str]:
    assert conninfo
    return dict(word.split("=") for word in conninfo.split())


@each_service(OURS)
def test_commands_are_there(name: str) -> None:
    service = SERVICES[name]
    for command in (service["command"], service.get("healthcheck", {"test": ["CMD"]})["test"][1:]):
        match command:
            case ["xtalker", *arguments]:
                parse(arguments)
            case ["prefect", *_]:
                assert "prefect" in LOCK  # its words are tried against a real one by tests/prefect/test_compose.py
            case ["python", "-m", module, *_]:
                assert importlib.util.find_spec(module)
            case ["python", "-c", code]:
                compile(code, name, "exec")
            case ["python", script, *_]:
                assert (ROOT / Path(script).relative_to("/app")).is_file()
            case []:
                assert name in ONE_SHOT
            case _:
                pytest.fail(f"{name} runs {command}")
        for word in command:
            assert not str(word).startswith("/app/") or not ignored(Path(word).relative_to("/app"))


def test_pools_that_are_worked_for_are_made() -> None:
    made = SERVICES["deploy"]["command"][4:]
    worked = [SERVICES[name]["command"][3] for name in ("cpu-worker", "gpu-worker")]
    checked = [SERVICES[name]["healthcheck"]["test"][-1] for name in ("cpu-worker", "gpu-worker")]
    assert made == worked == checked
    assert all(service["environment"].get("XTALKER_TRAIN_POOL", "cpu") in made for _, service in ours())


def ours() -> list[tuple[str, dict[str, Any]]]:
    return [(name, SERVICES[name]) for name in sorted(OURS)]


def test_the_gpu_is_asked_for_only_where_it_is_wanted() -> None:
    with_gpu = {name for name, service in SERVICES.items() if "deploy" in service}
    assert with_gpu == {name for name, service in SERVICES.items() if service.get("profiles") == ["gpu"]}
    indexes = {service["build"]["args"]["TORCH_INDEX"]: service["image"] for _, service in ours()}
    assert len(set(indexes.values())) == len(indexes) == 2, "two builds under one name"
    (default,) = re.findall(r"^ARG TORCH_INDEX=(\S+)$", DOCKERFILE, re.M)
    assert default == SERVICES["cpu-worker"]["build"]["args"]["TORCH_INDEX"]


def ignored(path: Path) -> bool:
    """Whether .dockerignore keeps a path of the repository out of the image: the last line that fits decides."""
    out = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if line and not line.startswith("#"):
            pattern, keep = line.removeprefix("!").removeprefix("**/"), line.startswith("!")
            if any(fnmatch.fnmatch(str(part), pattern) for part in (path, *path.parents)) or (
                "**" in line and fnmatch.fnmatch(path.name, pattern)
            ):
                out = not keep
    return out


def test_the_image_is_of_pinned_parts_and_has_what_it_needs() -> None:
    assert all(PINNED.fullmatch(image) for image in re.findall(r"^FROM (\S+)", DOCKERFILE, re.M))
    for package in re.findall(r"duckdb-extension-[a-z-]+==[\d.]+", DOCKERFILE):
        assert package.split("==")[1] == LOCK["duckdb"]
    for line in re.findall(r"^COPY (.+) \S+$", DOCKERFILE, re.M):
        assert all((ROOT / source).exists() for source in line.split())
    metadata = PROJECT["project"]
    needed = [*PACKAGES, "pyproject.toml", "prefect.yaml", "requirements.lock", metadata["readme"]]
    for name in [*needed, *metadata["license-files"], "flows/recipe.yaml", "models/data/open_head.npz"]:
        assert (ROOT / name).exists()
        assert not ignored(Path(name)), f"{name} does not get into the image"
    for name in (".env", ".git", ".venv", "tests", ".xtalker", "landing", "flows/__pycache__"):
        assert ignored(Path(name)), f"{name} gets into the image"


def test_python_is_the_projects() -> None:
    (version,) = re.findall(r"^FROM python:(\d+\.\d+)", DOCKERFILE, re.M)
    assert f">={version}" in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
