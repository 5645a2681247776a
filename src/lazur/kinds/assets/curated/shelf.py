"""What is in the built-in registry. A change of packages is a new version; old versions stay."""

from __future__ import annotations

from typing import Any

_COMMON = ["ipykernel>=6,<7", "matplotlib~=3.5", "psutil>=5.8", "tqdm>=4.62", "py-cpuinfo>=8"]
_TRACKING = "mlflow>=2.18,<3"
"""Last series that works with pandas 1.5; it speaks to newer servers."""


def _environment(
    name: str, description: str, python: str, packages: list[str], **tags: str
) -> dict[str, Any]:
    return {
        "description": description,
        "image": f"mcr.microsoft.com/azureml/curated/{name}:latest",
        "conda_file": {"name": name, "dependencies": [f"python={python}", {"pip": packages}]},
        "os_type": "linux",
        "tags": {"Python": python, "OS": "Linux", **tags},
    }


def _old_sklearn(version: str, pandas: str = "1.3", numpy: str = "1.22") -> dict[str, Any]:
    """For scripts and pickled models of their time. Where there is no Python 3.9, the closest one
    that has wheels of these serves."""
    return _environment(
        f"sklearn-{version}",
        f"scikit-learn {version} with pandas {pandas} on Python 3.9, for training.",
        "3.9",
        [
            f"pandas~={pandas}.0",
            f"numpy~={numpy}.0",
            "scipy>=1.7,<1.11",
            f"scikit-learn~={version}.0",
            "joblib~=1.2",
            "mlflow>=2.9,<3",
            *_COMMON,
        ],
        ScikitLearn=version,
        Training="",
    )


def _old_tensorflow(name: str, python: str, *more: str) -> dict[str, Any]:
    """Of their time, with the Keras that came with it: Keras 3 cannot run what was written for
    it."""
    version = name.split("-")[1]
    return _environment(
        name,
        f"TensorFlow {version} with its own Keras 2 on Python {python}, for older scripts and"
        " models. It uses GPUs where the machine has the CUDA 11 libraries.",
        python,
        [
            f"tensorflow~={version}.0",
            *more,
            "pandas>=1.1,<2",
            "scipy>=1.5,<2",
            "pillow>=8",
            "mlflow>=2.9,<3",
            *_COMMON,
        ],
        TensorFlow=version,
        GPU="Cuda11",
        Training="",
    )


_OLD_PROTOBUF = "protobuf<3.21"
"""TensorFlow up to 2.8 allows the newer ones, and cannot be imported with them."""


def _inference(name: str, python: str) -> dict[str, Any]:
    return _environment(
        name,
        f"Python {python} with the inference server and nothing else: a base for scoring scripts.",
        python,
        ["azureml-inference-server-http>=1.4", "numpy>=1.26,<3", "joblib>=1.2"],
        Inferencing="",
    )


