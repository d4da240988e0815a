"""The register of who may send, all of it, by kind of thing (ADMIN-1 to ADMIN-4, POST-8)."""

from dataclasses import dataclass

from server.usecases.acts import ActRegister
from server.usecases.administrators import AdministratorRegister
from server.usecases.certificates import CertificateRegister
from server.usecases.domains import DomainRegister
from server.usecases.organisations import OrganisationRegister
from server.usecases.sender_addresses import SenderAddressRegister


@dataclass(frozen=True, slots=True)
class SenderAdmin:
    """What the operator and the administrators of organisations do in the register."""

    organisations: OrganisationRegister
    administrators: AdministratorRegister
    domains: DomainRegister
    addresses: SenderAddressRegister
    certificates: CertificateRegister
    acts: ActRegister
