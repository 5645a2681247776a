"""`azureml.core.model`."""

from .._lazur.absent import absent
from .._lazur.models import Model

__all__ = ["Model"]
__getattr__ = absent("azureml.core.model")
