"""`python -m tests.parity.run NOUN`, in a virtual environment with nothing but Azure's client.

One line of JSON for each case. Every host but the server's is unknown here, as in a closed
network; what was asked for all the same is told at the end.
"""

from __future__ import annotations

import importlib
import json
import os
import socket
import sys
import time
import traceback
import warnings
from typing import Any
from urllib.parse import urlsplit

SERVER = urlsplit(os.environ["ARM_CLOUD_METADATA_URL"]).hostname
_METADATA = "/metadata/endpoints"

foreign: list[str] = []
requests_sent: list[str] = []


def main() -> int:
    _stay_here()
    _count_requests()
    noun = sys.argv[1]
    importlib.import_module(f"tests.parity.cases.{noun}")
    from tests.parity.cases.operations import OPERATIONS  # noqa: PLC0415

    client = _client()
    done: dict[Any, dict[str, Any]] = {}
    for one in OPERATIONS:
        if one.case not in done:
            done[one.case] = _run(one.case, client)
        told = {"operation": one.name, "note": one.note, "lacks": one.lacks}
        print(json.dumps({**told, "case": one.case.__name__, **done[one.case]}), flush=True)
    print(json.dumps({"foreign": sorted(set(foreign))}), flush=True)
    return 0


def _client() -> Any:
    from azure.ai.ml import MLClient  # noqa: PLC0415  # pyright: ignore[reportMissingImports]
    from azure.identity import DefaultAzureCredential  # noqa: PLC0415

    return MLClient(
        DefaultAzureCredential(),
        os.environ["AZURE_SUBSCRIPTION_ID"],
        os.environ["AZURE_RESOURCE_GROUP"],
        os.environ["AZUREML_WORKSPACE_NAME"],
    )


def _run(case: Any, client: Any) -> dict[str, Any]:
    requests_sent.clear()
    began = time.perf_counter()
    try:
        case(client)
        error = None
    except Exception:  # noqa: BLE001 - it is the result
        error = traceback.format_exc()
    asked = [path for path in requests_sent if path != _METADATA]
    return {
        "error": error,
        "seconds": round(time.perf_counter() - began, 3),
        "requests": len(asked),
    }


def _stay_here() -> None:
    known = socket.getaddrinfo

    def look_up(host: Any, *more: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name not in {SERVER, None, "localhost", "127.0.0.1"} and not str(name).endswith(
            f".blob.{SERVER}"
        ):
            foreign.append(str(name))
            raise socket.gaierror(socket.EAI_NONAME, f"{name} is not known here")
        return known(host, *more, **options)

    socket.getaddrinfo = look_up


def _count_requests() -> None:
    from requests.adapters import HTTPAdapter  # noqa: PLC0415

    send = HTTPAdapter.send

    def counted(self: Any, request: Any, *more: Any, **options: Any) -> Any:
        requests_sent.append(urlsplit(request.url).path)
        return send(self, request, *more, **options)

    HTTPAdapter.send = counted


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.exit(main())
