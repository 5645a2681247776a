"""A language model's provider on loopback, which always says the same."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
_TEXT = "Hello, too: from the model."
_SAID: dict[str, dict[str, Any]] = {
    "chat/completions": {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1000,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": _TEXT},
                "finish_reason": "stop",
            }
        ],
        "usage": _USAGE,
    },
    "embeddings": {
        "object": "list",
        "model": "m",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.125, 0.625]}],
        "usage": {"prompt_tokens": 3, "total_tokens": 3},
    },
    "responses": {
        "id": "resp-1",
        "object": "response",
        "created_at": 1000,
        "model": "m",
        "status": "completed",
        "output": [
            {
                "id": "msg-1",
                "type": "message",
                "role": "assistant",
                "status": "completed",
                "content": [{"type": "output_text", "text": _TEXT, "annotations": []}],
            }
        ],
        "usage": {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7},
    },
    "responses/compact": {"id": "resp-2", "object": "response.compaction", "output": []},
    "messages": {
        "id": "msg-1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "text", "text": _TEXT}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 3, "output_tokens": 4},
    },
}


@contextmanager
def provider() -> Iterator[tuple[str, list[str]]]:
    """Its address, and what it was asked, by path and by the key that came along."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
            """Not at all."""

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            key = self.headers.get("authorization") or self.headers.get("x-api-key")
            asked.append(f"{self.path} {key}")
            found = next((said for path, said in _SAID.items() if self.path.endswith(path)), None)
            body = json.dumps(found or {}).encode()
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, name="provider")
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
