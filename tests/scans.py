"""Files as scanners write them, as small as they can be, and what a forger makes of them."""

import struct
import zlib


def png(width: int = 8, height: int = 8, *, rows: bytes | None = None) -> bytes:
    """Returns a grey PNG of 8 bits."""
    packed = zlib.compress(bytes((width + 1) * height) if rows is None else rows)
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
        (b"IDAT", packed),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def jpeg(width: int = 8, height: int = 8) -> bytes:
    """Returns the frame of a baseline JPEG of one component, with some coded data."""
    frame = struct.pack(">HBHHBBBB", 11, 8, height, width, 1, 1, 0x11, 0)
    scan = struct.pack(">HBBBBBB", 8, 1, 1, 0, 0, 63, 0)
    return (
        b"\xff\xd8\xff\xe0\x00\x04\x01\x02\xff\xc0" + frame + b"\xff\xda" + scan + b"\x12\xff\x00\x34\xff\xd9"
    )


def tiff(width: int = 8, height: int = 8, *, pages: int = 1, order: str = "<", strip: int = 8) -> bytes:
    """Returns a TIFF whose pages share one strip of so many bytes, which stands right after the header."""
    made = (b"II*\x00" if order == "<" else b"MM\x00*") + struct.pack(order + "I", 16) + bytes(8)
    for number in range(pages):
        fields = ((256, 4, width), (257, 4, height), (273, 4, 8), (279, 4, strip))
        made += struct.pack(order + "H", len(fields))
        made += b"".join(struct.pack(order + "HHII", tag, kind, 1, value) for tag, kind, value in fields)
        following = len(made) + 4 if number + 1 < pages else 0
        made += struct.pack(order + "I", following)
    return made
