"""Wires what verifies signatures for anybody: whom it trusts, and the processes that read the files."""

from server.bootstrap_citizens import Citizens
from server.config import Settings
from server.domain.profile import Profile
from server.gateways.signature_verification.trust import CitizenSignatureTrust
from server.gateways.signature_verification.workers import SignatureWorkers, WorkerLimits
from server.usecases.ports import Clock
from server.usecases.signature_verification import SignatureDesk


class SignatureVerification:
    """The use case `desk`, and the processes behind it, which `close` ends."""

    def __init__(self, settings: Settings, profile: Profile, people: Citizens, clock: Clock) -> None:
        """Raises OSError, ValueError: the file of timestamping roots can't be used."""
        chosen = settings.signatures
        self._workers = SignatureWorkers(
            WorkerLimits(
                processes=chosen.processes,
                waiting=chosen.waiting,
                seconds=chosen.timeout.total_seconds(),
                memory_bytes=chosen.memory_mib * 1024 * 1024,
            )
        )
        trust = CitizenSignatureTrust(
            people.trust, people.status, profile, timestamp_roots=chosen.timestamp_roots
        )
        self.desk = SignatureDesk(verifier=self._workers, trust=trust, clock=clock)

    async def close(self) -> None:
        """Ends the processes."""
        await self._workers.close()
