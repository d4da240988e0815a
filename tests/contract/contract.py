"""The contract as its sources say it, comments included: compiled anew from `proto/`."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from google.protobuf import descriptor_pb2

from tests.contract.imports import ROOT

BUF = Path(sys.executable).parent / "buf"


@dataclass(frozen=True)
class Element:
    """A service, rpc, message, field, enum or value, with the comment before it."""

    kind: str
    name: str
    comment: str


@cache
def files() -> Sequence[descriptor_pb2.FileDescriptorProto]:
    """Compiles the contract."""
    compiled = subprocess.run(
        [BUF, "build", "proto", "--exclude-imports", "--as-file-descriptor-set", "--output", "-"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return tuple(descriptor_pb2.FileDescriptorSet.FromString(compiled.stdout).file)


def service_names() -> set[str]:
    """Returns the full names of all services."""
    return {f"{file.package}.{service.name}" for file in files() for service in file.service}


@cache
def elements() -> Sequence[Element]:
    """Returns every element that takes a comment."""
    return tuple(element for file in files() for element in _Commented(file).elements())


# Where the parts of a file, of a message and of an enum stand in the paths of its source information: the
# numbers of the fields of FileDescriptorProto, DescriptorProto and EnumDescriptorProto.
_Path = tuple[int, ...]


class _Commented:
    """A file's elements, each with the comment before it."""

    def __init__(self, file: descriptor_pb2.FileDescriptorProto) -> None:
        self._file = file
        self._comments = {
            tuple(location.path): location.leading_comments.strip()
            for location in file.source_code_info.location
        }

    def elements(self) -> Iterator[Element]:
        file = self._file
        for index, message in enumerate(file.message_type):
            yield from self._message(message, "", (4, index))
        for index, enum in enumerate(file.enum_type):
            yield from self._enum(enum, "", (5, index))
        for index, service in enumerate(file.service):
            yield self._element("service", service.name, (6, index))
            for number, method in enumerate(service.method):
                yield self._element("rpc", f"{service.name}.{method.name}", (6, index, 2, number))
        for index, extension in enumerate(file.extension):
            yield self._element("extension", extension.name, (7, index))

    def _message(
        self, message: descriptor_pb2.DescriptorProto, within: str, path: _Path
    ) -> Iterator[Element]:
        name = f"{within}{message.name}"
        yield self._element("message", name, path)
        for index, field in enumerate(message.field):
            yield self._element("field", f"{name}.{field.name}", (*path, 2, index))
        for index, nested in enumerate(message.nested_type):
            yield from self._message(nested, f"{name}.", (*path, 3, index))
        for index, enum in enumerate(message.enum_type):
            yield from self._enum(enum, f"{name}.", (*path, 4, index))
        # Those that the compiler makes for `optional` stand in no source.
        made = {field.oneof_index for field in message.field if field.proto3_optional}
        for index, oneof in enumerate(message.oneof_decl):
            if index in made:
                continue
            yield self._element("oneof", f"{name}.{oneof.name}", (*path, 8, index))

    def _enum(self, enum: descriptor_pb2.EnumDescriptorProto, within: str, path: _Path) -> Iterator[Element]:
        name = f"{within}{enum.name}"
        yield self._element("enum", name, path)
        for index, value in enumerate(enum.value):
            yield self._element("value", f"{name}.{value.name}", (*path, 2, index))

    def _element(self, kind: str, name: str, path: _Path) -> Element:
        return Element(kind, f"{self._file.package}.{name}", self._comments.get(path, ""))
