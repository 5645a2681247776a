"""Signing in: by password, and for command lines by a browser."""

from __future__ import annotations

import logging
from typing import Annotated, Any, cast
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, RedirectResponse, Response

from lazur.errors import BackendError, Forbidden, Invalid, LazurError, Unauthenticated
from lazur.server import sign_in
from lazur.server.deps import Call, Object, action
from lazur.server.ways import Ways
from lazur.services.jobs import command_lines
from lazur.services.people import service_sign_ins, sign_ins, tokens
from lazur.services.people.oidc.code_flow import SECONDS
from lazur.services.people.oidc.wire import Refusal
from lazur.services.people.providers import Stranger
from lazur.services.people.sign_ins import texts
from lazur.spec import json

log = logging.getLogger(__name__)

_ACTION = "sign-in/action"
_SECRETS = "authorization/tokens/write"

routes = APIRouter(tags=["sign-in"])
_CALLBACK = "/sign-in/oidc/callback"


def _ways(request: Request) -> Ways:
    return request.app.state.ways


Open = Annotated[Ways, Depends(_ways)]


@routes.get("/api/v1/sign-in-ways")
def ways(ways: Open) -> Any:
    """Open to all: how people may sign in here."""
    return ways.shown()


@routes.post("/api/v1/sessions", status_code=201)
def open_session(call: Call, ways: Open, body: Object) -> Response:
    """Spend a code, or show a name and a password: the answer sets the session's cookie. Open to
    all; that is the proof."""
    if "password" in body:
        if not ways.passwords:
            raise Forbidden(
                "Nobody signs in by password here.",
                hint="Sign in another way, or set password_sign_in = true in config.toml.",
            )
        secret = sign_ins.by_password(call.site, ways.brakes, *texts(body, "name", "password"))
    else:
        code = body.get("code")
        if not isinstance(code, str) or not 1 <= len(code) <= 200:
            raise Invalid('The body must be {"code": "…"} or {"name": "…", "password": "…"}.')
        with call.site.context() as context:
            secret = tokens.open_session(context, code)
    return JSONResponse({"status": "signed in"}, 201, {"Set-Cookie": cookie(call.request, secret)})


@routes.put("/api/v1/me/password", status_code=204, **action("me/password/write"))
def change_password(call: Call, ways: Open, body: Object) -> Response:
    """`{"current", "new"}`. Every browser of this person is signed out."""
    sign_ins.change_password(call.site, call.who, ways.brakes, body)
    return Response(status_code=204)


@routes.put("/api/v1/users/{name}/password", status_code=204, **action(_SECRETS))
def set_password(call: Call, name: str, body: Object) -> Response:
    """`{"password"}`, by an administrator; `null` takes it away. Every browser of this person is
    signed out."""
    sign_ins.set_password(call.site, call.who, name, body)
    return Response(status_code=204)


@routes.post("/api/v1/sign-in-requests", **action(_ACTION))
def answer_request(call: Call, body: Object) -> Response:
    """What the page for command lines on the same machine sends, with the person's `approved`:
    where the browser goes then."""
    return call.write(lambda context: command_lines.answer_request(context, body))


@routes.post("/api/v1/device-codes", status_code=201)
def begin_device(call: Call, body: Object) -> Response:
    """A code to type in elsewhere, for a command line without a browser. Open to all: it is worth
    nothing until somebody who is signed in approves it."""
    label = body.get("label", "")
    page = f"{sign_in.own_origin(call.request.scope)}/sign-in/device"
    with call.site.context() as context:
        shown = label if isinstance(label, str) else ""
        answer = command_lines.begin_device(context, shown, page)
    return JSONResponse(answer, 201)


@routes.get("/api/v1/device-codes/{code}", **action(_ACTION))
def show_device(call: Call, ways: Open, code: str) -> Any:
    """What shows this code, for the person to recognise."""
    return command_lines.show_device(call.site, call.who, ways.brakes, code)


@routes.post("/api/v1/device-codes/{code}/approve", **action(_ACTION))
def approve_device(call: Call, ways: Open, code: str) -> Any:
    """Whatever shows this code signs in as the caller."""
    return command_lines.decide(call.site, call.who, ways.brakes, code, approved=True)


@routes.post("/api/v1/device-codes/{code}/deny", **action(_ACTION))
def deny_device(call: Call, ways: Open, code: str) -> Any:
    return command_lines.decide(call.site, call.who, ways.brakes, code, approved=False)


@routes.post("/api/v1/sign-in-tokens", status_code=201)
def give_token(call: Call, body: Object) -> Response:
    """A token for a command line: for `{"code", "code_verifier", "redirect_uri"}`, or for
    `{"device_code"}`, which is answered 202 until somebody has approved it. Open to all; the
    code is the proof."""
    if "device_code" in body:
        status, answer = command_lines.poll(call.site, *texts(body, "device_code"))
        return JSONResponse(answer, status)
    given = texts(body, "code", "redirect_uri", "code_verifier")
    return JSONResponse(command_lines.redeem(call.site, *given), 201)


