"""`azureml.core.authentication`: who asks is whom `lazur login` signed in."""

from __future__ import annotations

from typing import Any, NoReturn

from lazur.v1.told import absent, ignored, refused


class _Authentication:
    def __init__(self, *given: Any, **named: Any) -> None:
        ignored(type(self).__name__, {"authentication": True}, "`lazur login` signs in")

    def get_authentication_header(self) -> NoReturn:
        raise refused(
            "get_authentication_header",
            "A published pipeline is started by submit(…), or by a webhook of `lazur schedule`.",
        )

    get_token = get_authentication_header


class AzureCliAuthentication(_Authentication):
    """Kept, for scripts that make one."""


class InteractiveLoginAuthentication(_Authentication):
    """As above."""


class MsiAuthentication(_Authentication):
    """As above."""


class ServicePrincipalAuthentication(_Authentication):
    """As above; a service's token is taken from LAZUR_TOKEN."""


__getattr__ = absent("azureml.core.authentication")
