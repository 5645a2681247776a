"""One model for each series: judged on its last weeks, then made of all of them, and saved."""

import argparse
import json
import os

import numpy as np
import pandas as pd
import series


def init() -> None:
    global arguments
    parser = argparse.ArgumentParser()
    parser.add_argument("--value")
    parser.add_argument("--time")
    parser.add_argument("--models")
    parser.add_argument("--test_size", type=int, default=8)
    arguments, _ = parser.parse_known_args()


def run(rows: pd.DataFrame, mini_batch_context) -> pd.DataFrame:
    key = mini_batch_context.partition_key_value
    values = rows.sort_values(arguments.time)[arguments.value].to_numpy(dtype=float)
    before, after = values[: -arguments.test_size], values[-arguments.test_size :]
    guessed = np.array(series.predict(series.fit(before), before, len(after)))
    metrics = {
        "rmse": float(np.sqrt(np.mean((guessed - after) ** 2))),
        "mape": float(np.mean(np.abs(guessed - after) / np.maximum(np.abs(after), 1e-9))),
    }
    _save(key, series.fit(values))
    if hasattr(mini_batch_context, "log_metrics"):  # Lazur's own
        mini_batch_context.log_metrics(metrics)
    return pd.DataFrame([{**key, "weeks": len(values), **metrics}])


def _save(key: dict, model: dict) -> None:
    """By a rename: a mini-batch that is tried again finds a whole file, or none."""
    *folders, name = map(str, key.values())
    folder = os.path.join(arguments.models, *folders)
    os.makedirs(folder, exist_ok=True)
    draft = os.path.join(folder, f".{name}.{os.getpid()}")
    with open(draft, "w") as file:
        json.dump(model, file)
    os.replace(draft, os.path.join(folder, f"{name}.json"))