@routes.post("/api/v1/service-tokens", status_code=201)
async def sign_in_service(call: Call) -> Response:
    """OAuth's client credentials, as a form or as JSON: `client_id` and `client_secret` (or the
    Authorization header), or a `client_assertion`. A token of one hour. Open to all; that is the
    proof."""
    request = call.request
    form = _form(request, await request.body())
    authorization = request.headers.get("authorization")
    own = {f"{at}/api/v1/service-tokens" for at in (call.site.url(), _origin(request))}
    answer = await run_in_threadpool(service_sign_ins.sign_in, call.site, authorization, form, own)
    return JSONResponse(answer, 201)


@routes.get("/api/v1/services/{name}/secrets", **action("authorization/tokens/read"))
def find_secrets(call: Call, name: str) -> Response:
    """What a service proves itself with; the secrets themselves are kept nowhere."""
    return call.read(lambda context: service_sign_ins.find(context, name))


@routes.post("/api/v1/services/{name}/secrets", status_code=201, **action(_SECRETS))
def add_secret(call: Call, name: str, spec: Object) -> Response:
    """`{"days"}`: a secret, shown this once. With `public_key` (PEM) it is what the service signs
    with."""
    return call.write(lambda context: service_sign_ins.add(context, name, spec), status=201)


@routes.delete("/api/v1/services/{name}/secrets/{token}", status_code=204, **action(_SECRETS))
def drop_secret(call: Call, name: str, token: str) -> Response:
    """Every token of this service ends with it."""
    return call.write(lambda context: service_sign_ins.drop(context, name, token))


@routes.get("/sign-in/oidc", include_in_schema=False)
def begin_at_provider(call: Call, ways: Open, provider: str = "", next: str = "/") -> Response:  # noqa: A002
    """Open to all: where the browser signs in, and a cookie that binds the answer to it."""
    scope = call.request.scope
    redirect_uri = sign_in.own_origin(scope) + _CALLBACK
    try:
        url, secret = ways.providers.begin(ways.brakes, provider, redirect_uri, next)
    except LazurError as error:
        return _refused(call.request, error)
    kept = sign_in.attempt_cookie(scope, secret, int(SECONDS))
    return RedirectResponse(url, 303, {"Set-Cookie": kept})


@routes.get(_CALLBACK, include_in_schema=False)
def end_at_provider(call: Call, ways: Open) -> Response:
    """Open to all: what the provider sent the browser back with is the proof."""
    scope = call.request.scope
    query = dict(call.request.query_params)
    try:
        secret, wanted = ways.providers.finish(sign_in.attempt_secret(scope), query)
    except LazurError as error:
        return _refused(call.request, error)
    answer = RedirectResponse(wanted, 303, {"Set-Cookie": cookie(call.request, secret)})
    answer.headers.append("Set-Cookie", sign_in.attempt_cookie(scope, "", 0))
    return answer


@routes.post("/sign-in/oidc/logout", include_in_schema=False)
async def left_at_provider(call: Call, ways: Open) -> Response:
    """Open to all: the provider's signature in `logout_token` is the proof. Whoever left there is
    signed out here."""
    token = _form(call.request, await call.request.body()).get("logout_token", "")
    try:
        await run_in_threadpool(ways.providers.sign_out, token)
    except Unauthenticated as error:
        call.request.scope["lazur.denial"] = error.denial
        log.info("a logout was refused: %s", error.message)
        answer = {"error": "invalid_request", "error_description": error.message}
        return JSONResponse(answer, 400, _NOT_KEPT)
    return Response(status_code=200, headers=_NOT_KEPT)


_NOT_KEPT = {"Cache-Control": "no-store"}


def _refused(request: Request, error: LazurError) -> Response:
    """To the sign-in page, with one of the words that it knows: what a provider says is not shown
    as ours."""
    request.scope["lazur.denial"] = error.denial
    log.info("a sign-in was refused: %s", error.message)
    answer = RedirectResponse(f"/sign-in?refused={_word(error)}", 303)
    answer.headers["Set-Cookie"] = sign_in.attempt_cookie(request.scope, "", 0)
    return answer


def _word(error: LazurError) -> str:
    if error.denial is not None and error.denial.action == "sign-in/locked-out":
        return "locked-out"
    for kind, word in _WORDS:
        if isinstance(error, kind):
            return word
    return "failed"


_WORDS: tuple[tuple[type[LazurError], str], ...] = (
    (Stranger, "unknown"),
    (Forbidden, "not-ours"),
    (Refusal, "declined"),
    (Unauthenticated, "late"),
    (BackendError, "away"),
)


def _form(request: Request, body: bytes) -> dict[str, str]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and kind != "application/x-www-form-urlencoded":
        given = json.decode(body)
        if not isinstance(given, dict):
            raise Invalid("The body must be a form or a JSON object.")
        fields = cast("dict[str, Any]", given)
        return {name: value for name, value in fields.items() if isinstance(value, str)}
    try:
        pairs = parse_qsl(body.decode(), max_num_fields=20)
    except ValueError:
        raise Invalid("The form cannot be read.") from None
    if len(dict(pairs)) < len(pairs):
        raise Invalid("The form has a field twice.")
    return dict(pairs)


def _origin(request: Request) -> str:
    return sign_in.own_origin(request.scope)


def cookie(request: Request, secret: str) -> str:
    return sign_in.session_cookie(request.scope, secret, int(tokens.SESSION_SECONDS))
