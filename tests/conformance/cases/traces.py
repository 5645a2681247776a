"""Traces: logged, looked for, tagged, assessed, deleted."""

from __future__ import annotations

import time

import mlflow
from mlflow.config import enable_async_logging
from mlflow.entities import (
    AssessmentSource,
    Expectation,
    Feedback,
    SpanType,
    TraceLocation,
)
from mlflow.types.chat import ChatTool, FunctionToolDefinition
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from tests.conformance.scene import Scene

_TOOL = ChatTool(type="function", function=FunctionToolDefinition(name="look"))
_SOURCE = AssessmentSource(source_type="HUMAN", source_id="someone")


def by_client(scene: Scene) -> None:
    """Spans that are started and ended by hand."""
    client = scene.client
    experiment = scene.experiment()
    root = client.start_trace(
        "root", inputs={"q": "é"}, attributes={"a": 1}, tags={"t": "1"}, experiment_id=experiment
    )
    child = client.start_span("child", root.trace_id, root.span_id, SpanType.TOOL, {"x": [1]})
    client.end_span(root.trace_id, child.span_id, {"y": None}, {"b": "2"})
    failed = client.start_span("failed", root.trace_id, root.span_id)
    client.end_span(root.trace_id, failed.span_id, status="ERROR")
    client.end_trace(root.trace_id, {"answer": 42}, status="OK")
    client.get_trace(root.trace_id)
    client.set_trace_tag(root.trace_id, "k", "v")
    client.delete_trace_tag(root.trace_id, "t")
    client.search_traces([experiment])
    client.search_traces(locations=[experiment], include_spans=False)
    path = f"3.0/mlflow/traces/{root.trace_id}"
    scene.api("PATCH", f"{path}/tags", {"key": "l", "value": "é"})
    scene.api("DELETE", f"{path}/tags", {"key": "l"})
    scene.api("DELETE", f"{path}/tags", {"key": "l"})
    scene.api("GET", path)
    scene.api("GET", "3.0/mlflow/traces/get", {"trace_id": root.trace_id})
    scene.api("GET", "3.0/mlflow/traces/get", {"trace_id": root.trace_id, "allow_partial": True})
    scene.api("GET", "3.0/mlflow/traces/batchGet", {"trace_ids": [root.trace_id]})
    scene.api("POST", "3.0/mlflow/traces/batchGetInfos", {"trace_ids": [root.trace_id]})
    for version in (2, 3):
        path = f"/ajax-api/{version}.0/mlflow/get-trace-artifact"
        scene.http("GET", path, params={"request_id": root.trace_id})
        scene.http("GET", path, params={"request_id": "tr-" + "0" * 32})
        scene.http("GET", path)


def deletion(scene: Scene) -> None:
    client = scene.client
    experiment = scene.experiment()
    traces = [_trace(scene, experiment, number) for number in range(5)]
    client.delete_traces(experiment, trace_ids=traces[:1])
    client.delete_traces(experiment, trace_ids=["tr-" + "0" * 32])
    client.delete_traces(experiment, max_timestamp_millis=1002, max_traces=1)
    client.delete_traces(experiment, max_timestamp_millis=1003)
    client.search_traces([experiment])
    with scene.judged():
        client.get_trace(traces[0])
    with scene.judged():
        client.delete_traces(experiment)
    with scene.judged():
        client.delete_traces(experiment, max_traces=0, max_timestamp_millis=1)
    with scene.judged():
        client.set_trace_tag(traces[0], "k", "v")
    with scene.judged():
        client.delete_trace_tag(traces[4], "absent")
    scene.api(
        "POST",
        "3.0/mlflow/traces/delete-traces",
        {"experiment_id": experiment, "request_ids": traces[4:]},
    )
    client.search_traces([experiment])


