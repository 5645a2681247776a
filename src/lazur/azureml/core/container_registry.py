"""`azureml.core.container_registry`: for whoever submits."""

from .._lazur.absent import absent

__getattr__ = absent("azureml.core.container_registry")
