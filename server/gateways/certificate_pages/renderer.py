"""One process's setter of delivery certificates."""

import dataclasses
import json
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from unicodedata import combining

import typst
import zxingcpp

from namak.delivery_certificate.page import Page
from namak.delivery_certificate.statement import FILE_NAME
from server.gateways.printing import fonts
from server.gateways.printing.advances import Advances
from server.gateways.printing.marks import Code
from server.usecases.certificate_ports import Certificate, CertificateNotSet

STANDARD: Final = "a-3b"
"""PDF/A-3, level B (ISO 19005-3): the one that may carry files of any kind."""

_TEMPLATE = "certificate.typ"
_LONG_WORD = 28
_JOINT = "\u200b"
_JOINING: Final = frozenset("_-./@,;:+&=?\u058a")
_DIGEST: Final = re.compile("[0-9a-f-]{1,64}")


class CertificateRenderer:
    """Sets certificates. Not to be shared among threads; keeps a directory of its own while it is open."""

    def __init__(self) -> None:
        """Lays out the fonts and reads the template. Raises `FontsMissing`."""
        self._directory = Path(tempfile.mkdtemp(prefix="namak-certificates-"))
        try:
            laid = self._directory / "fonts"
            laid.mkdir()
            fonts.lay_out(laid)
            shutil.copyfile(Path(__file__).with_name(_TEMPLATE), self._directory / _TEMPLATE)
            self._advances = Advances([laid / name for name in fonts.FILES])
            self._compiler = typst.Compiler(
                self._directory / _TEMPLATE,
                root=self._directory,
                font_paths=typst.Fonts(False, False, [laid]),
            )
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Removes the directory."""
        shutil.rmtree(self._directory, ignore_errors=True)

    def render(self, certificate: Certificate) -> bytes:
        """Returns the certificate as PDF/A-3b, its statement and its proofs attached, without a seal.

        Characters that no font has are told by their numbers. Raises `CertificateNotSet`.
        """
        account = certificate.account()
        _, _, page = certificate.written(account)
        statement, encoded, page = certificate.written(account, self._lacking(page))
        with tempfile.TemporaryDirectory(dir=self._directory) as place:
            files = [_laid(Path(place), 0, FILE_NAME, encoded, "application/json", page.title)]
            for number, (name, data) in enumerate(certificate.proofs.items(), 1):
                told = statement.proofs[number - 1].digest
                files.append(_laid(Path(place), number, name, data, "text/plain", f"SHA-256 {told}"))
            for number, (name, data) in enumerate(certificate.timestamps.items(), len(files)):
                files.append(
                    _laid(Path(place), number, name, data, "application/timestamp-reply", "RFC 3161")
                )
            at = statement.made_time
            given = {
                "page": _folded(_drawn(page)),
                "fonts": fonts.FAMILIES,
                "delivery": str(statement.delivery_id),
                "made": [at.year, at.month, at.day, at.hour, at.minute, at.second],
                "files": files,
                "code": _qr(page.code),
            }
            return self._compile(given, int(at.timestamp()))

    def _lacking(self, page: Page) -> str:
        """Returns the characters that can't be printed."""
        used = set().union(*page.strings())
        # What does not stand for itself, such as a control that turns what is read around, is told by its
        # number.
        shown = {each for each in used if each.isprintable() or each == "\u00a0"}
        return "".join(
            sorted(each for each in used if each not in shown or self._advances.width(each) is None)
        )

    def _compile(self, given: Mapping[str, Any], at: int) -> bytes:
        inputs = {"certificate": json.dumps(given, ensure_ascii=False)}
        try:
            made = self._compiler.compile(
                format="pdf", pdf_standards=STANDARD, sys_inputs=inputs, timestamp=at, pdf_tags=False
            )
        except typst.TypstError as problem:
            # Without its traceback, which shows the text.
            raise CertificateNotSet(f"Typst can't set the certificate: {problem.message[:200]}") from None
        if not isinstance(made, bytes):
            raise TypeError("Typst gave no PDF")
        return made


def _laid(place: Path, number: int, name: str, data: bytes, kind: str, description: str) -> Mapping[str, str]:
    (place / str(number)).write_bytes(data)
    return {"name": name, "path": f"/{place.name}/{number}", "type": kind, "description": description}


def _drawn(page: Page) -> dict[str, Any]:
    return {name.replace("_", "-"): value for name, value in dataclasses.asdict(page).items()}


def _folded(value: Any) -> Any:
    """Lets words break that are longer than words are."""
    match value:
        case dict():
            return {
                name: each if name in ("code", "language") else _folded(each) for name, each in value.items()
            }
        case list() | tuple():
            return [_folded(each) for each in value]
        case str():
            return " ".join(map(_folded_word, value.split(" ")))
    return value


def _folded_word(word: str) -> str:
    # Digests and identifiers fit into a line, and are copied from the page.
    return word if len(word) <= _LONG_WORD or _DIGEST.fullmatch(word) else _joints(word)


def _joints(word: str) -> str:
    """Returns the word with joints where it may break: behind signs that join, and in what is long all the
    same; never between a letter and what stands above or below it.
    """
    pieces, length = [], 0
    for place, each in enumerate(word):
        pieces.append(each)
        length += 1
        after = word[place + 1 : place + 2]
        if after and not combining(after) and (each in _JOINING or length >= _LONG_WORD):
            pieces.append(_JOINT)
            length = 0
    return "".join(pieces)


def _qr(content: str) -> Code:
    """Returns the QR code (ISO/IEC 18004) of a text, which survives the loss of a seventh of it."""
    made = zxingcpp.create_barcode(content, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    # It is a buffer, whatever its stubs say.
    pixels = memoryview(made.to_image(scale=1, add_quiet_zones=False))  # type: ignore[arg-type]
    height, _ = pixels.shape or (0, 0)
    return {"size": height, "pixels": list(bytes(pixels))}
