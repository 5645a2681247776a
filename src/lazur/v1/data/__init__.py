"""`azureml.data`."""

from lazur.v1.core.dataset import FileDataset as FileDataset
from lazur.v1.core.dataset import TabularDataset as TabularDataset
from lazur.v1.core.places import DataReference as DataReference
from lazur.v1.core.places import OutputFileDatasetConfig as OutputFileDatasetConfig
from lazur.v1.data.dataset_consumption_config import (
    DatasetConsumptionConfig as DatasetConsumptionConfig,
)
