"""How revocation is asked about: the operator's choices."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from server.gateways.certificate_status.fetching import Place
from server.gateways.certificate_status.ocsp_answer import Rules
from server.usecases.certificate_status import Purpose


@dataclass(frozen=True, slots=True)
class Revocation:
    """The choices. Without `places` nothing is ever fetched: the operator's files are all there is.

    Attributes:
        places: hosts that may be asked.
        lists: addresses of lists that are fetched besides those that certificates name.
        responder: address of the responder to ask about persons, instead of those that their certificates
            name.
        require: `any`: one source that says "not revoked" is enough, as long as none says "revoked". `all`:
            a list must say so, and the responder too, wherever one is named that may be asked.
        accept_unknown: purposes for which a certificate is accepted though nobody can tell.
        timeout: how long a responder may take, and how long a check waits for a list.
        list_timeout: how long fetching a list may take.
        refresh: after so long a list is fetched again, and a certificate asked about again.
        retry: so long what failed is not tried again.
        longest_list: longer lists are not taken, in bytes.
        nonce: whether questions have one.
        digest: by what questions name certificates.
        rules: what is asked of answers.
    """

    places: frozenset[Place] = frozenset()
    lists: tuple[str, ...] = ()
    responder: str | None = None
    require: Literal["any", "all"] = "any"
    accept_unknown: frozenset[Purpose] = frozenset()
    timeout: timedelta = timedelta(seconds=3)
    list_timeout: timedelta = timedelta(seconds=60)
    refresh: timedelta = timedelta(minutes=5)
    retry: timedelta = timedelta(seconds=10)
    longest_list: int = 128 * 1024 * 1024
    nonce: bool = True
    digest: Literal["sha256", "sha1"] = "sha256"
    rules: Rules = field(default_factory=Rules)
