"""What the client says it needs is what its stubs demand when they are imported, and no more."""

import re
import tomllib

from tests.contract.imports import ROOT

STUBS = ROOT / "clients/python/src/namak/v1"
PROJECT = tomllib.loads((ROOT / "clients/python/pyproject.toml").read_text(encoding="utf-8"))


def floor_of(package: str) -> str:
    """Returns the lowest version of a package that the client permits."""
    (found,) = [need for need in PROJECT["project"]["dependencies"] if re.match(rf"{package}>=", need)]
    return str(found.partition(">=")[2].partition(",")[0])


def demanded(pattern: str, files: str) -> set[str]:
    texts = [path.read_text(encoding="utf-8") for path in sorted(STUBS.glob(files))]
    assert texts
    return {version for text in texts for version in re.findall(pattern, text)}


def test_the_clients_grpcio_is_the_oldest_that_the_stubs_accept() -> None:
    assert demanded(r"GRPC_GENERATED_VERSION = '(.+)'", "*_pb2_grpc.py") == {floor_of("grpcio")}


def test_the_clients_protobuf_is_the_oldest_that_the_stubs_accept() -> None:
    assert demanded(r"# Protobuf Python Version: (.+)", "*_pb2.py") == {floor_of("protobuf")}


def test_the_locked_floors_are_the_stated_ones() -> None:
    locked = (ROOT / "clients/python/floors.txt").read_text(encoding="utf-8")
    needs = PROJECT["project"]["dependencies"] + PROJECT["project"]["optional-dependencies"]["card"]

    for need in needs:
        package, _, floor = need.partition(",")[0].partition(">=")
        (version,) = re.findall(rf"^{re.escape(package)}==([\d.]+) ", locked, re.MULTILINE)
        numbers = [int(part) for part in version.split(".")]
        stated = [int(part) for part in floor.split(".")]
        assert numbers[: len(stated)] == stated, need
