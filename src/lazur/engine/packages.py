"""Which package to install for a Python module that is missing."""

from __future__ import annotations

_BY_MODULE = {
    "Bio": "biopython",
    "Crypto": "pycryptodome",
    "IPython": "ipython",
    "MySQLdb": "mysqlclient",
    "OpenSSL": "pyOpenSSL",
    "PIL": "pillow",
    "absl": "absl-py",
    "attr": "attrs",
    "azure.ai.ml": "azure-ai-ml",
    "azure.core": "azure-core",
    "azure.identity": "azure-identity",
    "azure.keyvault.secrets": "azure-keyvault-secrets",
    "azure.storage.blob": "azure-storage-blob",
    "azure.storage.filedatalake": "azure-storage-file-datalake",
    "azureml.core": "azureml-core",
    "azureml.data": "azureml-core",
    "azureml.dataprep": "azureml-dataprep",
    "azureml.fsspec": "azureml-fsspec",
    "azureml.mlflow": "azureml-mlflow",
    "azureml.train": "azureml-train-core",
    "bs4": "beautifulsoup4",
    "cairosvg": "CairoSVG",
    "catboost": "catboost",
    "community": "python-louvain",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "deepspeed": "deepspeed",
    "distutils": "setuptools",
    "docx": "python-docx",
    "dotenv": "python-dotenv",
    "faiss": "faiss-cpu",
    "fitz": "PyMuPDF",
    "git": "GitPython",
    "github": "PyGithub",
    "google.cloud.bigquery": "google-cloud-bigquery",
    "google.cloud.storage": "google-cloud-storage",
    "google.protobuf": "protobuf",
    "igraph": "igraph",
    "imblearn": "imbalanced-learn",
    "jose": "python-jose",
    "jwt": "PyJWT",
    "kafka": "kafka-python",
    "lightgbm": "lightgbm",
    "lightning_fabric": "lightning",
    "magic": "python-magic",
    "mpl_toolkits": "matplotlib",
    "osgeo": "GDAL",
    "pkg_resources": "setuptools",
    "psycopg2": "psycopg2-binary",
    "pylab": "matplotlib",
    "pytorch_lightning": "pytorch-lightning",
    "pywt": "PyWavelets",
    "ruamel.yaml": "ruamel.yaml",
    "sentence_transformers": "sentence-transformers",
    "serial": "pyserial",
    "setuptools": "setuptools",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "sksurv": "scikit-survival",
    "slugify": "python-slugify",
    "smart_open": "smart-open",
    "socks": "PySocks",
    "tables": "tables",
    "tensorboardX": "tensorboardX",
    "tensorflow_datasets": "tensorflow-datasets",
    "tensorflow_hub": "tensorflow-hub",
    "umap": "umap-learn",
    "usb": "pyusb",
    "websocket": "websocket-client",
    "win32api": "pywin32",
    "xgboost": "xgboost",
    "yaml": "PyYAML",
    "zmq": "pyzmq",
}

_SAME_NAME = frozenset(
    "accelerate boto3 bokeh cupy dask datasets diffusers evaluate fairlearn fastapi flaml"
    " flask fsspec gensim gym gymnasium h5py httpx hyperopt interpret jax joblib keras"
    " librosa matplotlib mlflow mltable networkx nltk numba numpy onnx onnxruntime optuna"
    " pandas peft plotly polars prophet pyarrow pydantic pyspark pytest ray requests scipy"
    " seaborn shap spacy sqlalchemy statsmodels sympy tensorboard tensorflow tiktoken timm"
    " tokenizers torch torchaudio torchmetrics torchvision tqdm transformers typer wandb"
    " xarray".split()
)

_REMOVED = {
    **dict.fromkeys(("asynchat", "asyncore", "distutils", "imp", "smtpd"), "3.12"),
    **dict.fromkeys(("audioop", "cgi", "cgitb", "crypt", "imghdr", "pipes", "telnetlib"), "3.13"),
}


def package_of(module: str) -> str:
    """The name under which pip knows `module`; the module's own first part where nothing better
    is known, because most packages are called like their module."""
    return _mapped(module) or module.partition(".")[0]


def is_known(module: str) -> bool:
    """False: it may as well be a file of the person's own."""
    return _mapped(module) is not None or module.partition(".")[0] in _SAME_NAME


def removed_in(module: str) -> str | None:
    """The Python version that no longer has this module of the standard library."""
    return _REMOVED.get(module.partition(".")[0])


def _mapped(module: str) -> str | None:
    parts = module.split(".")
    prefixes = (".".join(parts[:n]) for n in range(len(parts), 0, -1))
    return next((_BY_MODULE[p] for p in prefixes if p in _BY_MODULE), None)
