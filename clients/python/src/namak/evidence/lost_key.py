"""The act that gives up a shard of the log whose key is lost (docs/receipts.md, "Shards").

What the shard's key never signed has no receipt of that shard, and never will. The act says up to where the
key signed, and what came after: those leaves stand again in a later shard, the same evidence by another
key.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from namak.evidence.administrative_act import AdministrativeAct
from namak.evidence.succession import RESOURCE_KIND

LOST_ACT: Final = "hsm give-up"
"""The act's name; its resource is the shard that is given up."""

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_ROOT = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class GivenUp:
    """What the act says.

    ``origin`` and ``vkey`` are those of the shard; ``signed_size`` and ``signed_root`` (hex) its last signed
    checkpoint, 0 and the empty tree's where there is none; ``witnessed_size`` the size of the largest tree
    that its witnesses had cosigned, 0 for none. ``size`` and ``root`` are the tree that was recorded and not
    signed: its leaves from ``signed_size`` on stand again in ``successor``, whose key is ``successor_vkey``,
    or in a shard after that.
    """

    origin: str
    vkey: str
    signed_size: int
    signed_root: str
    witnessed_size: int
    size: int
    root: str
    successor: str
    successor_vkey: str

    @property
    def fields(self) -> Mapping[str, str]:
        """What the act has as ``after``."""
        return {
            "origin": self.origin,
            "log_vkey": self.vkey,
            "signed_size": str(self.signed_size),
            "signed_root": self.signed_root,
            "witnessed_size": str(self.witnessed_size),
            "unsigned_size": str(self.size),
            "unsigned_root": self.root,
            "successor": self.successor,
            "successor_vkey": self.successor_vkey,
        }

    @classmethod
    def of(cls, act: AdministrativeAct) -> Self | None:
        """Returns what an act says that gives a shard up; None for any other act, and for one that lacks some
        of it or contradicts itself.
        """
        details = act.details
        if (details.act, details.resource.kind) != (LOST_ACT, RESOURCE_KIND):
            return None
        after = details.after or {}
        texts = {name: value for name, value in after.items() if isinstance(value, str)}
        sizes = [texts.get(name, "") for name in ("signed_size", "witnessed_size", "unsigned_size")]
        roots = [texts.get(name, "") for name in ("signed_root", "unsigned_root")]
        names = [texts.get(name) for name in ("origin", "log_vkey", "successor", "successor_vkey")]
        if not all(map(_SIZE.fullmatch, sizes)) or not all(map(_ROOT.fullmatch, roots)) or not all(names):
            return None
        signed, witnessed, size = map(int, sizes)
        origin, vkey, successor, successor_vkey = (name or "" for name in names)
        if not witnessed <= signed <= size or origin != details.resource.identifier:
            return None
        return cls(origin, vkey, signed, roots[0], witnessed, size, roots[1], successor, successor_vkey)
