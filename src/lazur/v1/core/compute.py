"""`azureml.core.compute`."""

from lazur.azureml.exceptions import ComputeTargetException
from lazur.v1.core.compute_target import AmlCompute, ComputeInstance, ComputeTarget
from lazur.v1.told import absent

__all__ = ["AmlCompute", "ComputeInstance", "ComputeTarget", "ComputeTargetException"]

__getattr__ = absent("azureml.core.compute")
