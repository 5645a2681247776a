"""`azureml.data.datapath`."""

from lazur.v1.core.places import DataPath, DataPathComputeBinding

__all__ = ["DataPath", "DataPathComputeBinding"]
