"""Security stores (DSS; ETSI EN 319 142-1, 5.4): what tells of certificates, and nothing besides."""

import re
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from typing import Any, Final

from asn1crypto import crl, ocsp, x509
from pyhanko.pdf_utils import generic

from namak.delivery_certificate.additions.step import Step, check_dictionary, demand

MOST_STREAMS: Final = 1000
"""The security store of a certificate has at most so many members, those by signature counted again."""

MOST_MATERIAL: Final = 64 * 1024 * 1024
"""They have together at most so many bytes."""

_KINDS: Final[Mapping[str, Callable[[bytes], object]]] = {
    "/Certs": lambda der: x509.Certificate.load(der, strict=True)["tbs_certificate"]["subject"].native,
    "/CRLs": lambda der: crl.CertificateList.load(der, strict=True)["tbs_cert_list"]["issuer"].native,
    "/OCSPs": lambda der: ocsp.OCSPResponse.load(der, strict=True)["response_status"].native,
}
"""What a security store has, and what reads of each as much as tells it from anything else."""

_OF_STORE: Final = frozenset({*_KINDS, "/Type", "/VRI"})
_BY_SIGNATURE: Final = {"/Cert": "/Certs", "/CRL": "/CRLs", "/OCSP": "/OCSPs"}
_OF_SIGNATURE: Final = frozenset({*_BY_SIGNATURE, "/Type", "/TU"})
_OF_STREAM: Final = frozenset({"/Length", "/Filter"})
_HASH: Final = re.compile(r"/[0-9A-Fa-f]{40}", re.ASCII)
_DATE: Final = re.compile(r"D:[0-9]{4,14}(Z|[+-][0-9]{2}'?([0-9]{2}'?)?)?", re.ASCII)


class Store:
    """Goes through security stores, revision by revision; a stream that stays is looked at once."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int, object], bytes] = {}
        self._left = MOST_MATERIAL

    def material_of(self, root: Any, step: Step) -> set[tuple[bool, str, bytes]]:
        """Returns the kinds and digests of what a file's security store holds: once for what stands in its
        own lists, since not everybody looks further, and once for all, since tools move what stands by
        signature.
        """
        if "/DSS" not in root:
            return set()
        former, store = step.pair(step.before.root, root, "/DSS")
        check_dictionary(store, _OF_STORE, Type="DSS")
        found = [each for kind in _KINDS for each in self._streams(step, former, store, kind, kind)]
        apart: list[tuple[str, bytes]] = []
        if "/VRI" in store:
            known, entries = step.pair(former, store, "/VRI")
            demand(type(entries) is generic.DictionaryObject and len(entries) <= MOST_STREAMS)
            for name in set(entries):
                demand(_HASH.fullmatch(name) is not None)
                old, entry = step.pair(known, entries, name)
                check_dictionary(entry, _OF_SIGNATURE, Type="VRI")
                demand("/TU" not in entry or _DATE.fullmatch(str(entry["/TU"])) is not None)
                for key, kind in _BY_SIGNATURE.items():
                    apart += self._streams(step, old, entry, key, kind)
                demand(len(found) + len(apart) <= MOST_STREAMS)
        return {(True, *each) for each in found} | {(False, *each) for each in (*found, *apart)}

    def _streams(
        self, step: Step, former: Any, holder: Any, key: str, kind: str
    ) -> Iterator[tuple[str, bytes]]:
        if key not in holder:
            return
        _, references = step.pair(former, holder, key)
        demand(isinstance(references, generic.ArrayObject) and len(references) <= MOST_STREAMS)
        for place in range(len(references)):
            reference: Any = references.raw_get(place)
            demand(isinstance(reference, generic.IndirectObject))
            stream = step.pair(None, references, place)[1]
            # The same bytes at the same place in every revision of one file.
            where = (kind, reference.idnum, step.after.xrefs[reference.reference])
            if where not in self._known:
                self._known[where] = self._read(stream, kind)
            yield kind, self._known[where]

    def _read(self, stream: Any, kind: str) -> bytes:
        demand(isinstance(stream, generic.StreamObject) and _OF_STREAM.issuperset(stream))
        demand(str(stream.get("/Filter", "/FlateDecode")) == "/FlateDecode")
        content = bytes(stream.data)
        self._left -= len(content)
        demand(self._left >= 0)
        _KINDS[kind](content)
        return sha256(content).digest()
