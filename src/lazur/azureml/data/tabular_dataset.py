"""`azureml.data.tabular_dataset`."""

from ..core.dataset import TabularDataset

__all__ = ["TabularDataset"]
