"""What may be done to the rows of deliveries, and what is to be told.

Names in braces are deliveries: `plain` lies in its mailbox; `confirmed` was opened and confirmed, `opened`
only opened, all under am-2015@1; `withdrawn` was taken back. `published` is under am-2025@2: a public notice
took effect by lapse of time; `signed_in` is notified by its opening, under the same.
"""

from collections.abc import Mapping

_EFFECT = "event = 'https://namak.am/event/NotificationEffected'"
_ACCEPTANCE = "event = 'http://uri.etsi.org/19522/Event/SubmissionAcceptance'"
_CONSIGNMENT = "event = 'http://uri.etsi.org/19522/Event/ContentConsignment'"
_ACCESS = "event = 'http://uri.etsi.org/19522/Event/ContentAccessTracking'"
_CONFIRMED = "event = 'https://namak.am/event/ReadingConfirmed'"


def _gone(delivery: str, event: str) -> str:
    return f"DELETE FROM evidence WHERE delivery_id = '{{{delivery}}}' AND {event}"


def _said(delivery: str, event: str, this: str, that: str) -> str:
    """Has evidence say something else."""
    return (
        f"UPDATE evidence SET document = convert_to(regexp_replace(convert_from(document, 'UTF8'), '{this}',"
        f" '{that}'), 'UTF8') WHERE delivery_id = '{{{delivery}}}' AND {event}"
        f" AND convert_from(document, 'UTF8') ~ '{this}'"
    )


def _copied(delivery: str, event: str, to: str) -> str:
    """Copies evidence, under another identifier, into another delivery."""
    return (
        "INSERT INTO evidence (owner_id, id, event, organisation_id, delivery_id, document, entry,"
        " recorded_at) SELECT owner_id, made.id, event, organisation_id, made.delivery, convert_to(replace("
        "replace(convert_from(document, 'UTF8'), evidence.id::text, made.id::text), delivery_id::text,"
        " made.delivery::text), 'UTF8'), entry, recorded_at FROM evidence,"
        f" (SELECT '01999999-0000-7000-8000-000000000000'::uuid AS id, '{{{to}}}'::uuid AS delivery) made"
        f" WHERE delivery_id = '{{{delivery}}}' AND {event}"
    )


_DIGEST = "[0-9a-f]{{64}}"

