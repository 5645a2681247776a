"""A pipeline that is written in Python: python examples/pipeline/pipeline.py"""

import lazur
from lazur import Input, Output

environment = {"image": "python:3.11"}


@lazur.command_component(environment=environment)
def make_data(rows: int, table: Output(type="uri_folder")):
    """Write a table."""
    with open(f"{table}/rows.csv", "w") as file:
        file.writelines(f"{number},{number * number}\n" for number in range(rows))


@lazur.command_component(environment=environment)
def fit(table: Input(type="uri_folder"), model: Output(type="uri_folder"), scale: float = 1.0):
    """As good as a model: the mean of a column."""
    with open(f"{table}/rows.csv") as file:
        values = [float(line.split(",")[1]) for line in file]
    print("rows:", len(values))
    with open(f"{model}/mean.txt", "w") as file:
        file.write(str(scale * sum(values) / len(values)))


@lazur.pipeline(display_name="mean of squares")
def mean_of_squares(rows: int):
    data = make_data(rows=rows)
    small = fit(table=data.outputs.table)
    large = fit(table=data.outputs.table, scale=100.0)
    large.depends_on = [small]
    return {"model": large.outputs.model}


if __name__ == "__main__":
    client = lazur.connect()
    job = client.jobs.create_or_update(mean_of_squares(rows=10))
    client.jobs.stream(job.name)
