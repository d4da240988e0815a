"""What a timestamp says of itself, for the page: nothing is verified here, as nothing else is on it."""

import hashlib
import hmac
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Final

from asn1crypto import tsp

from namak.evidence.certificate import PARSING, UNREADABLE
from namak.evidence.timestamp_file import MAX_BYTES, SUFFIX, is_authority, owner_of
from namak.evidence.tlog_proof import SUFFIX as PROOF_SUFFIX

_DIGESTS: Final = ("sha256", "sha384", "sha512")


def by_proof(timestamps: Collection[str], proofs: Collection[str]) -> Mapping[str, Mapping[str, str]]:
    """Returns by proof file the files of its timestamps, by their authorities' names; others are left out."""
    stems = {name.removesuffix(PROOF_SUFFIX): name for name in proofs if name.endswith(PROOF_SUFFIX)}
    found: dict[str, dict[str, str]] = {}
    for name in sorted(timestamps):
        stem = owner_of(name, stems)
        if stem is not None and is_authority(authority := name[len(stem) + 1 : -len(SUFFIX)]):
            found.setdefault(stems[stem], {})[authority] = name
    return found


def stated_time(content: bytes, note: bytes) -> datetime | None:
    """Returns the time in a timestamp's file; None where that is none over these bytes."""
    if len(content) > MAX_BYTES:
        return None
    try:
        with PARSING:
            token = tsp.TimeStampResp.load(content, strict=True)["time_stamp_token"]
            info = token["content"]["encap_content_info"]["content"].parsed
            imprint = info["message_imprint"]
            algorithm = imprint["hash_algorithm"]["algorithm"].native
            digest, time = imprint["hashed_message"].native, info["gen_time"].native
    except UNREADABLE:
        return None
    if algorithm not in _DIGESTS or not isinstance(digest, bytes) or not isinstance(time, datetime):
        return None
    if not hmac.compare_digest(digest, hashlib.new(algorithm, note).digest()):
        return None
    return time.astimezone(UTC)
