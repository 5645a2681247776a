"""What a file is, by how it begins."""

from __future__ import annotations

MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"PAR1", "Parquet"),
    (b"ARROW1", "Arrow IPC (Feather)"),
    (b"ORC", "ORC"),
    (b"Obj\x01", "Avro"),
    (b"\x89HDF\r\n\x1a\n", "HDF5"),
    (b"\x93NUMPY", "NumPy array"),
    (b"SQLite format 3\0", "SQLite database"),
    (b"\x89PNG\r\n\x1a\n", "PNG image"),
    (b"\xff\xd8\xff", "JPEG image"),
    (b"GIF8", "GIF image"),
    (b"BM", "BMP image"),
    (b"II*\0", "TIFF image"),
    (b"MM\0*", "TIFF image"),
    (b"%PDF-", "PDF document"),
    (b"PK\x03\x04", "ZIP archive, or what is built on it (xlsx, npz, a PyTorch model)"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"\x28\xb5\x2f\xfd", "Zstandard"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip archive"),
    (b"\x7fELF", "program or library for Linux"),
    (b"MZ", "program for Windows"),
    (b"OggS", "Ogg sound or video"),
    (b"fLaC", "FLAC sound"),
    (b"ID3", "MP3 sound"),
    (b"\x1aE\xdf\xa3", "Matroska or WebM video"),
    (b"\xd0\xcf\x11\xe0", "old Microsoft Office document"),
)
_PICKLE = tuple(bytes([0x80, protocol]) for protocol in range(2, 6))
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\f\x1b"))


def guess(head: bytes) -> str:
    """In words; empty where nothing is known. Nothing is taken apart, a pickle least of all."""
    for begin, name in MAGIC:
        if head.startswith(begin):
            return name
    if head.startswith(b"RIFF"):
        return {b"WEBP": "WebP image", b"WAVE": "WAV sound"}.get(head[8:12], "RIFF")
    if head[4:8] == b"ftyp":
        return "MP4 video, or an image or sound like it"
    return "Python pickle, which is never opened here" if head.startswith(_PICKLE) else ""


def is_text(head: bytes) -> bool:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    if head.translate(None, _CONTROLS) != head:
        return False
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return error.start > len(head) - 4 and len(head) > 4
    return True
