"""PDFs between the process that changes them and the one that signs: with room for a signature, and with what
is to be kept in them.
"""

from dataclasses import dataclass, field

from namak.signatures.trust import RevocationMaterial


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


@dataclass(frozen=True, slots=True)
class LongTermPdf:
    """A signed PDF, and what is to be put into it: certificates (DER), and what tells of their revocation."""

    pdf: bytes = field(repr=False)
    certificates: tuple[bytes, ...] = field(repr=False)
    material: RevocationMaterial
