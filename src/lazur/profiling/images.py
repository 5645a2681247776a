"""How large images are, by the first bytes of each: no picture is decoded."""

from __future__ import annotations

import struct
from collections import Counter
from typing import Any, BinaryIO

_MOST = 64 << 10
Size = tuple[str, int, int]
"""Format, width, height."""


def size_of(head: bytes) -> Size | None:
    """None for what is no image of a known format, or one whose size comes later."""
    try:
        return _size_of(head)
    except (struct.error, IndexError, ValueError):
        return None


def size_in(stream: BinaryIO) -> Size | None:
    """A JPEG may have a photograph of itself in front."""
    head = stream.read(_MOST)
    return size_of(head) or (size_of(head + stream.read(1 << 20)) if _is_jpeg(head) else None)


def statistics(sizes: list[Size | None]) -> dict[str, Any]:
    known = [size for size in sizes if size is not None]
    if not known:
        return {"images": 0}
    widths, heights = [width for _, width, _ in known], [height for _, _, height in known]
    return {
        "images": len(known),
        "not_images": len(sizes) - len(known),
        "formats": dict(Counter(name for name, _, _ in known).most_common()),
        "width": _spread(widths),
        "height": _spread(heights),
        "sizes": [
            {"width": width, "height": height, "count": count}
            for (width, height), count in Counter(
                (width, height) for _, width, height in known
            ).most_common(10)
        ],
    }


def _spread(values: list[int]) -> dict[str, float]:
    return {"min": min(values), "max": max(values), "mean": sum(values) / len(values)}


def _size_of(head: bytes) -> Size | None:
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return ("png", *struct.unpack(">II", head[16:24]))
    if head.startswith((b"GIF87a", b"GIF89a")):
        return ("gif", *struct.unpack("<HH", head[6:10]))
    if head.startswith(b"BM") and len(head) >= 26 and head[14:15] == b"(":
        width, height = struct.unpack("<ii", head[18:26])
        return "bmp", width, abs(height)
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return _webp(head)
    if head.startswith((b"II*\0", b"MM\0*")):
        return _tiff(head)
    return _jpeg(head) if _is_jpeg(head) else None


def _is_jpeg(head: bytes) -> bool:
    return head.startswith(b"\xff\xd8\xff")


def _jpeg(head: bytes) -> Size | None:
    at = 2
    while at + 9 < len(head):
        if head[at] != 0xFF:
            return None
        kind = head[at + 1]
        if kind == 0xFF:
            at += 1
        elif 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", head[at + 5 : at + 9])
            return "jpeg", width, height
        elif kind == 0x01 or 0xD0 <= kind <= 0xD8:
            at += 2
        else:
            at += 2 + struct.unpack(">H", head[at + 2 : at + 4])[0]
    return None


def _webp(head: bytes) -> Size | None:
    if head[12:16] == b"VP8X":
        width, height = (int.from_bytes(head[at : at + 3], "little") + 1 for at in (24, 27))
        return "webp", width, height
    if head[12:16] == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return "webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if head[12:16] == b"VP8 ":
        width, height = struct.unpack("<HH", head[26:30])
        return "webp", width & 0x3FFF, height & 0x3FFF
    return None


def _tiff(head: bytes) -> Size | None:
    """Where the directory of tags stands near the beginning."""
    order = "<" if head.startswith(b"II") else ">"
    start = struct.unpack(f"{order}I", head[4:8])[0]
    count = struct.unpack(f"{order}H", head[start : start + 2])[0]
    found: dict[int, int] = {}
    for place in range(count):
        at = start + 2 + 12 * place
        tag, kind = struct.unpack(f"{order}HH", head[at : at + 4])
        if kind in (3, 4):
            size, letter = (2, "H") if kind == 3 else (4, "I")
            found[tag] = struct.unpack(f"{order}{letter}", head[at + 8 : at + 8 + size])[0]
    return ("tiff", found[256], found[257]) if {256, 257} <= found.keys() else None
