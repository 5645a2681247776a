"""`azureml.core.compute`: for whoever submits."""

from .._lazur.absent import absent
from ..exceptions import ComputeTargetException

__all__ = ["ComputeTargetException"]
__getattr__ = absent("azureml.core.compute")
