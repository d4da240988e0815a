"""Paths of C2SP tlog-tiles: each thing has one, and no other text is one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from namak.evidence.tiles import TileId
from server.tiles.paths import TileFile, tile_at

TILES = st.builds(
    TileFile,
    st.builds(TileId, st.integers(0, 63), st.integers(0, 2**62)),
    st.integers(1, 256),
) | st.builds(
    TileFile, st.builds(TileId, st.just(0), st.integers(0, 2**62)), st.integers(1, 256), st.just(True)
)


@pytest.mark.parametrize(
    ("path", "file"),
    [
        ("tile/0/000", TileFile(TileId(0, 0), 256)),
        ("tile/3/x001/x234/067", TileFile(TileId(3, 1234067), 256)),
        ("tile/63/000.p/1", TileFile(TileId(63, 0), 1)),
        ("tile/entries/x001/000.p/255", TileFile(TileId(0, 1000), 255, entries=True)),
        ("tile/entries/999", TileFile(TileId(0, 999), 256, entries=True)),
    ],
)
def test_a_path_names_its_tile(path: str, file: TileFile) -> None:
    assert tile_at(path) == file
    assert file.path == path


@given(TILES)
@settings(max_examples=100)
def test_every_tile_has_one_path(file: TileFile) -> None:
    assert tile_at(file.path) == file


@pytest.mark.parametrize(
    "path",
    [
        *(
            "",
            "tile",
            "tile/0",
            "tile/0/",
            "tile/0/0",
            "tile/0/00",
            "tile/0/0000",
            "tile//000",
            "/tile/0/000",
        ),
        *("tile/00/000", "tile/01/000", "tile/64/000", "tile/100/000", "tile/-1/000", "tile/+1/000"),
        *("tile/0/x000/000", "tile/0/001/000", "tile/0/x1/000", "tile/0/x001", "tile/0/X001/000"),
        *("tile/0/000.p", "tile/0/000.p/", "tile/0/000.p/0", "tile/0/000.p/01", "tile/0/000.p/256"),
        *("tile/0/000.p/999", "tile/0/000.p/1/", "tile/0/x001.p/000", "tile/0/000.p/1.p/1", "tile/0/000.P/1"),
        *(
            "tile/entries",
            "tile/Entries/000",
            "tile/entry/000",
            "tile/data/000",
            "tile/0/000\n",
            "tile/0/000 ",
        ),
        *("tile/0/%30%30%30", "tile/0/../0/000", "tile/0//000", "tile/0/٠٠٠", "tile/٠/000", "tile/0/000?x=1"),
        *(
            "tile/0/" + "x999/" * 6 + "999.p/1",
            "tile/0/" + "x999/" * 7 + "999",
            "tile/0/" + "x001/" * 40 + "000",
        ),
    ],
)
def test_no_other_text_is_a_path(path: str) -> None:
    assert tile_at(path) is None
