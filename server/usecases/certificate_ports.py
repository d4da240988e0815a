"""What making delivery certificates needs of the rings around, and the values that pass between."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from namak.delivery_certificate.account import Account, account_of
from namak.delivery_certificate.page import Page, page_of
from namak.delivery_certificate.statement import Statement
from namak.signatures.prepared import PreparedPdf


class CertificateNotSet(Exception):
    """A certificate could not be set: its process died, or the setter refused what it was given."""


class SealUnavailable(Exception):
    """The seal's key can't be reached now; the next call tries again."""


@dataclass(frozen=True, slots=True, repr=False)
class Certificate:
    """A certificate that is to be set.

    Attributes:
        statement: what is stated; the setter adds what its fonts lack.
        proofs: the proof files by name, in the statement's order.
        timestamps: the files of timestamps over their checkpoints, by name.
    """

    statement: Statement
    proofs: Mapping[str, bytes]
    timestamps: Mapping[str, bytes] = field(default_factory=dict)

    def account(self) -> Account:
        """Returns what the proofs tell."""
        return account_of(self.proofs, self.timestamps)

    def written(self, account: Account, unprintable: str = "") -> tuple[Statement, bytes, Page]:
        """Returns the statement, its bytes, and what stands on the pages, where these characters lack."""
        statement = replace(self.statement, unprintable=unprintable)
        encoded = statement.encode()
        return statement, encoded, page_of(account, statement, encoded)


class CertificateSetter(Protocol):
    """Sets certificates as PDF/A-3b."""

    async def render(self, certificate: Certificate) -> PreparedPdf:
        """Returns the PDF with the proofs and the statement attached, and room for the seal.

        Raises:
            CertificateNotSet.
        """
        ...


class Seal(Protocol):
    """Puts the post's electronic seal on a PDF."""

    async def seal(self, prepared: PreparedPdf) -> bytes:
        """Returns the PDF with the seal in its place.

        Raises:
            SealUnavailable.
        """
        ...
