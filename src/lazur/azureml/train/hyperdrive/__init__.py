"""`azureml.train.hyperdrive`: for whoever submits."""

from ..._lazur.absent import absent

_WORDS = (
    "choice lognormal loguniform normal qlognormal qloguniform qnormal quniform randint uniform"
)

__getattr__ = absent("azureml.train.hyperdrive", *_WORDS.split())
