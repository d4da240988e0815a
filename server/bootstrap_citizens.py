"""Wires what is known of citizens' certificates: the operator's files, and the authorities' servers."""

from namak.evidence.certificate import CertificateNaming
from server.config import Settings
from server.gateways.certificate_status.checker import CertificateChecker
from server.gateways.certificate_status.fetching import place_of
from server.gateways.certificate_status.ocsp_answer import Rules
from server.gateways.certificate_status.settings import Revocation
from server.gateways.citizen_pki import CitizenPki
from server.gateways.citizen_trust import CitizenFiles, CitizenTrust
from server.usecases.certificate_status import Purpose


class Citizens:
    """The citizens' authorities: `pki` knows persons and their statements, `status` judges certificates,
    `trust` is the files.

    `open` and `close` are for servers; without them, both are there all the same.
    """

    def __init__(self, settings: Settings, naming: CertificateNaming, *, fetching: bool = True) -> None:
        """Reads the files. `fetching` may be switched off, whatever the settings say: the operator's commands
        go by files.

        Raises:
            OSError, ValueError: the files can't be used.
        """
        citizens = settings.citizens
        trust = CitizenTrust(CitizenFiles(citizens.roots, citizens.intermediates, citizens.revocation_lists))
        revocation = revocation_of(settings) if fetching else Revocation()
        self.trust = trust
        self.status = CertificateChecker(trust, revocation)
        self.pki = CitizenPki(trust, naming, status=self.status)

    async def open(self) -> None:
        """Reads the revocation lists, which may take seconds."""
        await self.status.open()

    async def close(self) -> None:
        """Ends what is under way."""
        await self.status.close()


def revocation_of(settings: Settings) -> Revocation:
    """Returns the settings as the gateway takes them."""
    chosen = settings.revocation
    return Revocation(
        places=frozenset(place_of(host) for host in chosen.hosts),
        lists=chosen.lists,
        responder=chosen.responder or None,
        require=chosen.require,
        accept_unknown=frozenset(Purpose(purpose) for purpose in chosen.accept_unknown),
        timeout=chosen.timeout,
        list_timeout=chosen.list_timeout,
        refresh=chosen.refresh,
        retry=chosen.retry,
        longest_list=chosen.longest_list_mib * 1024 * 1024,
        nonce=chosen.nonce != "off",
        digest=chosen.name_by,
        rules=Rules(nonce_required=chosen.nonce == "require", longest=chosen.longest_answer),
    )
