"""Gives each piece of evidence what makes it this one."""

from datetime import datetime
from uuid import UUID

from namak.evidence.document import SALT_BYTES
from server.domain.evidence_building import Stamp
from server.domain.profile import Profile
from server.usecases.ports import Entropy


class Stamps:
    """Makes stamps under one profile; identifiers come in the order in which stamps are asked for."""

    def __init__(self, profile: Profile, entropy: Entropy) -> None:
        self._profile = profile
        self._entropy = entropy

    def at(self, time: datetime) -> Stamp:
        """Returns the stamp of one piece of evidence that is recorded at the given time."""
        return self.of(self._entropy.new_id(), time)

    def of(self, evidence_id: UUID, time: datetime) -> Stamp:
        """Returns the stamp of evidence whose identifier was needed before."""
        return Stamp(evidence_id, self._entropy.random(SALT_BYTES), time, self._profile)
