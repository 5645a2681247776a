"""`azureml.core.compute`."""

from lazur.v1.core.compute_target import AmlCompute, ComputeInstance, ComputeTarget

__all__ = ["AmlCompute", "ComputeInstance", "ComputeTarget"]
