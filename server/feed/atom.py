"""The feed as Atom (RFC 4287): paged (RFC 5005, 3), what was withdrawn as deleted entries (RFC 6721)."""

from xml.etree import ElementTree as Xml

from server.feed.channel import (
    ATOM,
    HTML,
    Channel,
    GoneNotice,
    PageName,
    ShownNotice,
    rfc3339,
    shown,
)
from server.usecases.notice_feed import FeedPage

_ATOM = "http://www.w3.org/2005/Atom"
_TOMBSTONES = "http://purl.org/atompub/tombstones/1.0"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"


def document(channel: Channel, page: FeedPage, language: str) -> bytes:
    """Returns a page of the feed in a language."""
    Xml.register_namespace("", _ATOM)
    Xml.register_namespace("at", _TOMBSTONES)
    feed = Xml.Element(_in_atom("feed"), {_LANGUAGE: language})
    first = PageName(language, ATOM)
    _text(feed, "id", channel.address(first))
    _text(feed, "title", channel.title(language))
    _text(feed, "subtitle", channel.words(language).about)
    _text(feed, "updated", rfc3339(page.changed_at))
    _text(Xml.SubElement(feed, _in_atom("author")), "name", channel.post)
    _link(feed, "self", channel.address(PageName(language, ATOM, page.before)))
    _link(feed, "alternate", channel.address(PageName(language, HTML)), type="text/html", hreflang=language)
    for other in channel.languages:
        if other != language:
            address = channel.address(PageName(other, ATOM))
            _link(feed, "alternate", address, type="application/atom+xml", hreflang=other)
    _link(feed, "first", channel.address(first))
    if page.older is not None:
        _link(feed, "next", channel.address(PageName(language, ATOM, page.older)))
    for each in shown(page, language):
        if isinstance(each, GoneNotice):
            gone = {"ref": each.notice_id.urn, "when": rfc3339(each.at)}
            Xml.SubElement(feed, f"{{{_TOMBSTONES}}}deleted-entry", gone)
        else:
            _entry(feed, channel, each)
    written: bytes = Xml.tostring(feed, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _entry(feed: Xml.Element, channel: Channel, each: ShownNotice) -> None:
    entry = Xml.SubElement(feed, _in_atom("entry"), {_LANGUAGE: each.text.language})
    _text(entry, "id", each.notice.id.urn)
    _text(entry, "title", each.text.title)
    _text(entry, "published", rfc3339(each.published_at))
    _text(entry, "updated", rfc3339(each.changed_at))
    _link(entry, "alternate", channel.address(each.notice.id), type="application/json")
    Xml.SubElement(entry, _in_atom("content"), {"type": "text"}).text = each.text.text


def _in_atom(name: str) -> str:
    return f"{{{_ATOM}}}{name}"


def _text(parent: Xml.Element, name: str, value: str) -> None:
    Xml.SubElement(parent, _in_atom(name)).text = value


def _link(parent: Xml.Element, rel: str, href: str, **more: str) -> None:
    Xml.SubElement(parent, _in_atom("link"), {"rel": rel, "href": href, **more})