DELIVERY_DAMAGES: Mapping[str, tuple[str, set[str]]] = {
    "an effect is gone": (_gone("signed_in", _EFFECT), {"effect-missing", "state-wrong"}),
    "a confirmation's effect is gone": (
        _gone("confirmed", _EFFECT),
        {"effect-missing", "state-wrong", "act-wrong"},
    ),
    "an effect is there twice": (_copied("signed_in", _EFFECT, "signed_in"), {"effect-twice"}),
    "an effect names another rule": (
        _said("signed_in", _EFFECT, "LADDER-1-OPENING", "LADDER-1-SIGN-IN"),
        {"effect-wrong"},
    ),
    "an effect names another time": (
        _said("published", _EFFECT, '"effectiveTime":"2026-12-10', '"effectiveTime":"2026-12-09'),
        {"effect-wrong", "state-wrong"},
    ),
    "an effect was recorded before its time": (
        _said("published", _EFFECT, '"EventTime":"2026-12-10', '"EventTime":"2026-12-09'),
        {"effect-groundless", "fact-wrong"},
    ),
    "an effect names another fact": (
        _said("signed_in", _EFFECT, f'"fact":"{_DIGEST}"', f'"fact":"{"ab" * 32}"'),
        {"effect-wrong", "named-missing"},
    ),
    "an effect names another policy": (
        _said("signed_in", _EFFECT, "am-2025@2", "am-2025@1"),
        {"effect-wrong", "fact-wrong"},
    ),
    "an effect's fact is gone": (
        _gone("signed_in", _ACCESS),
        {"effect-groundless", "named-missing", "act-wrong"},
    ),
    "an effect's fact has other bytes": (
        _said("signed_in", _ACCESS, '"salt":"..', '"salt":"AA'),
        {"effect-wrong", "named-missing"},
    ),
    "an effect came from nowhere": (
        _copied("signed_in", _EFFECT, "opened"),
        {"effect-groundless", "fact-wrong", "named-missing", "state-wrong"},
    ),
    "an effect by lapse of time is not recorded": (
        (
            f"WITH gone AS ({_gone('published', _EFFECT)}) UPDATE deliveries SET state = 'CONSIGNED',"
            " notified_at = NULL WHERE id = '{published}'"
        ),
        {"effect-overdue"},
    ),
    "an acceptance is gone": (_gone("plain", _ACCEPTANCE), {"origin-missing"}),
    "a consignment is gone": (_gone("plain", _CONSIGNMENT), {"origin-missing"}),
    "all evidence of a delivery is gone": (_gone("plain", "true"), {"origin-missing"}),
    "a confirmed delivery's consignment is gone": (
        _gone("confirmed", _CONSIGNMENT),
        {"origin-missing", "named-missing", "effect-groundless"},
    ),
    "a consignment has other bytes": (
        _said("opened", _CONSIGNMENT, '"salt":"..', '"salt":"AA'),
        {"named-missing"},
    ),
    "a delivery is gone": ("DELETE FROM deliveries WHERE id = '{plain}'", {"fact-stray"}),
    "a delivery with much evidence is gone": (
        "DELETE FROM deliveries WHERE id = '{confirmed}'",
        {"fact-stray"},
    ),
    "a link is gone": ("DELETE FROM mailbox_links WHERE delivery_id = '{plain}'", {"unlinked"}),
    "a link is another's": (
        "UPDATE mailbox_links SET delivery_id = '{plain}' WHERE delivery_id = '{opened}'",
        {"unlinked"},
    ),
    "a state was put back": (
        "UPDATE deliveries SET state = 'CONSIGNED', notified_at = NULL WHERE id = '{confirmed}'",
        {"state-wrong"},
    ),
    "a state was put forward": (
        "UPDATE deliveries SET state = 'NOTIFIED', notified_at = now() WHERE id = '{plain}'",
        {"state-wrong"},
    ),
    "a delivery is withdrawn without evidence": (
        "UPDATE deliveries SET state = 'WITHDRAWN', withdrawn_at = now() WHERE id = '{opened}'",
        {"state-wrong"},
    ),
    "a state has another time": (
        "UPDATE deliveries SET notified_at = notified_at - interval '1 s' WHERE id = '{confirmed}'",
        {"state-wrong"},
    ),
    "a withdrawal is gone": (
        _gone("withdrawn", "event = 'https://namak.am/event/Withdrawn'"),
        {"state-wrong"},
    ),
    "a withdrawal is there twice": (
        _copied("withdrawn", "event = 'https://namak.am/event/Withdrawn'", "withdrawn"),
        {"withdrawal-wrong"},
    ),
    "what is withdrawn had been opened": (
        _copied("opened", _ACCESS, "withdrawn"),
        {"withdrawal-wrong", "named-missing", "act-wrong"},
    ),
    "an opening is gone": ("DELETE FROM openings WHERE delivery_id = '{opened}'", {"act-wrong"}),
    "an opening names other evidence": (
        "UPDATE openings SET evidence_id = gen_random_uuid() WHERE delivery_id = '{opened}'",
        {"act-wrong"},
    ),
    "an opening is there without evidence": (
        (
            "INSERT INTO openings (mailbox_id, delivery_id, person_number, evidence_id, opened_at) SELECT"
            " mailbox_id, id, '1', gen_random_uuid(), now() FROM deliveries WHERE id = '{plain}'"
        ),
        {"act-wrong"},
    ),
    "a confirmation is gone": ("DELETE FROM confirmations", {"act-wrong"}),
    "a confirmation is of another signature": (
        "UPDATE confirmations SET cms_digest = sha256('x')",
        {"act-wrong"},
    ),
    "a confirmation names other evidence": (
        "UPDATE confirmations SET evidence_ids = ARRAY[gen_random_uuid()]",
        {"act-wrong"},
    ),
    "a confirmation holds another signature": (
        _said("confirmed", _CONFIRMED, '"cms":"....', '"cms":"AAAA'),
        {"act-wrong", "named-missing", "effect-wrong"},
    ),
    "a statement is of another delivery": (
        _said("confirmed", _CONFIRMED, "ndelivery: ........", "ndelivery: 00000000"),
        {"confirmation-wrong", "named-missing", "effect-wrong"},
    ),
    "a statement is none": (
        _said("confirmed", _CONFIRMED, "ndelivery: ", "n"),
        {"confirmation-wrong", "named-missing", "effect-wrong"},
    ),
    "a revocation list is gone": ("DELETE FROM revocation_lists", {"confirmation-wrong"}),
    "evidence can't be read": (
        f"UPDATE evidence SET document = 'x' WHERE delivery_id = '{{plain}}' AND {_CONSIGNMENT}",
        {"fact-unreadable"},
    ),
    "evidence lost its end": (
        (
            "UPDATE evidence SET document = substr(document, 1, length(document) - 1)"
            f" WHERE delivery_id = '{{plain}}' AND {_CONSIGNMENT}"
        ),
        {"fact-unreadable"},
    ),
    "evidence stands under another event": (
        f"UPDATE evidence SET event = 'urn:x' WHERE delivery_id = '{{plain}}' AND {_ACCEPTANCE}",
        {"fact-wrong"},
    ),
    "evidence stands under another time": (
        (
            "UPDATE evidence SET recorded_at = recorded_at + interval '1 s' WHERE delivery_id = '{plain}'"
            f" AND {_CONSIGNMENT}"
        ),
        {"fact-wrong"},
    ),
    "evidence stands under another identifier": (
        f"UPDATE evidence SET id = gen_random_uuid() WHERE delivery_id = '{{plain}}' AND {_ACCEPTANCE}",
        {"fact-wrong"},
    ),
    "evidence has other parts": (
        _said("plain", _CONSIGNMENT, '"Value":"....', '"Value":"AAAA'),
        {"fact-wrong"},
    ),
    "evidence stands under another delivery": (
        f"UPDATE evidence SET delivery_id = '{{opened}}' WHERE delivery_id = '{{plain}}' AND {_ACCEPTANCE}",
        {"fact-wrong", "origin-missing"},
    ),
    "a delivery has another recipient": (
        "UPDATE deliveries SET recipient = 'x@y' WHERE id = '{plain}'",
        {"fact-wrong"},
    ),
    "a delivery has another sender": (
        "UPDATE deliveries SET sender = 'x@y' WHERE id = '{plain}'",
        {"fact-wrong"},
    ),
    "a delivery has another policy": (
        "UPDATE deliveries SET notification_policy = 'am-2025@1' WHERE id = '{plain}'",
        {"fact-wrong"},
    ),
    "a delivery was submitted at another time": (
        "UPDATE deliveries SET submitted_at = submitted_at - interval '1 us' WHERE id = '{plain}'",
        {"fact-wrong"},
    ),
}

USAGE_DAMAGES: Mapping[str, tuple[str, set[str]]] = {
    "a delivery is billed to another address": (
        "UPDATE deliveries SET sender = 'x@src.am' WHERE id = '{plain}'",
        {"usage-wrong"},
    ),
    "what is billed is not what is vouched for": (
        f"UPDATE evidence SET entry = sha256('x') WHERE delivery_id = '{{plain}}' AND {_ACCEPTANCE}",
        {"usage-unproved"},
    ),
}
"""What may be done to what is billed; the first acceptance stands in the log."""
