"""The next weeks of each series, by its own model."""

import argparse
import json
import os

import pandas as pd
import series


def init() -> None:
    global arguments
    parser = argparse.ArgumentParser()
    parser.add_argument("--value")
    parser.add_argument("--time")
    parser.add_argument("--models")
    parser.add_argument("--horizon", type=int, default=4)
    arguments, _ = parser.parse_known_args()


def run(rows: pd.DataFrame, mini_batch_context) -> pd.DataFrame:
    key = mini_batch_context.partition_key_value
    rows = rows.sort_values(arguments.time)
    path = os.path.join(arguments.models, *map(str, key.values())) + ".json"
    with open(path) as file:
        model = json.load(file)
    guessed = series.predict(model, rows[arguments.value].to_numpy(), arguments.horizon)
    last = int(rows[arguments.time].max())
    return pd.DataFrame(
        [{**key, arguments.time: last + n, arguments.value: v} for n, v in enumerate(guessed, 1)]
    )
