"""What a jurisdiction decides, as values; the data itself stands in `server/jurisdictions`."""

from dataclasses import dataclass

from namak.evidence.signature import CertificateNaming


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """The rules of one jurisdiction.

    Attributes:
        code: ISO 3166 code in lower case, `am`.
        evidence_policy: `EvidenceIssuerPolicyID` of the evidence issued under it.
        operator_identifier, operator_name: `EvidenceIssuerDetails`.
        mailbox_domain: the canonical domain of official addresses; `mailbox_domain_aliases` are accepted
        and replaced (POST-4).
        person_digits, entity_digits: lengths of the identifiers before the `@` (POST-3, POST-4).
        sender_top_domains: national top-level domains, as A-labels (ADMIN-4); `ascii_only_domains` admit no
        IDN labels below.
        idn_script: the Unicode script name that a label under an internationalised national domain must be
        written in.
        notification_policy: `name@version` of the policy under which new deliveries are accepted (LADDER-2).
        time_zone: the IANA name of the zone whose calendar days count, `Asia/Yerevan` (ADMIN-5).
        naming: how a personal certificate names its person.
    """

    code: str
    evidence_policy: str
    operator_identifier: str
    operator_name: str
    mailbox_domain: str
    mailbox_domain_aliases: tuple[str, ...]
    person_digits: int
    entity_digits: int
    sender_top_domains: tuple[str, ...]
    ascii_only_domains: tuple[str, ...]
    idn_script: str
    notification_policy: str
    time_zone: str
    naming: CertificateNaming
