"""What signs in, without a PKI: certificates that are known or refused, signatures by them, and passwords."""

import asyncio
import hashlib
from datetime import datetime

from server.domain.refusals import Overloaded, Refused, SignatureInvalid, SigningCertificateUntrusted
from tests.fakes.unit_of_work import FakeUnitOfWork


class FakeSignInSignatures:
    """Implements `SignInSignatures` over certificates that a test made known; it insists that no transaction
    is open meanwhile.
    """

    def __init__(self, uow: FakeUnitOfWork) -> None:
        self._uow = uow
        self._known: dict[bytes, str | Refused] = {}

    def know(self, certificate: bytes, person_number: str | Refused) -> bytes:
        """Has a certificate be a person's, or refused; returns it."""
        self._known[certificate] = person_number
        return certificate

    def card(self, person_number: str, *, number: int = 1) -> bytes:
        """Returns a known certificate of a person."""
        return self.know(f"certificate {number} of {person_number}".encode(), person_number)

    def sign(self, certificate: bytes, text: bytes) -> bytes:
        """Returns the signature of a certificate's key over a text."""
        return certificate + b"|" + hashlib.sha256(text).digest()

    async def person_of(self, certificate: bytes, at: datetime) -> str:
        assert self._uow.open_here == 0
        await asyncio.sleep(0)
        found = self._known.get(certificate)
        if found is None:
            raise SigningCertificateUntrusted
        if isinstance(found, Refused):
            raise found
        return found

    async def signer(self, cms: bytes, challenge: bytes, at: datetime) -> tuple[str, bytes]:
        certificate, _, digest = cms.partition(b"|")
        if digest != hashlib.sha256(challenge).digest():
            raise SignatureInvalid("it is not over the challenge")
        return await self.person_of(certificate, at), hashlib.sha256(certificate).digest()


class FakePasswordHashes:
    """Implements `PasswordHashes` without taking time; `tried` counts how often one was compared. Without
    `room` it is overloaded, without `room_to_hash` for new hashes only.
    """

    def __init__(self, uow: FakeUnitOfWork) -> None:
        self._uow = uow
        self.tried = 0
        self.room, self.room_to_hash = True, True

    async def hash(self, password: str) -> str:
        if not (self.room and self.room_to_hash):
            raise Overloaded("passwords' checking")
        return f"new {hashlib.sha256(password.encode()).hexdigest()}"

    async def verify(self, password_hash: str | None, password: str) -> bool:
        assert self._uow.open_here == 0
        if not self.room:
            raise Overloaded("passwords' checking")
        self.tried += 1
        await asyncio.sleep(0)
        return password_hash is not None and password_hash.endswith(
            hashlib.sha256(password.encode()).hexdigest()
        )

    def is_outdated(self, password_hash: str) -> bool:
        return not password_hash.startswith("new ")