SHELF: dict[str, dict[str, dict[str, Any]]] = {
    "sklearn-1.5": {
        "1": _environment(
            "sklearn-1.5",
            "scikit-learn 1.5 with pandas 1.5 on Python 3.10, for training.",
            "3.10",
            [
                "pandas~=1.5.3",
                "numpy~=1.22",
                "scipy~=1.10",
                "scikit-learn~=1.5.0",
                "joblib~=1.2",
                _TRACKING,
                *_COMMON,
            ],
            ScikitLearn="1.5",
            Training="",
        )
    },
    "sklearn-0.24": {"1": _old_sklearn("0.24", pandas="1.2", numpy="1.19")},
    "sklearn-1.0": {"1": _old_sklearn("1.0")},
    "sklearn-1.1": {"1": _old_sklearn("1.1")},
    "lightgbm-3.3": {
        "1": _environment(
            "lightgbm-3.3",
            "LightGBM and XGBoost with scikit-learn 1.5 and pandas 1.5 on Python 3.10, for"
            " training. The name is the old one; LightGBM is 4.6 or newer, as in the environment"
            " of that name on Azure.",
            "3.10",
            [
                "pandas~=1.5.3",
                "numpy~=1.22",
                "scipy~=1.10",
                "scikit-learn~=1.5.1",
                "xgboost~=1.7.6",
                "lightgbm>=4.6.0,<5",
                _TRACKING,
                *_COMMON,
            ],
            LightGBM="4.6",
            XGBoost="1.7",
            Training="",
        )
    },
    "acpt-pytorch-2.8-cuda12.6": {
        "1": _environment(
            "acpt-pytorch-2.8-cuda12.6",
            "PyTorch 2.8 on Python 3.10, for training; the CPU build where there is no NVIDIA"
            " GPU.",
            "3.10",
            [
                "torch~=2.8.0",
                "torchvision~=0.23.0",
                "transformers>=4.40,<5",
                "datasets>=2.18",
                "accelerate>=0.30",
                "tensorboard>=2.16",
                "pandas>=1.5,<3",
                "pillow>=10",
                _TRACKING,
                *_COMMON,
            ],
            PyTorch="2.8",
            GPU="Cuda12",
            Training="",
        )
    },
    "tensorflow-2.16-cuda12": {
        "1": _environment(
            "tensorflow-2.16-cuda12",
            "TensorFlow 2.16 with Keras 3 on Python 3.10, for training; without CUDA where there"
            " is no NVIDIA GPU.",
            "3.10",
            [
                "tensorflow[and-cuda]==2.16.2",
                "keras>=3.0,<4",
                "tf-keras==2.16.0",
                "tensorboard~=2.16.0",
                "pandas~=2.2.2",
                "numpy>=1.23.5,<2",
                "scipy~=1.14.0",
                "pillow>=10",
                _TRACKING,
                *_COMMON,
            ],
            TensorFlow="2.16",
            GPU="Cuda12",
            Training="",
        )
    },
    "tensorflow-2.12-cuda11": {"1": _old_tensorflow("tensorflow-2.12-cuda11", "3.10")},
    "tensorflow-2.11-cuda11": {"1": _old_tensorflow("tensorflow-2.11-cuda11", "3.8")},
    "tensorflow-2.7": {"1": _old_tensorflow("tensorflow-2.7", "3.8", _OLD_PROTOBUF)},
    "tensorflow-2.4": {"1": _old_tensorflow("tensorflow-2.4", "3.8", _OLD_PROTOBUF)},
    "spark-3.5": {
        "1": _environment(
            "spark-3.5",
            "PySpark 3.5 with pandas and PyArrow on Python 3.10. It runs on the Java (8, 11 or 17)"
            " of the machine.",
            "3.10",
            ["pyspark~=3.5.0", "pandas>=1.5,<2.3", "numpy>=1.22,<2", "pyarrow>=11", _TRACKING],
            Spark="3.5",
            Training="",
        )
    },
    "minimal-py311-inference": {"1": _inference("minimal-py311-inference", "3.11")},
    "minimal-py312-inference": {"1": _inference("minimal-py312-inference", "3.12")},
    "mlflow-py312-inference": {
        "1": _environment(
            "mlflow-py312-inference",
            "MLflow's model server on Python 3.12, for models without a scoring script.",
            "3.12",
            [
                "mlflow>=2.18,<4",
                "azureml-inference-server-http>=1.4",
                "pandas>=2.1,<3",
                "scikit-learn>=1.5",
            ],
            Inferencing="",
        )
    },
}

ALIASES: dict[str, str] = {
    "acpt-pytorch-2.8": "acpt-pytorch-2.8-cuda12.6",
    "acpt-pytorch": "acpt-pytorch-2.8-cuda12.6",
    "tensorflow-2.16": "tensorflow-2.16-cuda12",
    "tensorflow-2.16-cuda11": "tensorflow-2.16-cuda12",
    "lightgbm": "lightgbm-3.3",
    "lightgbm-3.2": "lightgbm-3.3",
    "minimal-inference": "minimal-py311-inference",
    "minimal-ubuntu22.04-py311-cpu-inference": "minimal-py311-inference",
    "minimal-ubuntu20.04-py311-cpu-inference": "minimal-py311-inference",
    "mlflow-ubuntu20.04-py38-cpu-inference": "mlflow-py312-inference",
}
"""By lower-case name without `AzureML-`, and without the machine (`-ubuntu20.04-py38-cpu`) where
the whole name is not here."""

_SERVICE = "it holds Microsoft's own service code"

NOT_SHIPPED: dict[str, str] = {
    "model-evaluation": _SERVICE,
    "responsibleai": (
        "its packages need their own set of old versions (`pip install responsibleai raiwidgets`)"
    ),
    "automl": _SERVICE,
    "model-management": _SERVICE,
    "acft-": _SERVICE,
    "ai-ml-automl": _SERVICE,
    "designer": _SERVICE,
    "data-drift": _SERVICE,
    "model-monitoring": _SERVICE,
    "python-sdk-v2": _SERVICE,
}
"""By the start of the name."""
