"""A PDF with room for a signature, between the process that prepares it and the one that signs."""

from dataclasses import dataclass, field


class SignatureTooLarge(Exception):
    """The signature does not fit into the room that was left for it."""


@dataclass(frozen=True, slots=True)
class PreparedPdf:
    """A PDF that lacks only its signature's value.

    Attributes:
        data: the PDF; the value's place holds zeros.
        digest: of all that is signed, which is everything but the place.
        start, end: the place of the value's hexadecimal digits, the angle brackets included.
    """

    data: bytes = field(repr=False)
    digest: bytes
    start: int
    end: int

    def filled(self, cms: bytes) -> bytes:
        """Returns the signed PDF. Raises :class:`SignatureTooLarge`."""
        digits = cms.hex().encode("ascii")
        room = self.end - self.start - 2
        if len(digits) > room:
            raise SignatureTooLarge("the signature is larger than the room for it")
        value = b"<" + digits.ljust(room, b"0") + b">"
        return self.data[: self.start] + value + self.data[self.end :]
