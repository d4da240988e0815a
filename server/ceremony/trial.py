"""Trying a key: it signs something that can be nothing else than a trial, and what it signs verifies."""

import secrets
import time
from dataclasses import dataclass
from datetime import timedelta

from server.ceremony import attributes
from server.ceremony.findings import Finding, Gravity, Kind, wrong
from server.ceremony.purposes import ConfiguredKey
from server.hsm.ceremony import OpenToken, SignatureWrong
from server.hsm.errors import HsmUnavailable
from server.hsm.token_contents import KeyPair

_TRIAL = b"namak key trial; not a checkpoint and not a seal\x00"


@dataclass(frozen=True, slots=True)
class Trial:
    """What a key did when it was tried."""

    findings: tuple[Finding, ...]
    took: timedelta

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return all(each.gravity is not Gravity.WRONG for each in self.findings)


async def tried(token: OpenToken, key: ConfiguredKey, pair: KeyPair) -> Trial:
    """Looks at a key's attributes, has it sign, and verifies what it signed."""
    findings = attributes.problems(pair, key.purpose)
    began = time.monotonic()
    if pair.public.public_key:
        try:
            await token.sign(pair.private.label, pair.public.public_key, _TRIAL + secrets.token_bytes(32))
        except SignatureWrong as problem:
            findings.append(wrong(Kind.SIGNATURE_WRONG, str(problem)))
        except HsmUnavailable as problem:
            findings.append(wrong(Kind.UNREACHABLE, f"it does not sign: {problem}"))
    return Trial(tuple(findings), timedelta(seconds=time.monotonic() - began))
