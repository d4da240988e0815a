"""Reads the feed as strangers do: by the standards' rules, and by nothing of ours."""

import json
import re
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree as Xml

ATOM = "{http://www.w3.org/2005/Atom}"
TOMBSTONE = "{http://purl.org/atompub/tombstones/1.0}deleted-entry"
LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


@dataclass(frozen=True)
class AtomFeed:
    """A feed that keeps RFC 4287: `entries` are (id, title, content), `gone` the ids of deleted entries."""

    language: str
    title: str
    updated: str
    links: dict[str, list[str]]
    entries: list[tuple[str, str, str]]
    gone: list[str]

    def link(self, rel: str) -> str | None:
        """Returns the one link of a relation; None where there is none."""
        found = self.links.get(rel, [])
        assert len(found) <= 1
        return found[0] if found else None


def atom(content: bytes) -> AtomFeed:
    """Reads a feed. AssertionError: it does not keep RFC 4287, 4.1, or RFC 6721, 3."""
    root = Xml.fromstring(content)
    assert root.tag == f"{ATOM}feed"
    links: dict[str, list[str]] = {}
    for link in root.findall(f"{ATOM}link"):
        if link.get("type") in (None, "text/html"):
            links.setdefault(link.attrib["rel"], []).append(link.attrib["href"])
    assert len(links["self"]) == 1
    assert _one(root, "id").startswith("http")
    assert len(root.findall(f"{ATOM}author/{ATOM}name")) == 1
    assert TIME.fullmatch(_one(root, "updated"))
    entries = [_entry(each) for each in root.findall(f"{ATOM}entry")]
    gone = root.findall(TOMBSTONE)
    assert all(TIME.fullmatch(each.attrib["when"]) for each in gone)
    assert all(not list(each) and not each.text for each in gone)
    ids = [each for each, _, _ in entries]
    assert len(set(ids)) == len(ids)
    return AtomFeed(
        root.attrib[LANGUAGE],
        _one(root, "title"),
        _one(root, "updated"),
        links,
        entries,
        [each.attrib["ref"] for each in gone],
    )


def _entry(entry: Xml.Element) -> tuple[str, str, str]:
    identifier = _one(entry, "id")
    assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", identifier)
    assert TIME.fullmatch(_one(entry, "published"))
    assert TIME.fullmatch(_one(entry, "updated"))
    (link,) = entry.findall(f"{ATOM}link")
    assert link.attrib["rel"] == "alternate"
    (content,) = entry.findall(f"{ATOM}content")
    assert content.attrib["type"] == "text"
    assert not list(content)
    return identifier, _one(entry, "title"), content.text or ""


def _one(parent: Xml.Element, name: str) -> str:
    (found,) = parent.findall(f"{ATOM}{name}")
    assert not list(found), "a text holds no elements"
    assert found.text
    return found.text


def json_feed(content: bytes) -> dict[str, Any]:
    """Reads a feed. AssertionError: it does not keep JSON Feed 1.1."""
    feed: dict[str, Any] = json.loads(content)
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["title"]
    assert feed["feed_url"]
    for item in feed["items"]:
        assert item["id"]
        assert item["content_text"]
        assert TIME.fullmatch(item["date_published"])
    return feed


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.said: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.said.append(data)


def web_page(content: bytes) -> tuple[list[str], str]:
    """Returns a page's tags, and what it says. AssertionError: there is something in it that acts."""
    words = _Words()
    words.feed(content.decode())
    words.close()
    assert "script" not in words.tags
    assert all(not name.startswith("on") for name, _ in words.attributes)
    for name, value in words.attributes:
        if name in ("href", "src"):
            assert value is not None
            assert value.startswith("https://")
    return words.tags, "".join(words.said)
