"""Confirmations by phone, between the wire and the use cases."""

import asyncio
from datetime import timedelta
from functools import partial

from namak.evidence.statement import TRANSLATIONS
from namak.v1 import mailbox_pb2 as pb
from server.domain import fields
from server.domain.caller import Holder
from server.domain.mobile_identity import MobileUser
from server.domain.mobile_identity_texts import SCREENS, Screen
from server.domain.profile import Profile
from server.services.call import reply_by
from server.services.evidence_wire import evidence_to_proto
from server.services.mailbox_wire import message_to_proto
from server.services.naming import mailbox_named
from server.services.problems import Problems
from server.services.values_wire import time_to_proto
from server.usecases.phone_confirmation import (
    CompleteConfirmationByPhone,
    StartConfirmationByPhone,
    StartedConfirmation,
)
from server.usecases.reading import ConfirmedReading
from server.usecases.sign_in_proofs import Pending

_CODE_CHARACTERS = 16


def start_from_proto(
    request: pb.StartConfirmationByPhoneRequest, holder: Holder, profile: Profile
) -> StartConfirmationByPhone:
    problems = Problems()
    command = StartConfirmationByPhone(
        holder=holder,
        delivery_id=problems.id("delivery_id", request.delivery_id),
        phone=request.phone_number,
        language=_language(request.language, profile),
        mailbox=mailbox_named(problems, request.mailbox, profile),
    )
    try:
        MobileUser(request.phone_number, holder.person_number)
    except ValueError:
        problems.add("phone_number", "PHONE_MALFORMED", "must be + and 7 to 15 digits")
    problems.raise_if_any()
    return command


def complete_from_proto(
    request: pb.CompleteConfirmationByPhoneRequest, holder: Holder, profile: Profile
) -> CompleteConfirmationByPhone:
    problems = Problems()
    rule = partial(fields.line, limit=_CODE_CHARACTERS)
    command = CompleteConfirmationByPhone(
        holder=holder,
        confirmation_id=problems.id("confirmation_id", request.confirmation_id),
        code=problems.optional_text("verification_code", request.verification_code, rule),
        wait=timedelta(seconds=max(0.0, reply_by() - asyncio.get_running_loop().time())),
        mailbox=mailbox_named(problems, request.mailbox, profile),
    )
    problems.raise_if_any()
    return command


def started_to_proto(started: StartedConfirmation, language: str) -> pb.StartConfirmationByPhoneResponse:
    return pb.StartConfirmationByPhoneResponse(
        confirmation_id=str(started.id),
        statement_id=str(started.statement.id),
        statement=started.statement.text,
        expire_time=time_to_proto(started.expires_at),
        translation=TRANSLATIONS[language],
        translation_language=language,
        verification_code=started.code or "",
        verification_code_required=started.code_required,
    )


def completed_to_proto(outcome: ConfirmedReading | Pending) -> pb.CompleteConfirmationByPhoneResponse:
    if isinstance(outcome, Pending):
        pending = pb.ConfirmationByPhonePending(expire_time=time_to_proto(outcome.expires_at))
        return pb.CompleteConfirmationByPhoneResponse(pending=pending)
    confirmed = pb.ReadingConfirmedByPhone(
        message=message_to_proto(outcome.message),
        evidence=[evidence_to_proto(fact) for fact in outcome.evidence],
    )
    return pb.CompleteConfirmationByPhoneResponse(confirmed=confirmed)


def _language(asked: str, profile: Profile) -> str:
    """Returns the language of the phone's screen: what was asked for, if there are words in it."""
    primary = asked.partition("-")[0].lower()
    return primary if primary in SCREENS[Screen.CONFIRM_READING] else profile.languages[0]
