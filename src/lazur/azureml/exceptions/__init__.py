"""`azureml.exceptions`."""

from __future__ import annotations


class AzureMLException(RuntimeError):
    def __init__(self, exception_message: str = "", **_: object) -> None:
        super().__init__(exception_message)
        self.message = exception_message


class UserErrorException(AzureMLException):
    """What is asked for is not to be had so."""


class RunEnvironmentException(AzureMLException):
    """The script does not run in a job."""


class ServiceException(AzureMLException):
    """The server refused it."""


class ActivityFailedException(AzureMLException):
    """A job failed."""


class AuthenticationException(AzureMLException):
    pass


class ComputeTargetException(AzureMLException):
    pass


class ExperimentExecutionException(AzureMLException):
    pass


class ImageException(AzureMLException):
    pass


class ExperimentNotFoundException(AzureMLException):
    pass


class RunConfigurationException(AzureMLException):
    pass


class SnapshotException(AzureMLException):
    pass


class ProjectSystemException(AzureMLException):
    pass


class TrainingException(AzureMLException):
    pass


class WebserviceException(AzureMLException):
    """Also of models, as v1 has it."""


class ModelNotFoundException(WebserviceException):
    pass


class ModelPathNotFoundException(WebserviceException):
    pass


class WorkspaceException(AzureMLException):
    pass
