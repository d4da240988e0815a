"""A throwaway public key infrastructure, shaped like the real ones that the post meets.

Three worlds that do not vouch for each other: the *server* authority, whose certificate the clients trust;
the *agency* authority, which certifies machines (operators, agencies, portals); and the *citizen* root with
an issuing authority below it, whose cards carry two certificates each: one to authenticate, one to sign.
"""

import hashlib
import ipaddress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from namak.evidence.signature import CertificateNaming
from server.dev.authority import Authority, Purpose, Validity, private_pem, write_private, write_whole

_COUNTRY = "AM"
_ARMENIAN = CertificateNaming()

_TLS_SERVER = Purpose(digital_signature=True, extended=(ExtendedKeyUsageOID.SERVER_AUTH,))
_TLS_CLIENT = Purpose(digital_signature=True, extended=(ExtendedKeyUsageOID.CLIENT_AUTH,))
_COMMITMENT = Purpose(content_commitment=True)


@dataclass(frozen=True)
class Identity:
    """A certificate with the way to its root, and its key unless that is in a token."""

    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    """The authorities between the certificate and the root, nearest first; neither of the two included."""

    cert_path: Path
    """PEM: the certificate, then the chain."""

    key: ec.EllipticCurvePrivateKey | None = None
    key_path: Path | None = None
    """PEM, PKCS#8, only its owner may read it."""

    @property
    def cert_pem(self) -> bytes:
        """What `cert_path` holds."""
        return b"".join(one.public_bytes(Encoding.PEM) for one in (self.certificate, *self.chain))

    @property
    def key_pem(self) -> bytes:
        """What `key_path` holds. Raises ValueError where the key is in a token."""
        if self.key is None:
            raise ValueError(f"the key of {self.cert_path.name} is in a token")
        return private_pem(self.key)

    @property
    def sha256(self) -> bytes:
        """SHA-256 of the certificate's DER: what a binding in the registry names."""
        return hashlib.sha256(self.certificate.public_bytes(Encoding.DER)).digest()


@dataclass(frozen=True)
class Person:
    """A citizen as an identity card names them, by default an Armenian one."""

    personal_number: str
    given_name: str
    surname: str
    country: str = _COUNTRY
    naming: CertificateNaming = _ARMENIAN
    """The profile's; its number stands in serialNumber."""

    @property
    def subject(self) -> x509.Name:
        """C, SN, GN, serialNumber and CN, as ETSI EN 319 412-2 asks of natural persons."""
        return _name(
            (NameOID.COUNTRY_NAME, self.country),
            (NameOID.SURNAME, self.surname),
            (NameOID.GIVEN_NAME, self.given_name),
            (NameOID.SERIAL_NUMBER, self.naming.prefix + self.personal_number),
            (NameOID.COMMON_NAME, f"{self.given_name} {self.surname}"),
        )


@dataclass(frozen=True)
class Card:
    """The two certificates of one person."""

    person: Person
    authentication: Identity
    signing: Identity


