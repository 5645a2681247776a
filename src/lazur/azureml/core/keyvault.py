"""`azureml.core.keyvault`."""

from .._lazur.secrets import Keyvault

__all__ = ["Keyvault"]
