from dataclasses import replace

import pytest

from namak.evidence import events
from namak.evidence.details import DETAILS_OF
from namak.evidence.events import EVENTS, Audience, Event, Extension

ETSI_NAMES = {
    "SubmissionAcceptance",
    "SubmissionRejection",
    "ContentConsignment",
    "ConsignmentNotification",
    "ConsignmentNotificationFailure",
    "ContentAccessTracking",
    "RelayToNonERDS",
    "RelayToNonERDSFailure",
    "ReceivedFromNonERDS",
}
OWN_NAMES = {
    "ReadingConfirmed",
    "HolderSignedIn",
    "Withdrawn",
    "LetterPrinted",
    "LetterPosted",
    "LetterHandedOver",
    "LetterRefused",
    "LetterReturned",
    "NoticePublished",
    "NotificationEffected",
    "SmsAccepted",
    "SmsSent",
    "SmsDelivered",
    "SmsFailed",
    "AdministrativeAct",
    "OutageBegan",
    "OutageEnded",
}


def test_holds_every_event_once_under_the_uri_of_its_owner() -> None:
    uris = {event.name: event.uri for event in EVENTS}

    assert uris == {name: f"http://uri.etsi.org/19522/Event/{name}" for name in ETSI_NAMES} | {
        name: f"https://namak.am/event/{name}" for name in OWN_NAMES
    }
    assert len(EVENTS) == len(uris) == len(events.by_uri) == len(events.by_name)


def test_finds_events_by_uri_and_by_name() -> None:
    for event in EVENTS:
        assert events.by_uri[event.uri] is event
        assert events.by_name[event.name] is event


def test_keeps_forwarding_to_the_holder_and_submissions_to_the_sender() -> None:
    of = {event.name: event.audience for event in EVENTS}

    assert {name for name, audience in of.items() if audience is Audience.HOLDER} == {
        "ConsignmentNotification",
        "ConsignmentNotificationFailure",
        "RelayToNonERDS",
        "RelayToNonERDSFailure",
    }
    assert {name for name, audience in of.items() if audience is Audience.SENDER} == {
        "SubmissionAcceptance",
        "SubmissionRejection",
        "SmsAccepted",
        "SmsSent",
        "SmsDelivered",
        "SmsFailed",
    }
    assert {name for name, audience in of.items() if audience is Audience.OPERATOR} == {
        "AdministrativeAct",
        "OutageBegan",
        "OutageEnded",
    }


def test_every_event_about_a_message_with_extensions_has_its_details_and_no_other() -> None:
    issued = {event for event in EVENTS if event.extensions is not None}

    assert set(DETAILS_OF) == {event for event in issued if event.of_message}
    assert issued - set(DETAILS_OF) == {events.ADMINISTRATIVE_ACT, events.OUTAGE_BEGAN, events.OUTAGE_ENDED}


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.name)
def test_an_event_equals_only_what_is_the_same_in_everything(event: Event) -> None:
    others = [
        replace(
            event, audience=Audience.OPERATOR if event.audience is not Audience.OPERATOR else Audience.BOTH
        ),
        replace(event, of_delivery=not event.of_delivery),
        replace(event, optional=frozenset({*event.optional, Extension.ACT})),
        replace(event, uri=event.uri + "s"),
    ]

    assert replace(event) == event
    assert hash(replace(event)) == hash(event)
    assert all(other != event for other in others)
    assert event != event.uri
    assert [other for other in EVENTS if other == event] == [event]
