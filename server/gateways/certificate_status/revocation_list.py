"""A revocation list of any size, and what keeps it from telling something of a certificate."""

from datetime import datetime
from functools import lru_cache
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from namak.evidence.certificate import UNREADABLE
from namak.evidence.revocation import is_point_of, may_sign_lists
from server.gateways.certificate_status.algorithms import not_signed_because
from server.gateways.certificate_status.list_layout import Layout, ListUnusable, lay_out
from server.gateways.certificate_status.revoked_serials import Revocation, RevokedSerials

_ISSUERS_REMEMBERED = 8


class RevocationList:
    """A list as it came: nothing of it is to be believed before `unfit_for` has nothing against it.

    Attributes:
        der: the whole list.
        issuer: whom it names as its issuer.
        issued, ends: thisUpdate and nextUpdate, UTC.
    """

    def __init__(
        self,
        der: bytes,
        layout: Layout,
        frame: x509.CertificateRevocationList,
        serials: RevokedSerials,
        ends: datetime,
    ) -> None:
        """For `read`."""
        self.der = der
        self.issuer = frame.issuer
        self.issued = frame.last_update_utc
        self.ends = ends
        self._layout = layout
        self._frame = frame
        self._serials = serials
        # By the issuer's key: None where the signature verifies, else why it does not count.
        self._signatures: dict[bytes, str | None] = {}

    @classmethod
    def read(cls, der: bytes) -> Self:
        """Reads a list; takes seconds for a million entries, in whatever thread it is called.

        Raises:
            ListUnusable: it is none, or of a kind that is not gone by: delta, indirect, without an end, with
                extensions that must be understood and are not.
        """
        layout = lay_out(der)
        if layout.inner_algorithm != layout.outer_algorithm:
            raise ListUnusable("the list's signature algorithm is not the one that was signed")
        try:
            frame = x509.load_der_x509_crl(layout.frame)
            ends = frame.next_update_utc
            _ = frame.issuer, frame.last_update_utc, frame.signature_algorithm_oid
            extensions = list(frame.extensions)
        except UNREADABLE:
            raise ListUnusable("the list cannot be read") from None
        if ends is None:
            raise ListUnusable("the list does not say when the next one comes")
        for extension in extensions:
            _check_extension(extension)
        return cls(der, layout, frame, RevokedSerials(der, *layout.entries), ends)

    def __len__(self) -> int:
        """How many certificates it names."""
        return len(self._serials)

    def find(self, serial_number: int) -> Revocation | None:
        """Returns what the list says of a serial number, None when it does not name it."""
        return self._serials.find(serial_number)

    def unfit_for(self, certificate: x509.Certificate, issuer: x509.Certificate) -> str | None:
        """Returns why the list says nothing of this certificate by this issuer; None when it does say.

        Nothing is said here about the list's age. The first time for an issuer, the whole list is hashed.
        """
        if not self.issuer == certificate.issuer == issuer.subject:
            return "the list is another issuer's"
        if not may_sign_lists(issuer):
            return "the issuer's key is not for signing lists"
        for extension in self._frame.extensions:
            point = extension.value
            if isinstance(point, x509.IssuingDistributionPoint) and not is_point_of(point, certificate):
                return "the list is not for certificates like this one"
        why = self.unsigned_by(issuer)
        return None if why is None else f"the list does not count: {why}"

    def knows(self, issuer: x509.Certificate) -> bool:
        """Tells whether `unfit_for` will answer at once: the signature has been tried with the issuer's
        key.
        """
        return self.issuer != issuer.subject or _key(issuer) in self._signatures

    def unsigned_by(self, issuer: x509.Certificate) -> str | None:
        """Returns why the list's signature is not the issuer's, None when it is. Remembered by key."""
        key = _key(issuer)
        if key not in self._signatures:
            if len(self._signatures) >= _ISSUERS_REMEMBERED:
                self._signatures.clear()
            self._signatures[key] = self._verify(issuer)
        return self._signatures[key]

    def _verify(self, issuer: x509.Certificate) -> str | None:
        begin, end = self._layout.signed
        try:
            digest = self._frame.signature_hash_algorithm
            parameters = self._frame.signature_algorithm_parameters
        except UNREADABLE:
            return "it is signed with an algorithm that is not accepted"
        return not_signed_because(
            issuer,
            self._frame.signature_algorithm_oid,
            digest,
            self._layout.signature,
            memoryview(self.der)[begin:end],
            parameters if isinstance(parameters, padding.PSS) else None,
        )


def _check_extension(extension: "x509.Extension[x509.ExtensionType]") -> None:
    value = extension.value
    if isinstance(value, x509.DeltaCRLIndicator):
        raise ListUnusable("the list is a delta: changes to another list alone are not gone by")
    if isinstance(value, x509.IssuingDistributionPoint):
        if value.indirect_crl:
            raise ListUnusable("the list is indirect: such lists are not gone by")
    elif extension.critical:
        raise ListUnusable("the list has a critical extension that is not understood")


@lru_cache(maxsize=64)
def _key(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
