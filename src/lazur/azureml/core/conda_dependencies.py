"""`azureml.core.conda_dependencies`: for whoever submits."""

from .._lazur.absent import absent

__getattr__ = absent("azureml.core.conda_dependencies")
