"""Settings of who stamps the log's checkpoints with a time (RFC 3161)."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, model_validator

from server.config_values import Duration, ExistingPath, Section, within


def _name(value: str) -> str:
    if re.fullmatch(r"[a-z0-9][a-z0-9.-]{0,62}", value) is None:
        raise ValueError("a name is 1 to 63 small letters, digits, dots and hyphens")
    return value


def _url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0 or parts.username:
        raise ValueError("an authority's address is http(s)://HOST[:PORT][/PATH]")
    return value


def _policy(value: str) -> str:
    if re.fullmatch(r"[012](\.(0|[1-9][0-9]{0,18})){1,30}", value) is None:
        raise ValueError("a policy is an object identifier, such as 1.3.6.1.4.1.99999.1")
    return value


class TimestampAuthoritySettings(Section):
    """One time-stamping authority."""

    name: Annotated[str, AfterValidator(_name)]
    """What you call it: by this its tokens are kept and their files named, and it stays when the address
    changes. It stands in no certificate, and nothing is trusted by it.
    """
    url: Annotated[str, AfterValidator(_url)]
    """Where it is asked over HTTP."""
    roots: ExistingPath
    """PEM file: the root certificates that those of its tokens must lead to. By these alone tokens count;
    those who verify receipts name theirs themselves (`--tsa-roots`).
    """
    policy: Annotated[str, AfterValidator(_policy)] | None = None
    """The object identifier of the policy that its tokens must be given under; any by default."""

    @model_validator(mode="before")
    @classmethod
    def _says_whom_to_trust(cls, value: Any) -> Any:
        """Tells `name` from `roots`: the one is a word of the operator's own and proves nothing, by the other
        tokens count.
        """
        if isinstance(value, str):
            raise ValueError(
                f"{value!r} alone is no authority: write {{ name = ..., url = ..., roots = FILE }}, where "
                "name is what you call it and roots the PEM file that its certificates must lead to"
            )
        if isinstance(value, Mapping) and not value.get("roots"):
            called = value.get("name") or value.get("url") or "?"
            raise ValueError(
                f"the authority {called!r} has no roots: name is only what you call it; name in roots the "
                "PEM file with the root certificates that its tokens must lead to"
            )
        return value


class TimestampsSettings(Section):
    """Who stamps the log's checkpoints with a time."""

    authorities: tuple[TimestampAuthoritySettings, ...] = ()
    """Whom to ask; without any, checkpoints are not stamped."""
    quorum: int = 1
    """Tokens of so many authorities over one checkpoint make a receipt under it a timestamped one."""
    interval: Annotated[Duration, within("1s", "24h")] = timedelta(minutes=1)
    """At most one checkpoint in this time is stamped, 1 s to 24 h. Tokens cost money: with a minute they are
    1,440 a day at most, and a minute is near enough where the law counts days.
    """
    timeout: Annotated[Duration, within("100ms", "1m")] = timedelta(seconds=10)
    """How long an authority may take to answer, 100 ms to 1 min."""
    retry_longest: Annotated[Duration, within("1s", "1h")] = timedelta(minutes=10)
    """An authority that fails is left alone for a second, then twice as long each time, and this at most."""

    @model_validator(mode="after")
    def _names_differ(self) -> "TimestampsSettings":
        names = [each.name for each in self.authorities]
        if len(set(names)) != len(names):
            raise ValueError("two authorities have one name")
        if not 1 <= self.quorum <= max(1, len(names)):
            raise ValueError("quorum must be at least 1, and at most the number of authorities")
        return self
