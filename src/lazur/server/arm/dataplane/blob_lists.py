"""Lists of blobs, in Azure's XML."""

from __future__ import annotations

from email.utils import formatdate
from itertools import islice
from xml.sax.saxutils import escape, quoteattr

from lazur.server.arm.calls import Call
from lazur.server.arm.replies import Reply
from lazur.services.azure.boxes import Blob, Container
from lazur.services.azure.notes import Notes

_MOST = 5000


def page(call: Call, name: str, container: Container, prefix: str, notes: Notes) -> Reply:
    """Of what the query asks for; where there is more, the last name is the marker of the next."""
    query = call.query
    delimiter = query.get("delimiter", "")
    asked = query.get("maxresults", "")
    most = min(int(asked), _MOST) if asked.isdecimal() and len(asked) < 6 else _MOST
    most = max(most, 1)
    marker = query.get("marker", "")
    found = list(islice(container.scan(prefix, marker, flat=delimiter != "/"), most + 1))
    more, found = len(found) > most, found[:most]
    noted = notes if "metadata" in query.get("include", "") else None
    last = found[-1] if more else ""
    text = (
        '<?xml version="1.0" encoding="utf-8"?>'
        f"<EnumerationResults ContainerName={quoteattr(name)}>"
        f"<Prefix>{escape(prefix)}</Prefix><Marker>{escape(marker)}</Marker>"
        f"<MaxResults>{most}</MaxResults><Delimiter>{escape(delimiter)}</Delimiter>"
        f"<Blobs>{''.join(_entry(one, noted) for one in found)}</Blobs>"
        f"<NextMarker>{escape(last if isinstance(last, str) else last.path)}</NextMarker>"
        "</EnumerationResults>"
    )
    return Reply(text.encode(), kind="application/xml")


def _entry(one: Blob | str, notes: Notes | None) -> str:
    if isinstance(one, str):
        return f"<BlobPrefix><Name>{escape(one)}</Name></BlobPrefix>"
    when = formatdate(one.modified, usegmt=True)
    noted = notes.get(one.path, one.tag) if notes is not None else {}
    metadata = "".join(f"<{key}>{escape(text)}</{key}>" for key, text in noted.items())
    return (
        f"<Blob><Name>{escape(one.path)}</Name><Properties>"
        f"<Creation-Time>{when}</Creation-Time><Last-Modified>{when}</Last-Modified>"
        f"<Etag>{escape(one.tag)}</Etag><Content-Length>{one.size}</Content-Length>"
        "<Content-Type>application/octet-stream</Content-Type><BlobType>BlockBlob</BlobType>"
        f"</Properties><Metadata>{metadata}</Metadata></Blob>"
    )
