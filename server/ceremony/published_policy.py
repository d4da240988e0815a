"""The log policy (C2SP tlog-policy) that the operator publishes for those who verify."""

from collections.abc import Sequence

from namak.evidence.cosignature import COSIGNATURE, CosignatureVerifier
from namak.evidence.note import vkey
from namak.evidence.tlog_policy import TlogPolicy


def witness_vkey(verifier: CosignatureVerifier) -> str:
    """Returns a witness's verifier key."""
    return vkey(verifier.name, verifier.public_key, COSIGNATURE)


def published_policy(shards: Sequence[str], witnesses: TlogPolicy | None) -> str:
    """Returns the whole policy: the verifier keys of these shards, and the witnesses, groups and quorum
    of the operator's own. Where witnesses are asked it leaves out: whoever verifies asks none.
    """
    lines = [f"log {each}" for each in shards]
    if witnesses is None:
        return "\n".join([*lines, "quorum none"]) + "\n"
    lines += [f"witness {_name(each.name)} {witness_vkey(each.verifier)}" for each in witnesses.witnesses]
    lines += [
        " ".join(["group", _name(each.name), str(each.threshold), *map(_name, each.members)])
        for each in witnesses.groups
    ]
    quorum = "none" if witnesses.quorum is None else _name(witnesses.quorum)
    return "\n".join([*lines, f"quorum {quorum}"]) + "\n"


def _name(name: bytes) -> str:
    # Octets that mean nothing outside the file: those that are no UTF-8 are spelled, everywhere alike.
    return name.decode(errors="backslashreplace")
