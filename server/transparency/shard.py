"""A shard of the log: one tree, one key, one guard."""

from dataclasses import dataclass, field

from namak.evidence import note
from server.hsm.keys import LogSigner
from server.transparency.guard import Guard


@dataclass(frozen=True, slots=True)
class Shard:
    """A shard that this process may sign for.

    Attributes:
        origin: the checkpoints' origin and the key's name, `log.e-citizen.am/2026`.
        signer: the shard's key.
        guard: where its last signed note is kept.
    """

    origin: str
    signer: LogSigner
    guard: Guard
    verifier: note.Verifier = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "verifier", note.Verifier(self.origin, self.signer.public_key))

    @property
    def vkey(self) -> str:
        """The verifier key, as policies name it."""
        return note.vkey(self.origin, self.signer.public_key)
