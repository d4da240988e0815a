"""The places in a file that keeping a seal changes, and how: all else stays as it was.

Each function raises :class:`~namak.delivery_certificate.page_text.Unreadable`, or what reading a file raises,
where an update says more.
"""

import re
from typing import Any, Final

from pyhanko.pdf_utils import generic

from namak.delivery_certificate.additions.metadata import is_same_but_for_tool
from namak.delivery_certificate.additions.step import Step, check_changes, check_dictionary, demand, written

# Untyped in pyhanko.
_dictionary: Any = generic.DictionaryObject
_TRAILER: Final = frozenset(
    {"/Size", "/Prev", "/ID", "/Type", "/W", "/Index", "/Length", "/Filter", "/DecodeParms"}
)
"""What an update's trailer may say otherwise than the one before (ISO 32000-2, tables 15 and 17)."""

_OF_ROOT: Final = frozenset({"/AcroForm", "/DSS", "/Extensions"})
_OF_FORM: Final = frozenset({"/Fields", "/SigFlags"})
"""What of the form grows with a document timestamp."""

_OF_STAMP: Final = frozenset({"/FT", "/T", "/TU", "/Type", "/Subtype", "/F", "/Rect", "/P", "/V", "/AP"})
"""What the field of a document timestamp that shows nowhere consists of: nothing that acts or speaks."""

_OF_TOKEN: Final = frozenset({"/Type", "/Filter", "/SubFilter", "/Contents", "/ByteRange"})
"""And its value."""

_OF_PICTURE: Final = frozenset(
    {"/Type", "/Subtype", "/FormType", "/BBox", "/Matrix", "/Resources", "/Length", "/Filter"}
)
"""And the empty picture that some tools give it."""

_OF_EXTENSION: Final = frozenset({"/Type", "/BaseVersion", "/ExtensionLevel", "/ExtensionRevision", "/URL"})
_PREFIX: Final = re.compile(r"/[A-Za-z0-9_]{4}", re.ASCII)
_OF_VERSION: Final = re.compile(
    r"/DeveloperExtensions|/?[0-9.]{1,8}|:[0-9]{4}|https://www\.iso\.org/standard/[0-9]{1,8}\.html", re.ASCII
)
_QUIET: Final = 2 | 4 | 128
"""Hidden, printed, locked (ISO 32000-2, table 167)."""

_FIELD_NAME: Final = re.compile(r"[\w.-]{1,64}")


def check_trailer(step: Step, trailer: Any) -> None:
    before: Any = step.before.trailer.flatten()
    for key in {*before, *trailer} - _TRAILER:
        demand(key in before and key in trailer)
        demand(written(before.raw_get(key)) == written(trailer.raw_get(key)))
    demand(int(trailer["/Prev"]) == step.before.last_startxref)
    if "/ID" in before or "/ID" in trailer:
        former, latter = before["/ID"], trailer["/ID"]
        demand(
            len(latter) == 2 and written(former[0]) == written(latter[0]) and len(written(latter[1])) <= 130
        )
    if "/Info" in trailer:
        former, latter = step.pair(before, trailer, "/Info")
        demand(written(former) == written(latter) or is_same_but_for_tool(former, latter))
    _check_root(step, *step.pair(before, trailer, "/Root"))


def _check_root(step: Step, before: Any, after: Any) -> None:
    check_changes(before, after, _OF_ROOT)
    if "/Metadata" in after:
        former, latter = step.pair(before, after, "/Metadata")
        demand(written(former) == written(latter) or is_same_but_for_tool(former, latter))
    if "/Extensions" in after:
        _check_extensions(*step.pair(before, after, "/Extensions"))
    _check_form(step, *step.pair(before, after, "/AcroForm"))


def _check_extensions(before: Any, after: Any) -> None:
    check_changes(before or _dictionary(), after, after)
    for name in set(after):
        found = after.raw_get(name)
        if before and name in before and written(before.raw_get(name)) == written(found):
            continue
        demand(_PREFIX.fullmatch(name) is not None)
        for each in found if isinstance(found, generic.ArrayObject) else [found]:
            check_dictionary(each, _OF_EXTENSION, Type="DeveloperExtensions")
            for key in set(each):
                value = each.raw_get(key)
                demand(_OF_VERSION.fullmatch(str(value)) is not None)


def _check_form(step: Step, before: Any, after: Any) -> None:
    """Demands that a form has only further document timestamps, one at most, and a page only these."""
    check_changes(before, after, _OF_FORM)
    flags = [int(each["/SigFlags"]) if "/SigFlags" in each else 0 for each in (before, after)]
    demand(flags[0] | flags[1] == flags[1] <= 3)
    fields = step.pair(before, after, "/Fields")
    more = _appended(*fields)
    demand(len(more) <= 1)
    for place in more:
        _check_stamp(step, step.new(fields[1], place))
        _check_page(step, fields[1].raw_get(place))


def _appended(before: Any, after: Any) -> range:
    """Returns the places at which a list has grown at its end."""
    demand(isinstance(after, generic.ArrayObject))
    known = 0 if before is None else len(before)
    demand(known <= len(after))
    demand(all(written(before.raw_get(at)) == written(after.raw_get(at)) for at in range(known)))
    return range(known, len(after))


def _check_stamp(step: Step, field: Any) -> None:
    check_dictionary(field, _OF_STAMP, FT="Sig", Type="Annot", Subtype="Widget")
    demand({"/FT", "/T", "/V"}.issubset(field) and _FIELD_NAME.fullmatch(str(field["/T"])) is not None)
    demand("/TU" not in field or str(field["/TU"]) == "Timestamp")
    demand("/F" not in field or int(field["/F"]) | _QUIET == _QUIET)
    demand("/Rect" not in field or [float(each) for each in field["/Rect"]] == [0.0] * 4)
    if "/AP" in field:
        _check_picture(step, step.pair(None, field, "/AP")[1])
    value = step.pair(None, field, "/V")[1]
    check_dictionary(value, _OF_TOKEN, Type="DocTimeStamp", SubFilter="ETSI.RFC3161", Filter="Adobe.PPKLite")
    demand(len(value) == len(_OF_TOKEN))


def _check_picture(step: Step, shown: Any) -> None:
    """Demands that a field's picture shows nothing."""
    check_dictionary(shown, {"/N"})
    picture = step.new(shown, "/N")
    demand(isinstance(picture, generic.StreamObject) and _OF_PICTURE.issuperset(picture))
    demand(picture.data == b"" and not picture.get("/Resources", ()))
    for key in _OF_PICTURE.difference({"/Length", "/Resources"}).intersection(picture):
        values = picture.raw_get(key)
        plain = generic.NameObject | generic.NumberObject | generic.FloatObject
        demand(all(isinstance(each, plain) for each in (values if key in _LISTS else [values])))


_LISTS: Final = frozenset({"/BBox", "/Matrix"})


def _check_page(step: Step, stamp: Any) -> None:
    """Demands that a timestamp's page has it as a further annotation, and is otherwise as it was."""
    field = stamp.get_object()
    if "/P" not in field:
        return
    page: Any = field.raw_get("/P")
    demand(isinstance(page, generic.IndirectObject))
    files: tuple[Any, Any] = (step.before, step.after)
    before, after = (each.get_object(page.reference) for each in files)
    check_changes(before, after, {"/Annots"})
    demand(str(before["/Type"]) == "/Page")
    step.unexplained.discard(page.idnum)
    if "/Annots" in after:
        notes = step.pair(before, after, "/Annots")
        more = [written(notes[1].raw_get(place)) for place in _appended(*notes)]
        demand(more in ([], [written(stamp)]))
