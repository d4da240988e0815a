"""Requests and replies of BillingService, between the wire and the use case."""

from functools import partial

from namak.v1 import billing_pb2 as pb
from server.domain import addresses
from server.domain.administration import ActingAdministrator
from server.domain.caller import Operator, Sender
from server.domain.profile import Profile
from server.domain.usage import Usage, UsageReport
from server.services.acting import current_actor
from server.services.call import current_call
from server.services.problems import Problems
from server.services.values_wire import day_to_proto
from server.usecases.billing import AskUsage


def ask_usage_from_proto(request: pb.GetUsageRequest, profile: Profile) -> AskUsage:
    problems = Problems()
    by = _asking(problems, request.acting_as)
    sender_rule = partial(addresses.sender_address, profile=profile)
    asked = AskUsage(
        by=by,
        organisation_id=problems.optional_id("organisation_id", request.organisation_id),
        sender=problems.text("sender", request.sender, sender_rule) if request.sender else None,
        first=problems.day("start_date", request.start_date),
        last=problems.day("end_date", request.end_date),
    )
    problems.raise_if_any()
    return asked


def _asking(problems: Problems, acting_as: str) -> Operator | ActingAdministrator | Sender:
    caller = current_call().caller
    if not isinstance(caller, Sender):
        return current_actor(problems, acting_as)
    if acting_as:
        problems.add("acting_as", "NOT_PERMITTED", "must be empty: a sender acts for itself")
    return caller


def usage_report_to_proto(report: UsageReport) -> pb.GetUsageResponse:
    return pb.GetUsageResponse(
        time_zone=report.time_zone,
        total=_usage_to_proto(report.total),
        days=[
            pb.DayUsage(date=day_to_proto(day), usage=_usage_to_proto(usage)) for day, usage in report.days
        ],
        addresses=[
            pb.AddressUsage(sender=sender, usage=_usage_to_proto(usage)) for sender, usage in report.addresses
        ],
    )


def _usage_to_proto(usage: Usage) -> pb.Usage:
    return pb.Usage(
        accepted=usage.accepted,
        withdrawn=usage.withdrawn,
        sms=usage.sms,
        sms_segments=usage.sms_segments,
    )
