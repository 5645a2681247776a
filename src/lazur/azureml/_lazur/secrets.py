"""Secrets that the job was given, as variables."""

from __future__ import annotations

import os
import re

from .absent import refused


class Keyvault:
    """A job is told the secrets that it names, and no others."""

    def get_secret(self, name: str) -> str:
        plain = re.sub(r"\W", "_", name)
        for variable in (name, plain, plain.upper()):
            if variable in os.environ:
                return os.environ[variable]
        raise refused(
            "The secret %r" % name,
            "Name it in the job, where it is found by that name: environment_variables:"
            " {%s: '${{azureml://connections/NAME/credentials/FIELD}}'}." % plain,
        )

    def get_secrets(self, secrets: list[str]) -> dict[str, str]:
        return {name: self.get_secret(name) for name in secrets}

    def set_secret(self, name: str, value: str) -> None:
        raise refused("Keyvault.set_secret", "Make a connection: `lazur connection create`.")

    def list_secrets(self) -> list[dict[str, str]]:
        raise refused("Keyvault.list_secrets", "A job knows those that it names, and no others.")
