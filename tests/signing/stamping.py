"""A timestamping authority (RFC 3161) whose clock the tests set."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509

from tests.signing.authority import Holder


@dataclass
class StampingAuthority:
    """Gives tokens of its time; ``imprint`` puts another digest into them."""

    holder: Holder
    time: datetime
    imprint: bytes | None = None

    def token(self, imprint: bytes, algorithm: str) -> bytes:
        info = tsp.TSTInfo(
            {
                "version": "v1",
                "policy": "1.3.6.1.4.1.99999.2",
                "message_imprint": tsp.MessageImprint(
                    {
                        "hash_algorithm": algos.DigestAlgorithm({"algorithm": algorithm}),
                        "hashed_message": self.imprint or imprint,
                    }
                ),
                "serial_number": 1,
                "gen_time": core.GeneralizedTime(self.time),
            }
        ).dump()
        return self._signed(info)

    def _signed(self, info: bytes) -> bytes:
        identifier = tsp.ESSCertIDv2(
            {
                "hash_algorithm": algos.DigestAlgorithm({"algorithm": "sha256"}),
                "cert_hash": hashlib.sha256(self.holder.der).digest(),
            }
        )
        values: dict[str, Any] = {
            "content_type": "tst_info",
            "message_digest": hashlib.sha256(info).digest(),
            "signing_certificate_v2": tsp.SigningCertificateV2({"certs": [identifier]}),
        }
        attributes = cms.CMSAttributes(
            [
                cms.CMSAttribute({"type": cms.CMSAttributeType(name), "values": [value]})
                for name, value in values.items()
            ]
        )
        own = asn1_x509.Certificate.load(self.holder.der)
        signer = cms.SignerInfo(
            {
                "version": "v1",
                "sid": cms.SignerIdentifier(
                    {
                        "issuer_and_serial_number": cms.IssuerAndSerialNumber(
                            {"issuer": own.issuer, "serial_number": own.serial_number}
                        )
                    }
                ),
                "digest_algorithm": algos.DigestAlgorithm({"algorithm": "sha256"}),
                "signed_attrs": attributes,
                "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": "sha256_ecdsa"}),
                "signature": self.holder.signer.sign(attributes.dump()),
            }
        )
        chain = [self.holder.der, *self.holder.signer.chain]
        signed = cms.SignedData(
            {
                "version": "v3",
                "digest_algorithms": [algos.DigestAlgorithm({"algorithm": "sha256"})],
                "encap_content_info": {"content_type": "tst_info", "content": core.ParsableOctetString(info)},
                "certificates": [asn1_x509.Certificate.load(der) for der in chain],
                "signer_infos": [signer],
            }
        )
        whole: bytes = cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump()
        return whole
