"""`azureml.data.dataset_type_definitions`."""

from .._lazur.delimited import PromoteHeadersBehavior

__all__ = ["PromoteHeadersBehavior"]
