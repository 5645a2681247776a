"""`azureml.data.file_dataset`."""

from ..core.dataset import FileDataset

__all__ = ["FileDataset"]
