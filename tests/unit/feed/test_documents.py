"""The feed's documents keep their standards, whatever names hold; of what was withdrawn no name is left."""

from datetime import UTC, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.domain.notices import LONGEST_NAME, shown_name
from server.feed.channel import PageName, document_named, page_named
from server.feed.pages import Withdrawn
from server.jurisdictions.am import AM
from tests.contracts import examples
from tests.unit.feed import reading
from tests.unit.feed.conftest import URL, FeedWorld

EVIL = '</title><script>alert("1")</script> & \x00\x07 \u202eevil\u2066 \ufeff ]]> \ud800 <!--'


async def test_an_empty_feed_is_a_feed(world: FeedWorld) -> None:
    feed = reading.atom(await world.read("hy.atom"))
    assert (feed.language, feed.entries, feed.gone, feed.link("next")) == ("hy", [], [], None)
    today = world.clock.now().astimezone(UTC).date()
    assert feed.updated == f"{today.isoformat()}T00:00:00Z"
    assert reading.json_feed(await world.read("ru.json"))["items"] == []
    assert "There are no notices now." in reading.web_page(await world.read("en.html"))[1]


@pytest.mark.parametrize("language", AM.languages)
async def test_all_forms_show_the_same_notices_the_newest_first(world: FeedWorld, language: str) -> None:
    one = await world.publish("Անի Գրիգորյան")
    world.clock.move(timedelta(minutes=1))
    two = await world.publish("Ани Григорян")

    feed = reading.atom(await world.read(f"{language}.atom"))
    items = reading.json_feed(await world.read(f"{language}.json"))["items"]
    _, page = reading.web_page(await world.read(f"{language}.html"))

    assert [each for each, _, _ in feed.entries] == [two.urn, one.urn] == [item["id"] for item in items]
    assert [(title, text) for _, title, text in feed.entries] == [
        (item["title"], item["content_text"]) for item in items
    ]
    assert all(title in page and text in page for _, title, text in feed.entries)
    assert (feed.language, feed.link("self")) == (language, f"{URL}/{language}.atom")
    assert [item["url"] for item in items] == [f"{URL}/{each}.json" for each in (two, one)]


async def test_pages_lead_from_the_newest_to_the_oldest_each_notice_once(world: FeedWorld) -> None:
    published = [await world.publish() for _ in range(8)]
    for form in ("atom", "json", "html"):
        name: str | None = f"hy.{form}"
        seen: list[str] = []
        while name is not None:
            content = await world.read(name)
            following: str | None
            if form == "atom":
                feed = reading.atom(content)
                assert len(feed.entries) <= 3
                assert feed.link("first") == f"{URL}/hy.atom"
                assert feed.link("self") == f"{URL}/{name}"
                seen += [each for each, _, _ in feed.entries]
                following = feed.link("next")
            elif form == "json":
                items = reading.json_feed(content)
                seen += [item["id"] for item in items["items"]]
                following = items.get("next_url")
            else:
                text = content.decode()
                seen += [each.urn for each in reversed(published) if f'id="{each}"' in text]
                following = next((part.split('"')[0] for part in text.split('rel="next" href="')[1:]), None)
            name = None if following is None else following.removeprefix(f"{URL}/")
        assert seen == [each.urn for each in reversed(published)]


async def test_people_read_when_it_was_published_by_their_own_clocks(world: FeedWorld) -> None:
    await world.publish()  # on 21 November, 23:42 UTC
    assert "22.11.2026, 03:42" in reading.web_page(await world.read("hy.html"))[1]
    assert 'datetime="2026-11-21T23:42:45Z"' in (await world.read("hy.html")).decode()


async def test_of_a_withdrawn_notice_atom_says_that_it_was_and_nobody_its_name(world: FeedWorld) -> None:
    kept, gone = await world.publish("Բոբ"), await world.publish("Անի Գրիգորյան")
    await world.feed.withdraw(gone)

    feed = reading.atom(await world.read("hy.atom"))
    assert (feed.gone, [each for each, _, _ in feed.entries]) == ([gone.urn], [kept.urn])
    for name in ("hy.atom", "ru.json", "en.html"):
        assert "Գրիգորյան".encode() not in await world.read(name)
    assert [item["id"] for item in reading.json_feed(await world.read("hy.json"))["items"]] == [kept.urn]
    with pytest.raises(Withdrawn):
        await world.pages.file(f"{gone}.json")


async def test_the_document_is_served_byte_for_byte(world: FeedWorld) -> None:
    notice = await world.publish()
    assert await world.read(f"{notice}.json") == world.uow.committed.notice_entries[notice].document
    assert await world.pages.file(f"{examples.new_id()}.json") is None


async def test_names_that_would_break_out_of_documents_do_not(world: FeedWorld) -> None:
    await world.publish(EVIL, EVIL)
    shown = '</title><script>alert("1")</script> & evil ]]> <!--'

    assert shown_name(EVIL) == shown
    ((_, title, _),) = reading.atom(await world.read("en.atom")).entries
    assert title == f"Notice to {shown}"
    (item,) = reading.json_feed(await world.read("en.json"))["items"]
    assert item["title"] == f"Notice to {shown}"
    tags, said = reading.web_page(await world.read("en.html"))
    assert f"Notice to {shown}" in said
    assert tags.count("article") == 1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(max_size=40), sender=st.text(max_size=40))
async def test_whatever_names_hold_every_form_can_be_read(world: FeedWorld, name: str, sender: str) -> None:
    await world.publish(name, sender)
    feed = reading.atom(await world.read("hy.atom"))
    items = reading.json_feed(await world.read("hy.json"))["items"]
    tags, _ = reading.web_page(await world.read("hy.html"))

    assert feed.entries[0][1] == items[0]["title"] == f"Ծանուցում՝ {shown_name(name)}"
    assert tags.count("article") == len(items)


@given(st.text())
def test_a_shown_name_is_one_short_line_that_stays_as_it_is(name: str) -> None:
    shown = shown_name(name)
    assert shown == shown_name(shown)
    assert len(shown) <= LONGEST_NAME
    assert not shown or shown.isprintable()
    assert shown == shown.strip()


@pytest.mark.parametrize(
    "name",
    [
        *("", "hy", "hy.atom.atom", "de.atom", "HY.atom", "hy.0.atom", "hy.-1.atom", "hy.1e3.atom"),
        *(
            "hy.9223372036854775808.atom",
            "hy.٣.atom",
            "hy.atom\n",
            "../hy.atom",
            "hy.xml",
            "hy.." + "1" * 9999,
        ),
        *("0.json", "{id}.json", "01a2007d-a983-77f3-9d9f-9a6ee01adf14.JSON", "x" * 10_000),
    ],
)
async def test_other_names_are_none(world: FeedWorld, name: str) -> None:
    assert page_named(name, AM.languages) is None
    assert document_named(name) is None
    assert await world.pages.file(name) is None


def test_names_of_pages_are_read_as_they_are_written() -> None:
    for name in (PageName("hy", "atom"), PageName("en", "html", 7), PageName("ru", "json", 2**63 - 1)):
        assert page_named(str(name), AM.languages) == name