class DevelopmentPki:
    """Everything lies in one directory; opening it again gives the same authorities."""

    def __init__(
        self, directory: Path, server: Authority, agency: Authority, root: Authority, issuing: Authority
    ) -> None:
        """For `open`."""
        self.directory = directory
        self.server_authority = server
        self.agency_authority = agency
        self.citizen_root = root
        self.citizen_authority = issuing

    @classmethod
    def open(cls, directory: Path) -> Self:
        """Opens the infrastructure kept in the directory, or makes it there, with current CRLs."""
        directory = directory.resolve()
        place = directory / "authorities"
        root = Authority.open(place, "citizen-root", _authority_name("Citizen Root"))
        pki = cls(
            directory,
            Authority.open(place, "server-ca", _authority_name("Server CA")),
            Authority.open(place, "agency-ca", _authority_name("Agency CA")),
            root,
            Authority.open(place, "citizen-ca", _authority_name("Citizen Issuing CA"), root),
        )
        write_whole(
            pki.client_roots_path,
            b"".join(
                one.certificate.public_bytes(Encoding.PEM) for one in (pki.agency_authority, pki.citizen_root)
            ),
        )
        pki.write_crls()
        return pki

    @property
    def server_root_path(self) -> Path:
        """What clients trust: the server authority."""
        return self.server_authority.path

    @property
    def client_roots_path(self) -> Path:
        """What the server trusts in the handshake: the agency authority and the citizen root."""
        return self.directory / "client-roots.pem"

    @property
    def citizen_roots_path(self) -> Path:
        """What makes a certificate a person's, and a confirmation a citizen's: the citizen root alone."""
        return self.citizen_root.path

    @property
    def citizen_crl_paths(self) -> tuple[Path, Path]:
        """The CRLs about people's certificates and about the authority that issues them, in this order."""
        return self.citizen_authority.crl_path, self.citizen_root.crl_path

    def server_identity(self, label: str = "server") -> Identity:
        """A certificate for 127.0.0.1, ::1 and localhost."""
        return self._identity(
            self.server_authority,
            label,
            _name((NameOID.COUNTRY_NAME, _COUNTRY), (NameOID.COMMON_NAME, "localhost")),
            _TLS_SERVER,
            names=(
                x509.DNSName("localhost"),
                x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
                x509.IPAddress(ipaddress.ip_address("::1")),
            ),
        )

    def machine(
        self,
        label: str,
        *,
        organisation: str,
        common_name: str,
        validity: Validity | None = None,
        serial_number: str | None = None,
        authority: Authority | None = None,
    ) -> Identity:
        """A machine certificate by the agency authority, for an operator, an agency or a stranger.

        `serial_number` goes into the subject as it is: `PNOAM-5001950015` makes a certificate that claims a
        citizen's number and must not be believed. Another `authority` makes one by an unknown issuer.
        """
        attributes = [
            (NameOID.COUNTRY_NAME, _COUNTRY),
            (NameOID.ORGANIZATION_NAME, organisation),
            (NameOID.COMMON_NAME, common_name),
        ]
        if serial_number is not None:
            attributes.append((NameOID.SERIAL_NUMBER, serial_number))
        return self._identity(
            authority or self.agency_authority, label, _name(*attributes), _TLS_CLIENT, validity=validity
        )

    def seal(self, label: str, *, organisation: str, public_key: ec.EllipticCurvePublicKey) -> Identity:
        """The certificate of the post's seal, by an authority of its own, over a key in a token."""
        return self._identity(
            self.seal_authority(),
            label,
            _name(
                (NameOID.COUNTRY_NAME, _COUNTRY),
                (NameOID.ORGANIZATION_NAME, organisation),
                (NameOID.COMMON_NAME, organisation),
            ),
            _COMMITMENT,
            public_key=public_key,
        )

    def seal_authority(self) -> Authority:
        """The root below which the post's seal is."""
        return Authority.open(self.directory / "authorities", "seal-ca", _authority_name("Seal CA"))

    def timestamp_authority(self) -> Authority:
        """The root below which a world's time-stamping authority is."""
        return Authority.open(self.directory / "authorities", "timestamp-ca", _authority_name("Timestamp CA"))

    @staticmethod
    def office(name: str) -> x509.Name:
        """How a certificate names an office that is neither a person nor a machine of an agency."""
        return _name(
            (NameOID.COUNTRY_NAME, _COUNTRY), (NameOID.ORGANIZATION_NAME, name), (NameOID.COMMON_NAME, name)
        )

    def card(
        self,
        label: str,
        person: Person,
        *,
        signing_key: ec.EllipticCurvePublicKey | None = None,
        validity: Validity | None = None,
    ) -> Card:
        """The two certificates of a person; a signing key that is in a token gives its public half."""
        return Card(
            person,
            self.authentication_certificate(f"{label}-authentication", person, validity=validity),
            self.signing_certificate(f"{label}-signing", person, public_key=signing_key, validity=validity),
        )

    def authentication_certificate(
        self, label: str, person: Person, *, validity: Validity | None = None
    ) -> Identity:
        """To sign in and for TLS: digitalSignature, clientAuth. A statement signed with it does not count."""
        return self._identity(self.citizen_authority, label, person.subject, _TLS_CLIENT, validity=validity)

    def signing_certificate(
        self,
        label: str,
        person: Person,
        *,
        public_key: ec.EllipticCurvePublicKey | None = None,
        validity: Validity | None = None,
    ) -> Identity:
        """To sign statements: contentCommitment alone, no extended use. Over a token's key where one is
        given.
        """
        return self._identity(
            self.citizen_authority,
            label,
            person.subject,
            _COMMITMENT,
            public_key=public_key,
            validity=validity,
        )

    def unknown_authority(self, name: str = "unknown-ca") -> Authority:
        """A root that nobody trusts."""
        return Authority.open(self.directory / "authorities", name, _authority_name("Unknown CA"))

    def revoke(self, identity: Identity, *, at: datetime | None = None) -> None:
        """Revokes a person's certificate; the CRL that says so is written when this returns.

        Raises ValueError for a machine certificate: those are revoked by ending their binding.
        """
        self.citizen_authority.revoke(identity.certificate, at=at)

    def write_crls(
        self, *, this_update: datetime | None = None, next_update: datetime | None = None
    ) -> tuple[Path, Path]:
        """Writes both citizen CRLs: of now and good for 90 days, unless told otherwise (stale ones, for
        tests).
        """
        for authority in (self.citizen_authority, self.citizen_root):
            authority.write_crl(this_update=this_update, next_update=next_update)
        return self.citizen_crl_paths

    def _identity(
        self,
        authority: Authority,
        label: str,
        subject: x509.Name,
        purpose: Purpose,
        *,
        public_key: ec.EllipticCurvePublicKey | None = None,
        validity: Validity | None = None,
        names: tuple[x509.GeneralName, ...] = (),
    ) -> Identity:
        key = None
        if public_key is None:
            key = ec.generate_private_key(ec.SECP256R1())
            public_key = key.public_key()
        certificate = authority.issue(subject, public_key, purpose, validity=validity, names=names)
        key_path = self.directory / f"{label}.key.pem" if key else None
        identity = Identity(certificate, authority.chain, self.directory / f"{label}.pem", key, key_path)
        if key_path:
            write_private(key_path, identity.key_pem)
        write_whole(identity.cert_path, identity.cert_pem)
        return identity


def _name(*attributes: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(kind, value) for kind, value in attributes])


def _authority_name(common_name: str) -> x509.Name:
    return _name(
        (NameOID.COUNTRY_NAME, _COUNTRY),
        (NameOID.ORGANIZATION_NAME, "Namak Development"),
        (NameOID.COMMON_NAME, f"Namak Development {common_name}"),
    )