def search(scene: Scene) -> None:
    client = scene.client
    experiment = scene.experiment()
    traces = [_trace(scene, experiment, number) for number in range(6)]
    client.set_trace_tag(traces[2], "k", "v")
    for text in (
        None,
        "tags.k = 'v'",
        "tags.n = '3'",
        "tags.n != '3'",
        "tag.n IN ('1', '2')",
        "attributes.status = 'OK'",
        "status != 'OK'",
        "name = 'trace 4'",
        "attributes.name LIKE 'trace%'",
        "timestamp_ms > 1002",
        "attributes.timestamp <= 1003 AND tags.n = '1'",
        "execution_time_ms < 3",
        "metadata.origin = 'a test'",
        "request_metadata.origin = 'other'",
        "span.name = 'inner'",
        "span.type = 'TOOL'",
        "span.attributes.a LIKE '%1%'",
        "feedback.good = 'true'",
        "run_id = 'x'",
        "trace.text LIKE '%question 2%'",
        "nothing = 'x'",
        "tags.n",
        "timestamp_ms = 'x'",
        "name = 'a' OR name = 'b'",
    ):
        with scene.judged():
            client.search_traces([experiment], text, order_by=["timestamp_ms ASC"])
    for order in ("timestamp_ms DESC", "execution_time ASC", "name DESC", "status", "nothing"):
        with scene.judged():
            client.search_traces([experiment], order_by=[order, "timestamp_ms ASC"])
    token = None
    for _ in range(3):
        page = client.search_traces(
            [experiment], max_results=2, order_by=["timestamp_ms"], page_token=token
        )
        token = page.token
    for wrong in (0, 100_000):
        with scene.judged():
            client.search_traces([experiment], max_results=wrong)
    with scene.judged():
        client.search_traces(["987654"])
    m = scene.mlflow
    with scene.unheard():
        found = m.search_traces(locations=[experiment], return_type="list")
    scene.note("found", sorted(trace.info.trace_metadata["origin"] for trace in found))
    with scene.unheard():
        table = m.search_traces(locations=[experiment], filter_string="tags.n = '1'")
    scene.note("table", [list(table.columns), len(table)])


def of_runs(scene: Scene) -> None:
    client = scene.client
    experiment = scene.experiment()
    run = scene.run(experiment)
    traces = [_trace(scene, experiment, number) for number in range(3)]
    client.link_traces_to_run(traces[:2], run)
    client.search_traces(locations=[experiment], run_id=run, order_by=["timestamp_ms"])
    with scene.judged():
        client.unlink_traces_from_run(traces[:1], run)
    client.search_traces(locations=[experiment], run_id=run)
    with scene.judged():
        client.link_traces_to_run([], run)
    with scene.judged():
        client.link_traces_to_run(traces, "0" * 32)


def assessments(scene: Scene) -> None:
    m = scene.mlflow
    experiment = scene.experiment()
    trace = _trace(scene, experiment, 1)
    good = m.log_feedback(trace_id=trace, name="good", value=True, source=_SOURCE, rationale="é")
    m.log_feedback(trace_id=trace, name="score", value=0.5, source=_SOURCE, metadata={"a": "b"})
    m.log_feedback(trace_id=trace, name="broke", error=ValueError("no"), source=_SOURCE)
    m.log_expectation(trace_id=trace, name="wanted", value={"a": [1]}, source=_SOURCE)
    own = m.log_assessment(trace, Feedback(name="own", value=["x"], source=_SOURCE))
    m.get_assessment(trace, good.assessment_id)
    m.update_assessment(trace, own.assessment_id, Feedback(name="own", value=3, source=_SOURCE))
    m.override_feedback(
        trace_id=trace, assessment_id=good.assessment_id, value=False, source=_SOURCE
    )
    m.delete_assessment(trace, own.assessment_id)
    with scene.judged():
        m.get_assessment(trace, own.assessment_id)
    with scene.judged():
        m.log_assessment("tr-" + "0" * 32, Expectation(name="a", value=1, source=_SOURCE))
    with scene.judged():
        m.log_issue(trace_id=trace, issue_id="iss-" + "0" * 32, source=_SOURCE)
    m.get_trace(trace)
    scene.client.search_traces([experiment], "feedback.good = 'false'")
    scene.client.search_traces([experiment], "expectation.wanted = 'x'")


