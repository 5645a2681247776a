"""`azureml.core.resource_configuration`: for whoever submits."""

from .._lazur.absent import absent

__getattr__ = absent("azureml.core.resource_configuration")
