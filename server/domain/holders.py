"""What people and entities say of themselves as users of the post (the forms of BOX-4)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from types import MappingProxyType
from typing import Final
from uuid import UUID

from namak.evidence.registration import Line, commitment, entity_lines, person_lines, profile_text
from server.domain.administration import Snapshot, etag_of
from server.domain.mailboxes import HolderKind
from server.domain.malformed import Malformed
from server.domain.profile import Profile

_VERSION = re.compile(r"[A-Za-z0-9._-]{1,32}", re.ASCII)

CHANGEABLE: Mapping[HolderKind, frozenset[str]] = MappingProxyType(
    {
        HolderKind.PERSON: frozenset({"residence", "home_phone", "mobile_phone"}),
        HolderKind.ENTITY: frozenset({"actual_address", "home_phone", "mobile_phone"}),
    }
)
"""What a holder changes on their own word."""

CHANGEABLE_BY_CLERK: Mapping[HolderKind, frozenset[str]] = MappingProxyType(
    {
        HolderKind.PERSON: CHANGEABLE[HolderKind.PERSON] | {"name", "identity_document"},
        HolderKind.ENTITY: CHANGEABLE[HolderKind.ENTITY]
        | {"name", "registration_number", "registration_date", "legal_address"},
    }
)
"""What the post's own people change, who see documents. The number is not among them: it is the holder."""


@dataclass(frozen=True, slots=True, repr=False)
class HolderData:
    """What somebody says of themselves. What does not belong to the kind, or was not given, is empty.

    Attributes:
        number: the personal number or the entity's, in canonical form.
        identity_document, residence: a natural person's.
        registration_number, registration_date, legal_address, actual_address: a legal entity's.
    """

    kind: HolderKind
    number: str
    name: str
    identity_document: str = ""
    residence: str = ""
    registration_number: str = ""
    registration_date: date | None = None
    legal_address: str = ""
    actual_address: str = ""
    home_phone: str = ""
    mobile_phone: str = ""

    def lines(self) -> Sequence[Line]:
        """Returns what stands in the texts that are signed."""
        if self.kind is HolderKind.PERSON:
            return person_lines(
                name=self.name,
                number=self.number,
                identity_document=self.identity_document,
                residence=self.residence,
                home_phone=self.home_phone,
                mobile_phone=self.mobile_phone,
            )
        return entity_lines(
            name=self.name,
            number=self.number,
            registration_number=self.registration_number,
            registration_date="" if self.registration_date is None else self.registration_date.isoformat(),
            legal_address=self.legal_address,
            actual_address=self.actual_address,
            home_phone=self.home_phone,
            mobile_phone=self.mobile_phone,
        )

    def changed(self, to: "HolderData", fields: frozenset[str]) -> "HolderData":
        """Returns these data with the named fields of the others."""
        return replace(self, **{field: getattr(to, field) for field in fields})


@dataclass(frozen=True, slots=True, repr=False)
class HolderProfile:
    """What is known of a mailbox's holder.

    Attributes:
        signatory_number: the person who acts for it: an entity's signatory, a person themselves.
        login: as it was given away; empty for none.
        salt: 32 random bytes, new with each change: evidence holds the commitment to the data under it.
        confirmed_at: when the profile was last confirmed by a signature (BOX-9); None before that.
        confirmed_etag: the etag of what was confirmed then; empty before that.
    """

    mailbox_id: UUID
    address: str
    data: HolderData
    signatory_number: str
    login: str
    salt: bytes
    confirmed_at: datetime | None = None
    confirmed_etag: str = ""

    @property
    def etag(self) -> str:
        """Tells one state of the data from another. It holds the salt: nobody guesses data from it."""
        return etag_of({"data": self._commitment()})

    @property
    def confirmed_as_is(self) -> bool:
        """Whether what was confirmed last is what stands here now."""
        return self.confirmed_etag == self.etag

    def snapshot(self) -> Snapshot:
        """Returns what evidence says of it: no personal data, but a commitment to them."""
        confirmed = {"confirmed": self.confirmed_etag} if self.confirmed_etag else {}
        return {"address": self.address, "data_commitment": self._commitment(), **confirmed}

    def confirmation_text(self, profile: Profile, language: str) -> bytes:
        """Returns the exact bytes that confirm it once they are signed."""
        return profile_text(
            language=language,
            post=profile.operator_identifier,
            address=self.address,
            state=self.etag,
            holder=self.data.lines(),
            login=self.login,
        )

    def _commitment(self) -> str:
        said = "".join(f"{label}: {value}\n" for label, value in (*self.data.lines(), ("login", self.login)))
        return commitment(self.salt, said.encode()).hex()


@dataclass(frozen=True, slots=True)
class AgreementAcceptance:
    """That a holder accepted a version of the user agreement (BOX-3); `person_number` is who did so."""

    mailbox_id: UUID
    version: str
    person_number: str
    accepted_at: datetime


@dataclass(frozen=True, slots=True)
class UserAgreement:
    """A version of the user agreement; `texts` are (language, text), the one that governs first."""

    version: str
    published_at: datetime
    texts: tuple[tuple[str, str], ...]
    digest: bytes

    def snapshot(self) -> Snapshot:
        """Returns what evidence says of it."""
        languages = tuple(language for language, _ in self.texts)
        return {"version": self.version, "languages": languages, "sha256": self.digest.hex()}


def agreement_version(text: str) -> str:
    """Checks the name of a version of the user agreement. Raises `Malformed`."""
    if not _VERSION.fullmatch(text):
        raise Malformed("VERSION_MALFORMED", "must be 1 to 32 characters of A-Z a-z 0-9 . _ -")
    return text


def local_phone(text: str, profile: Profile) -> str:
    """Checks a local phone number in the form of E.164. Raises `Malformed`."""
    if len(text) > _PHONE_CHARACTERS or not re.fullmatch(profile.phones.pattern, text, re.ASCII):
        raise Malformed("PHONE_MALFORMED", f"must be a local number such as {profile.phones.example}")
    return text


_PHONE_CHARACTERS: Final = 16
