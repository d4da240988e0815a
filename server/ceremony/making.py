"""Making a key in a token, or finding one that was made before, and trying it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cryptography import x509

from server.ceremony.purposes import ConfiguredKey
from server.ceremony.request import certificate_request
from server.ceremony.trial import Trial, tried
from server.hsm.ceremony import DEFAULT_PATIENCE, CeremonyPatience, OpenToken, opened
from server.hsm.errors import HsmKeyExists, HsmUnavailable
from server.hsm.key_kinds import KeyKind
from server.hsm.token_contents import KeyPair, NoSinglePair, TokenFacts, TokenObject, pair_of
from server.hsm.token_link import TokenKey


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime: ...


class KeyRefused(Exception):
    """A key is in the token, and must not be used as it is; the text says why, for people."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A key that was tried, in its token."""

    key: ConfiguredKey
    token: TokenFacts
    pair: KeyPair
    trial: Trial
    began: datetime
    ended: datetime
    new: bool
    """Whether it was made now."""
    request: bytes = b""
    """The request for its certificate, PEM."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to make."""

    key: ConfiguredKey
    where: TokenKey
    kind: KeyKind
    existing: bool = False
    """Make none: the key is there already."""
    subject: x509.Name | None = None
    """Of the certificate to request."""


async def made(wanted: Wanted, clock: Clock, patience: CeremonyPatience = DEFAULT_PATIENCE) -> Tried:
    """Makes the key, or finds the one that is there, and tries it.

    Raises:
        HsmKeyExists: something is in the token under this label. Nothing was made.
        HsmUnavailable: the token can't be used, or was not in time; then a key may have been made.
        NoSinglePair: the existing key is not one pair.
        KeyRefused: the key did not pass its trial.
    """
    began = clock.now()
    async with opened(wanted.where, patience) as token:
        objects = await token.objects()
        if not wanted.existing:
            _refuse_taken(objects, wanted.where)
            try:
                await token.make(wanted.kind, wanted.where.key)
            except HsmUnavailable as problem:
                raise HsmUnavailable(f"{problem}. `hsm list` tells whether a key was made") from problem
            objects = await token.objects()
            refuse_renamed(objects, wanted.where)
        pair = pair_of(objects, wanted.where.key)
        trial = await tried(token, wanted.key, pair)
        if not trial.passed:
            raise KeyRefused(
                f"the key {wanted.where.key!r} in the token {wanted.where.token!r}: "
                + "; ".join(each.text for each in trial.findings)
            )
        request = await _request(token, pair, wanted)
        return Tried(wanted.key, token.facts, pair, trial, began, clock.now(), not wanted.existing, request)


def _refuse_taken(objects: tuple[TokenObject, ...], where: TokenKey) -> None:
    taken = [each for each in objects if each.label == where.key or each.identifier == where.key.encode()]
    if not taken:
        return
    try:
        pair = pair_of(objects, where.key)
    except NoSinglePair as problem:
        raise HsmKeyExists(
            f"the token {where.token!r} holds something called {where.key!r} already, and nothing is put"
            f" beside it: {problem}"
        ) from None
    raise HsmKeyExists(
        f"the token {where.token!r} holds a key {where.key!r} already ({pair.private.key_type}), and keys are"
        " never replaced; --existing tries it and prints its protocol"
    )


def refuse_renamed(objects: tuple[TokenObject, ...], where: TokenKey) -> None:
    """Some modules give keys labels of their own, or one identifier in place of both."""
    if not any(each.label == where.key for each in objects):
        raise KeyRefused(
            f"the module made a key in the token {where.token!r}, but not under the label {where.key!r}:"
            " `hsm list` shows under which. Give it this label by the vendor's tool, then --existing"
        )


async def _request(token: OpenToken, pair: KeyPair, wanted: Wanted) -> bytes:
    if wanted.subject is None:
        return b""

    async def sign(message: bytes) -> bytes:
        return await token.sign(pair.private.label, pair.public.public_key, message)

    return await certificate_request(wanted.subject, pair.public.public_key, sign)
