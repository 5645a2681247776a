"""Signing in from a browser, and tokens."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from lazur.errors import Invalid
from lazur.server import sign_in
from lazur.server.deps import Call, Object, action
from lazur.services.people import tokens

routes = APIRouter(prefix="/api/v1", tags=["sign-in"])


@routes.post("/sign-in-codes", status_code=201, **action("sign-in/action"))
def make_code(call: Call) -> Response:
    """A code for one browser sign-in of the same person, good for two minutes. It travels in the
    URL's fragment, which browsers do not send."""
    return call.write(tokens.sign_in_code, status=201)


@routes.delete("/sessions", status_code=204, **action("sign-in/action"))
def end_session(call: Call) -> Response:
    """Sign this browser out, at once."""
    secret = sign_in.session_secret(call.request.scope)
    with call.site.context(call.who) as context:
        tokens.end_session(context, secret or "")
    return Response(
        status_code=204, headers={"Set-Cookie": sign_in.ended_cookie(call.request.scope)}
    )


@routes.post("/tokens", status_code=201, **action("authorization/tokens/write"))
def issue(call: Call, body: Object) -> Response:
    """A new token for somebody: `{"name", "role", "workspace", "label", "days"}`. It is shown this
    once."""
    name, role, workspace = body.get("name"), body.get("role", "Reader"), body.get("workspace")
    if not isinstance(name, str) or not name or not isinstance(role, str):
        raise Invalid('The body must be {"name": "…", "role": "Reader", "workspace": null}.')
    if workspace is not None and not isinstance(workspace, str):
        raise Invalid("workspace must be text, or null for the whole server.")
    noted = (body.get("label"), body.get("days"))
    return call.write(
        lambda context: {
            "token": tokens.issue(context, name, role, workspace, *noted),
            "name": name,
            "role": role,
        },
        status=201,
    )


@routes.get("/tokens", **action("authorization/tokens/read"))
def find(call: Call) -> Response:
    """Who may sign in, and which sessions are open. The secrets are kept nowhere."""
    return call.read(tokens.find)


@routes.delete("/tokens/{name}", status_code=204, **action("authorization/tokens/write"))
def revoke(call: Call, name: str) -> Response:
    """End every token, session and sign-in code of a person, at once."""
    return call.write(lambda context: tokens.revoke(context, name))
