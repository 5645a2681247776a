"""Each model under a name of its own, all of them at once: one request to the server, which finds
the files itself. It needs no packages."""

import argparse
import json
import os
import ssl
import sys
import urllib.error
import urllib.request


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", help="where they lie, as an address")
    parser.add_argument("--files", help="which files are models, such as {Shop}/{Product}.json")
    parser.add_argument("--name", help="what each is called, such as sales-{Shop}-{Product}")
    arguments = parser.parse_args()
    asked = {"path": arguments.models, "files": arguments.files, "name": arguments.name}
    try:
        told = register({**asked, "tags": {"made_by": "many_models"}})
    except urllib.error.HTTPError as error:
        sys.exit("the models were not registered: " + error.read().decode("utf-8", "replace"))
    print(f"{told['count']} models: {told['registered']} new, {told['unchanged']} as they were")


def register(asked: dict) -> dict:
    """With the rights of the job that this is part of."""
    server, workspace = os.environ["LAZUR_SERVER"], os.environ["LAZUR_WORKSPACE"]
    request = urllib.request.Request(
        f"{server}/api/v1/workspaces/{workspace}/register/models",
        json.dumps(asked).encode(),
        {
            "Authorization": "Bearer " + os.environ["LAZUR_TOKEN"],
            "Content-Type": "application/json",
        },
    )
    trusted = ssl.create_default_context(cafile=os.environ.get("LAZUR_SERVER_CERT_PATH"))
    with urllib.request.urlopen(request, timeout=600, context=trusted) as answer:
        return json.load(answer)


if __name__ == "__main__":
    main()
