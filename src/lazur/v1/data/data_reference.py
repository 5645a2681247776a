"""`azureml.data.data_reference`."""

from lazur.v1.core.places import DataReference

__all__ = ["DataReference"]
