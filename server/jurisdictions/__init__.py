"""Profiles of jurisdictions: data only, over the same services."""

from collections.abc import Mapping
from types import MappingProxyType

from server.domain.profile import Profile
from server.domain.profile_sources import Source
from server.jurisdictions.am import AM, AM_SOURCES
from server.jurisdictions.az import AZ, AZ_SOURCES
from server.jurisdictions.kz import KZ, KZ_SOURCES

PROFILES: Mapping[str, Profile] = MappingProxyType({profile.code: profile for profile in (AM, KZ, AZ)})
"""Every profile by its code; the default comes first."""

SOURCES: Mapping[str, Mapping[str, Source]] = MappingProxyType(
    {AM.code: AM_SOURCES, KZ.code: KZ_SOURCES, AZ.code: AZ_SOURCES}
)
"""Where the fields of each profile come from, by its code."""
