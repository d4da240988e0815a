"""The Namak server: official electronic post over gRPC.

Imports point inward: `services` and `interceptors` call `usecases`, which know only `domain`; `storage`,
`transparency`, `hsm` and `gateways` implement the small protocols that use cases ask for, and `bootstrap`
wires them together. `namak.evidence`, the format and verification of evidence, belongs to the client
distribution and is imported from there: there is one copy of it.
"""
