"""Who acts on the registers in the call that is being served, and for whom: `acting_as` of the contract."""

from typing import Final
from uuid import UUID

from server.domain.administration import ActingAdministrator
from server.domain.caller import Clerk, Holder, Operator
from server.domain.refusals import ResourceNotPermitted
from server.services.call import current_call
from server.services.problems import Problems

_NOBODYS: Final = UUID(int=0)


def current_actor(problems: Problems, acting_as: str) -> Operator | ActingAdministrator:
    """Returns who acts: the operator, or an administrator for the organisation that `acting_as` names.

    Rights never add up: a person who administers several organisations acts for one at a time. What is wrong
    with `acting_as` is noted; the stand-in that is returned then may do nothing.

    Raises:
        ResourceNotPermitted: an administrator names an organisation that is not theirs, or does not exist.
    """
    caller = current_administrating()
    if isinstance(caller, Operator):
        if acting_as:
            problems.add("acting_as", "NOT_PERMITTED", "must be empty: the operator acts for nobody else")
        return caller
    if not acting_as:
        problems.add("acting_as", "REQUIRED", "must name the organisation that you act for")
        return ActingAdministrator(caller.connection, caller.person_number, _NOBODYS)
    noted = len(problems)
    organisation_id = problems.id("acting_as", acting_as)
    if len(problems) == noted and organisation_id not in caller.administers:
        raise ResourceNotPermitted("organisation")
    return ActingAdministrator(caller.connection, caller.person_number, organisation_id)


def current_operator() -> Operator:
    """Returns the caller of a method whose access rule admits the operator only."""
    caller = current_call().caller
    if not isinstance(caller, Operator):
        raise TypeError(f"the access rule let a {type(caller).__name__} in where an Operator was expected")
    return caller


def current_clerk() -> Clerk:
    """Returns the caller of a method whose access rule admits clerks only."""
    caller = current_call().caller
    if not isinstance(caller, Clerk):
        raise TypeError(f"the access rule let a {type(caller).__name__} in where a Clerk was expected")
    return caller


def current_administrating() -> Operator | Holder:
    """Returns the caller of a method whose access rule admits the operator and administrators only."""
    caller = current_call().caller
    if not isinstance(caller, Operator | Holder):
        raise TypeError(f"the access rule let a {type(caller).__name__} in where one who administers was")
    return caller


def current_applicant() -> Holder | Clerk:
    """Returns the caller of a method whose access rule admits holders and clerks only."""
    caller = current_call().caller
    if not isinstance(caller, Holder | Clerk):
        raise TypeError(f"the access rule let a {type(caller).__name__} in where an applicant was expected")
    return caller


def current_reviewer() -> Operator | Clerk:
    """Returns the caller of a method whose access rule admits the operator and clerks only."""
    caller = current_call().caller
    if not isinstance(caller, Operator | Clerk):
        raise TypeError(f"the access rule let a {type(caller).__name__} in where a reviewer was expected")
    return caller


def current_registrar() -> Operator | Clerk | Holder:
    """Returns the caller of a method whose access rule admits the operator, clerks and holders only."""
    caller = current_call().caller
    if not isinstance(caller, Operator | Clerk | Holder):
        raise TypeError(f"the access rule let a {type(caller).__name__} in where a registrar was expected")
    return caller
