"""Wires the mobile-id service."""

from uuid import UUID

from server.config import Settings
from server.domain.profile import Profile
from server.gateways.mobile_id import MobileId, MobileIdSettings
from server.gateways.mobile_id_http import Service
from server.usecases.ports import Clock


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