def fluent(scene: Scene) -> None:
    m = scene.mlflow
    m.set_experiment(scene.name)

    @mlflow.trace(name="traced", span_type=SpanType.CHAIN, attributes={"a": "b"})
    def work(x: int) -> int:
        with mlflow.start_span("inner") as span:
            span.set_inputs({"x": x})
            span.set_outputs(x + 1)
            m.get_current_active_span()
            m.get_active_trace_id()
        m.update_current_trace(tags={"t": "1"}, metadata={"m": "2"}, client_request_id="mine")
        return x + 1

    m.trace(work)(1)
    work(1)
    last = m.get_last_active_trace_id()
    m.flush_trace_async_logging()
    with scene.judged():
        m.get_trace(last)
    m.set_trace_tag(last, "k", "v")
    m.delete_trace_tag(last, "k")
    with m.context(metadata={"in": "context"}, tags={"c": "1"}), m.start_span("with a context"):
        pass
    loose = m.start_span_no_context("loose", inputs={"a": 1}, tags={"l": "1"})
    loose.end(outputs=2)
    m.log_trace("told", request={"a": 1}, response="b", tags={"x": "y"}, start_time_ms=1000)
    with m.start_span("to be copied") as span:
        pass
    copied = mlflow.get_trace(span.trace_id)
    if copied is not None:
        m.add_trace(copied)
    with scene.unheard():
        found = m.search_traces(return_type="list")
    scene.note("names", sorted(trace.info.tags["mlflow.traceName"] for trace in found))


def asynchronous(scene: Scene) -> None:
    """As the client does by default: by a queue of its own."""
    m = scene.mlflow
    experiment = m.set_experiment(scene.name).experiment_id
    enable_async_logging(True)
    try:
        with m.start_span("queued", attributes={"a": 1}) as span:
            span.set_inputs("in")
        m.flush_trace_async_logging()
    finally:
        enable_async_logging(False)
    scene.client.search_traces([experiment])


def switches(scene: Scene) -> None:
    """What changes how this process traces."""
    tracing = scene.mlflow.tracing
    experiment = scene.mlflow.set_experiment(scene.name).experiment_id
    tracing.disable()
    with mlflow.start_span("not seen"):
        pass
    tracing.enable()
    tracing.configure(span_processors=[])
    tracing.set_destination(TraceLocation.from_experiment_id(experiment).mlflow_experiment)
    with mlflow.start_span("seen") as span:
        span.set_attribute("a", 1)
        tracing.set_span_chat_tools(span, [_TOOL])
        headers = tracing.get_tracing_context_headers_for_http_request()
    with tracing.set_tracing_context_from_http_request_headers(headers):
        pass
    with tracing.context(tags={"t": "1"}), mlflow.start_span("in a context"):
        pass
    tracing.reset()
    tracing.get_bridged_tracer_provider()
    scene.client.search_traces([experiment])


def sessions(scene: Scene) -> None:
    m = scene.mlflow
    experiment = m.set_experiment(scene.name).experiment_id
    for number in range(3):
        with m.start_span(f"turn {number}"):
            mlflow.update_current_trace(session_id=f"s{number % 2}", user="someone")
    with scene.unheard():
        found = m.search_sessions(locations=[experiment])
    scene.note("sessions", sorted(len(session) for session in found))


def opentelemetry(scene: Scene) -> None:
    """Spans as OpenTelemetry's exporters send them."""
    experiment = scene.experiment()
    headers = {"content-type": "application/x-protobuf", "x-mlflow-experiment-id": experiment}
    body = _spans().SerializeToString()
    scene.http("POST", "/v1/traces", data=body, headers=headers)
    scene.client.search_traces([experiment])
    scene.http("POST", "/v1/traces", data=b"nonsense", headers=headers)
    scene.http("POST", "/v1/traces", data=body, headers={"content-type": "application/x-protobuf"})
    scene.http("POST", "/v1/traces", data=b"{}", headers={**headers, "content-type": "text/plain"})
    absent = {**headers, "x-mlflow-experiment-id": "987654"}
    scene.http("POST", "/v1/traces", data=body, headers=absent)
    scene.http("POST", "/v1/traces", data=b"", headers=headers)


