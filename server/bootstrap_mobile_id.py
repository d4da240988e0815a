"""Wires the mobile-id service, and what is signed by it."""

from uuid import UUID

from server.config import Settings
from server.domain.profile import Profile
from server.gateways.citizen_chains import CitizenChains
from server.gateways.citizen_trust import CitizenTrust
from server.gateways.mobile_id import MobileId, MobileIdSettings
from server.gateways.mobile_id_http import Service
from server.usecases.mobile_identity import MobileIdentity
from server.usecases.mobile_signing import MobileSigning
from server.usecases.phone_confirmation import PhoneConfirmationDesk
from server.usecases.ports import Clock, Entropy, UnitOfWork
from server.usecases.reading import Reading
from server.usecases.tries import Tries


def mobile_id(settings: Settings, profile: Profile, clock: Clock) -> MobileId | None:
    """Returns the service as the settings name it, to be entered; None where there is none.

    Raises:
        OSError, ssl.SSLError, ValueError: its files can't be used.
    """
    service = settings.mobile_id
    if not service.url or service.authorities is None or service.relying_party_file is None:
        return None
    try:
        relying_party = UUID(service.relying_party_file.read_text("utf-8").strip())
    except ValueError:
        raise ValueError(f"{service.relying_party_file} holds no UUID") from None
    return MobileId(
        MobileIdSettings(
            Service(service.url.rstrip("/"), service.authorities),
            # The services want it in small letters.
            relying_party=str(relying_party),
            relying_party_name=service.relying_party_name,
            languages=service.languages,
            session=service.session,
            poll=service.poll,
            request=service.timeout,
        ),
        profile.naming,
        clock,
    )


def confirmation_by_phone(
    profile: Profile,
    uow: UnitOfWork,
    clock: Clock,
    entropy: Entropy,
    *,
    reading: Reading,
    phones: MobileIdentity | None,
    trust: CitizenTrust,
) -> PhoneConfirmationDesk:
    """Returns the use case of confirming by phone, which is not offered without `phones`."""
    signing = None
    if phones is not None:
        chains = CitizenChains(trust)
        signing = MobileSigning(mobile=phones, chains=chains, clock=clock, entropy=entropy)
    return PhoneConfirmationDesk(
        uow=uow,
        clock=clock,
        entropy=entropy,
        reading=reading,
        signing=signing,
        tries=Tries(uow, profile),
        profile=profile,
    )
