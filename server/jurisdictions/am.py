"""Armenia (seeds 000, 001, 002)."""

from namak.evidence.signature import CertificateNaming
from server.domain.profile import Profile

AM = Profile(
    code="am",
    evidence_policy="namak:am:1",
    operator_identifier="e-citizen.am",
    operator_name="e-citizen.am",
    mailbox_domain="e-citizen.am",
    mailbox_domain_aliases=("ecitizen.am",),
    person_digits=10,
    entity_digits=8,
    sender_top_domains=("am", "xn--y9a3aq"),
    ascii_only_domains=("am",),
    idn_script="ARMENIAN",
    notification_policy="am-2015@1",
    time_zone="Asia/Yerevan",
    naming=CertificateNaming(attribute="serial_number", prefix="PNOAM-"),
)