def statistics(scene: Scene) -> None:
    experiment = scene.experiment()
    for number in range(4):
        _trace(scene, experiment, number)
    path = "3.0/mlflow/traces"
    counted = {
        "experiment_ids": [experiment],
        "view_type": "TRACES",
        "metric_name": "trace_count",
        "aggregations": [{"aggregation_type": "COUNT"}],
        "start_time_ms": 1,
        "end_time_ms": 9999,
    }
    scene.api("POST", f"{path}/metrics", counted)
    scene.api("POST", f"{path}/metrics", {**counted, "dimensions": ["trace_status"]})
    scene.api("POST", f"{path}/metrics", {**counted, "metric_name": "nothing"})
    both = {
        "experiment_ids": [experiment],
        "filter_string1": "tags.n = '1'",
        "filter_string2": "status = 'OK'",
    }
    scene.api("POST", f"{path}/calculate-filter-correlation", both)
    scene.api("POST", f"{path}/calculate-filter-correlation", {**both, "filter_string1": "x"})
    scene.api("POST", f"{path}/search", {"locations": [_location(experiment)], "max_results": 2})
    scene.api("POST", f"{path}/search", {"locations": []})


def older_clients(scene: Scene) -> None:
    """The routes of clients before MLflow 3."""
    experiment = scene.experiment()
    path = "2.0/mlflow/traces"
    started = scene.api(
        "POST",
        path,
        {
            "experiment_id": experiment,
            "timestamp_ms": 1000,
            "request_metadata": [{"key": "m", "value": "1"}],
            "tags": [{"key": "t", "value": "1"}],
        },
    )
    made = started.get("trace_info", {}).get("request_id", "absent")
    ended = {"request_id": made, "timestamp_ms": 1500, "status": "OK"}
    scene.api("PATCH", f"{path}/{made}", ended)
    scene.api("PATCH", f"{path}/{made}/tags", {"key": "a", "value": "b"})
    scene.api("DELETE", f"{path}/{made}/tags", {"key": "a"})
    scene.api("GET", f"{path}/{made}/info")
    scene.api("GET", path, {"experiment_ids": [experiment], "max_results": 5})
    scene.api("GET", path, {"experiment_ids": [experiment], "filter": "tags.t = '1'"})
    gone = {"experiment_id": experiment, "request_ids": [made]}
    scene.api("POST", f"{path}/delete-traces", gone)
    scene.api("GET", f"{path}/{made}/info")


def _location(experiment: str) -> dict[str, object]:
    return {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment}}


def _trace(scene: Scene, experiment: str, number: int) -> str:
    """With times of its own, so that orders are the same on both sides."""
    start = (1000 + number) * 10**6
    with scene.unheard():
        root = mlflow.start_span_no_context(
            f"trace {number}",
            inputs={"q": f"question {number}"},
            tags={"n": str(number)},
            metadata={"origin": "a test"},
            experiment_id=experiment,
            start_time_ns=start,
        )
        inner = mlflow.start_span_no_context(
            "inner", SpanType.TOOL, parent_span=root, start_time_ns=start, inputs={"a": 1}
        )
        inner.end(end_time_ns=start + 10**6)
        status = "ERROR" if number == 3 else "OK"
        root.end(outputs=number, status=status, end_time_ns=start + number * 10**6)
    return root.trace_id


def _spans() -> ExportTraceServiceRequest:
    now = time.time_ns()
    root = Span(
        trace_id=bytes(range(16)),
        span_id=bytes(range(8)),
        name="root",
        start_time_unix_nano=now,
        end_time_unix_nano=now + 10**6,
        attributes=[KeyValue(key="a", value=AnyValue(string_value="b"))],
    )
    child = Span(
        trace_id=root.trace_id,
        span_id=bytes(range(8, 16)),
        parent_span_id=root.span_id,
        name="child",
        start_time_unix_nano=now,
        end_time_unix_nano=now + 10**6,
    )
    scope = ScopeSpans(spans=[root, child])
    return ExportTraceServiceRequest(resource_spans=[ResourceSpans(scope_spans=[scope])])
