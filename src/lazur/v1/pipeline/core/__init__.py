"""`azureml.pipeline.core`."""

from lazur.v1.core.places import OutputFileDatasetConfig as OutputFileDatasetConfig
from lazur.v1.pipeline.core.builder import PipelineStep as PipelineStep
from lazur.v1.pipeline.core.builder import StepSequence as StepSequence
from lazur.v1.pipeline.core.graph import InputPortBinding as InputPortBinding
from lazur.v1.pipeline.core.graph import PipelineData as PipelineData
from lazur.v1.pipeline.core.graph import PipelineParameter as PipelineParameter
from lazur.v1.pipeline.core.pipeline import Pipeline as Pipeline
from lazur.v1.pipeline.core.published import PipelineEndpoint as PipelineEndpoint
from lazur.v1.pipeline.core.published import PublishedPipeline as PublishedPipeline
from lazur.v1.pipeline.core.run import PipelineRun as PipelineRun
from lazur.v1.pipeline.core.run import PortDataReference as PortDataReference
from lazur.v1.pipeline.core.run import StepRun as StepRun
from lazur.v1.pipeline.core.schedule import Schedule as Schedule
from lazur.v1.pipeline.core.schedule import ScheduleRecurrence as ScheduleRecurrence
from lazur.v1.told import absent, refused


class TrainingOutput:
    """The best model of a sweep, which HyperDriveStep's outputs hold."""

    def __init__(self, *_: object, **__: object) -> None:
        raise refused("TrainingOutput", "Write what is wanted into an output of the step.")


__getattr__ = absent("azureml.pipeline.core")
