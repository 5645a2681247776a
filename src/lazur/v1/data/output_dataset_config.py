"""`azureml.data.output_dataset_config`."""

from lazur.v1.core.places import OutputFileDatasetConfig

__all__ = ["OutputFileDatasetConfig"]
