"""The feed in a directory: whole files, what changed alone, and nothing of what was withdrawn."""

from pathlib import Path

from server.feed.export import Exported, export
from tests.unit.feed import reading
from tests.unit.feed.conftest import URL, FeedWorld


def files_in(place: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in place.iterdir()}


async def test_a_reader_of_the_files_finds_every_notice_and_every_link(
    world: FeedWorld, tmp_path: Path
) -> None:
    published = [await world.publish() for _ in range(7)]
    place = tmp_path / "www" / "notices"

    done = await export(world.pages, place)

    files = files_in(place)
    assert done == Exported(len(files), 0)
    assert files.keys() >= {f"{each}.json" for each in published}
    seen, name = [], "hy.atom"
    while name:
        feed = reading.atom(files[name])
        seen += [each for each, _, _ in feed.entries]
        name = (feed.link("next") or "").removeprefix(f"{URL}/")
    assert seen == [each.urn for each in reversed(published)]
    for each in published:
        assert files[f"{each}.json"] == await world.read(f"{each}.json")


async def test_what_did_not_change_is_not_written_again(world: FeedWorld, tmp_path: Path) -> None:
    await world.publish()
    await export(world.pages, tmp_path)
    assert await export(world.pages, tmp_path) == Exported(0, 0)


async def test_what_was_withdrawn_is_deleted_and_what_is_not_ours_stays(
    world: FeedWorld, tmp_path: Path
) -> None:
    published = [await world.publish(f"Անի {number}") for number in range(7)]
    foreign = ("index.html", "robots.txt", "de.atom", "notes.json")
    await export(world.pages, tmp_path)
    for name in foreign:
        (tmp_path / name).write_text("ours", encoding="utf-8")
    left_behind = tmp_path / f"{published[0]}.json.unfinished"
    left_behind.write_bytes(b"{")

    for each in published[:6]:
        await world.feed.withdraw(each)
    done = await export(world.pages, tmp_path)

    files = files_in(tmp_path)
    assert done.deleted >= 7
    assert left_behind.name not in files
    assert [name for name in files if "-" in name] == [f"{published[6]}.json"]
    assert all(files[name] == b"ours" for name in foreign)
    everything = b"".join(files.values())
    assert "Անի 6".encode() in everything
    assert "Անի 3".encode() not in everything
