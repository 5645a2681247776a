"""Lazur: Azure Machine Learning that you run yourself.

import lazur

client = lazur.connect()
job = client.jobs.create_or_update(lazur.load_job("job.yml"))
client.jobs.stream(job.name)
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lazur import dsl as dsl
    from lazur import parallel as parallel
    from lazur import sweep as sweep
    from lazur.sdk.client import Client as Client
    from lazur.sdk.client import connect as connect
    from lazur.sdk.commands import Command as Command
    from lazur.sdk.commands import CommandJobLimits as CommandJobLimits
    from lazur.sdk.commands import JobResourceConfiguration as JobResourceConfiguration
    from lazur.sdk.commands import MpiDistribution as MpiDistribution
    from lazur.sdk.commands import PyTorchDistribution as PyTorchDistribution
    from lazur.sdk.commands import QueueSettings as QueueSettings
    from lazur.sdk.commands import TensorFlowDistribution as TensorFlowDistribution
    from lazur.sdk.commands import command as command
    from lazur.sdk.constants import AssetTypes as AssetTypes
    from lazur.sdk.constants import InputOutputModes as InputOutputModes
    from lazur.sdk.dsl import pipeline as pipeline
    from lazur.sdk.entities import AmlCompute as AmlCompute
    from lazur.sdk.entities import BuildContext as BuildContext
    from lazur.sdk.entities import Component as Component
    from lazur.sdk.entities import Data as Data
    from lazur.sdk.entities import Environment as Environment
    from lazur.sdk.entities import Input as Input
    from lazur.sdk.entities import Model as Model
    from lazur.sdk.entities import Output as Output
    from lazur.sdk.entities import Pipeline as Pipeline
    from lazur.sdk.functions import command_component as command_component
    from lazur.sdk.loading import load_component as load_component
    from lazur.sdk.loading import load_data as load_data
    from lazur.sdk.loading import load_environment as load_environment
    from lazur.sdk.loading import load_job as load_job
    from lazur.sdk.loading import load_model as load_model
    from lazur.sdk.search_space import BanditPolicy as BanditPolicy
    from lazur.sdk.search_space import BayesianSamplingAlgorithm as BayesianSamplingAlgorithm
    from lazur.sdk.search_space import Choice as Choice
    from lazur.sdk.search_space import GridSamplingAlgorithm as GridSamplingAlgorithm
    from lazur.sdk.search_space import LogNormal as LogNormal
    from lazur.sdk.search_space import LogUniform as LogUniform
    from lazur.sdk.search_space import MedianStoppingPolicy as MedianStoppingPolicy
    from lazur.sdk.search_space import Normal as Normal
    from lazur.sdk.search_space import Objective as Objective
    from lazur.sdk.search_space import QLogNormal as QLogNormal
    from lazur.sdk.search_space import QLogUniform as QLogUniform
    from lazur.sdk.search_space import QNormal as QNormal
    from lazur.sdk.search_space import QUniform as QUniform
    from lazur.sdk.search_space import Randint as Randint
    from lazur.sdk.search_space import RandomSamplingAlgorithm as RandomSamplingAlgorithm
    from lazur.sdk.search_space import SweepJobLimits as SweepJobLimits
    from lazur.sdk.search_space import TruncationSelectionPolicy as TruncationSelectionPolicy
    from lazur.sdk.search_space import Uniform as Uniform
    from lazur.sdk.sweeps import SweepJob as SweepJob
    from lazur.sdk.triggers import CronTrigger as CronTrigger
    from lazur.sdk.triggers import EventTrigger as EventTrigger
    from lazur.sdk.triggers import ImportDataSchedule as ImportDataSchedule
    from lazur.sdk.triggers import JobSchedule as JobSchedule
    from lazur.sdk.triggers import RecurrencePattern as RecurrencePattern
    from lazur.sdk.triggers import RecurrenceTrigger as RecurrenceTrigger
    from lazur.sdk.triggers import WebhookTrigger as WebhookTrigger
    from lazur.sdk.triggers import load_schedule as load_schedule

__version__ = "0.1.0"

_HOMES = {
    "lazur.sdk.client": ("Client", "connect"),
    "lazur.sdk.constants": ("AssetTypes", "InputOutputModes"),
    "lazur.sdk.commands": (
        "Command",
        "CommandJobLimits",
        "JobResourceConfiguration",
        "MpiDistribution",
        "PyTorchDistribution",
        "QueueSettings",
        "TensorFlowDistribution",
        "command",
    ),
    "lazur.sdk.entities": (
        "AmlCompute",
        "BuildContext",
        "Component",
        "Data",
        "Environment",
        "Input",
        "Model",
        "Output",
        "Pipeline",
    ),
    "lazur.sdk.dsl": ("pipeline",),
    "lazur.sdk.functions": ("command_component",),
    "lazur.sdk.search_space": (
        "BanditPolicy",
        "BayesianSamplingAlgorithm",
        "Choice",
        "GridSamplingAlgorithm",
        "LogNormal",
        "LogUniform",
        "MedianStoppingPolicy",
        "Normal",
        "Objective",
        "QLogNormal",
        "QLogUniform",
        "QNormal",
        "QUniform",
        "Randint",
        "RandomSamplingAlgorithm",
        "SweepJobLimits",
        "TruncationSelectionPolicy",
        "Uniform",
    ),
    "lazur.sdk.sweeps": ("SweepJob",),
    "lazur.sdk.loading": (
        "load_component",
        "load_data",
        "load_environment",
        "load_job",
        "load_model",
    ),
    "lazur.sdk.triggers": (
        "CronTrigger",
        "EventTrigger",
        "ImportDataSchedule",
        "JobSchedule",
        "RecurrencePattern",
        "RecurrenceTrigger",
        "WebhookTrigger",
        "load_schedule",
    ),
}
_MODULES = ("dsl", "parallel", "sweep")
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Names are imported when they are used: the server imports `lazur` without the client."""
    if name in _MODULES:
        return import_module(f"lazur.{name}")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'lazur' has no attribute {name!r}")
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME_OF, *_MODULES})
