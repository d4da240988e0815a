"""Data Matrix codes (ISO/IEC 16022), as pixels."""

from typing import TypedDict

import zxingcpp


class Code(TypedDict):
    """A square code: its modules row by row, 0 where dark and 255 where light; without the quiet zone, which
    the page leaves around it.
    """

    size: int
    pixels: list[int]


def data_matrix(content: str) -> Code:
    """Returns the smallest square code for a text of capital letters, digits and punctuation.

    Raises ValueError where its code would not be square.
    """
    made = zxingcpp.create_barcode(content, zxingcpp.BarcodeFormat.DataMatrix, force_square=True)
    pixels = memoryview(made.to_image(scale=1, add_quiet_zones=False))  # type: ignore[arg-type]  # it is a buffer
    height, width = pixels.shape or (0, 0)
    if height != width:
        raise ValueError(f"the Data Matrix has {width} columns and {height} rows")
    return {"size": width, "pixels": list(bytes(pixels))}
