"""What a client asks before anything else: which cloud this is, and for a token."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from lazur.errors import Invalid, LazurError, Unauthenticated
from lazur.server.arm.calls import Call
from lazur.server.arm.replies import Reply
from lazur.server.arm.routes import OPEN, Routes
from lazur.services.azure import tokens
from lazur.services.base.site import Context

routes = Routes()

CLOUD = "Lazur"
_SERVICES = (
    "api",
    "history",
    "experimentation",
    "catalog",
    "hyperdrive",
    "notebooks",
    "inferencing",
    "gallery",
    "pipelines",
    "execution",
    "modelmanagement",
)


@routes.get("/metadata/endpoints", OPEN)
def clouds(call: Call) -> Reply:
    """Which addresses the cloud has whose resource manager this is."""
    base = f"{call.base}/"
    host = call.base.removeprefix("https://")
    cloud = {
        "name": CLOUD,
        "portal": base,
        "resourceManager": base,
        "authentication": {
            "loginEndpoint": base,
            "audiences": [call.base],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "suffixes": {"storage": host},
    }
    return Reply([cloud])


@routes.get("/discovery", OPEN)
def discovery(call: Call) -> Reply:
    """All services of a workspace are one server."""
    return Reply({**dict.fromkeys(_SERVICES, call.base), "studio": call.base})


@routes.get("/msi/token", "me/read")
def managed_identity(call: Call) -> Reply:
    """As a machine's managed identity: the secret of its header is a token of ours."""
    resource = call.query.get("resource", "")
    made = _issued(call, lambda context, secret: tokens.issue(context, secret, resource))
    return Reply(
        {
            "access_token": made["token"],
            "expires_on": str(made["expires_at"]),
            "resource": made["resource"],
            "token_type": "Bearer",
        }
    )


@routes.get("/{tenant}/v2.0/.well-known/openid-configuration", OPEN)
def openid(call: Call, tenant: str) -> Reply:
    here = f"{call.base}/{tenant}"
    return Reply(
        {
            "issuer": f"{here}/v2.0",
            "token_endpoint": f"{here}/oauth2/v2.0/token",
            "authorization_endpoint": f"{here}/oauth2/v2.0/authorize",
            "device_authorization_endpoint": f"{here}/oauth2/v2.0/devicecode",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
            "response_types_supported": ["code"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }
    )


@routes.post("/{tenant}/oauth2/v2.0/token", OPEN)
def token(call: Call, tenant: str) -> Reply:
    """`client_credentials`: the secret of a service, or a person, is a token of theirs."""
    form = dict(parse_qsl(call.body.decode("utf-8", "replace")))
    if form.get("grant_type") != "client_credentials":
        return _refused(
            "unsupported_grant_type",
            Invalid(
                f"The grant {str(form.get('grant_type'))[:50]!r} is not served.",
                hint="Use ClientSecretCredential, or the variables of `lazur azure env`.",
            ),
        )
    client, secret = form.get("client_id", ""), form.get("client_secret", "")
    resource = form.get("scope", "").split(" ")[0]
    try:
        with call.site.context(write=False) as context:
            made = tokens.sign_in(context, client, secret, resource)
    except Unauthenticated as error:
        return _refused("invalid_client", error)
    except Invalid as error:
        return _refused("invalid_scope", error)
    return Reply({"access_token": made["token"], "token_type": "Bearer", **_lasting(call, made)})


def _refused(code: str, error: LazurError) -> Reply:
    """As OAuth has it, which is what clients read here."""
    text = f"{error.message} {error.hint}" if error.hint else error.message
    return Reply({"error": code, "error_description": text}, error.status)


def _lasting(call: Call, made: dict[str, Any]) -> dict[str, int]:
    seconds = made["expires_at"] - int(call.site.now())
    return {"expires_in": seconds, "ext_expires_in": seconds}


def _issued(call: Call, make: Any) -> dict[str, Any]:
    secret = call.headers.get("secret", "")

    def use(context: Context) -> dict[str, Any]:
        return make(context, secret)

    return call.read(use)
