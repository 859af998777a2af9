"""Tests of deploy/hook/hook.py with a fake Lambda. test_deployment.py runs the hook against the real programs."""

import io
import json
import sys
from pathlib import Path

import hook
import pytest
from botocore.exceptions import ReadTimeoutError

VERSIONS = {"READ_VERSION": "read:7", "REFRESH_VERSION": "refresh:8", "COOLDOWN_STATUS_VERSION": "cooldown-status:9"}
HEALTHY = {"status": "ok", "cache": "ok", "last_updated": "2026-03-03T10:00:00-05:00"}
EMPTY = {"status": "failing", "cache": "ok", "last_updated": None}
UNREACHABLE = {"status": "failing", "cache": "unreachable", "last_updated": None}
REFUSED = {"detail": "Method Not Allowed"}
GOOD = {
    "read:7": (200, HEALTHY),
    "refresh:8": (405, REFUSED),
    "cooldown-status:9": (200, {"in_cooldown": False, "remaining_minutes": 0}),
}
CRASHED = {"FunctionError": "Unhandled", "Payload": b'{"errorType":"Runtime.ExitError"}'}
TIMED_OUT = ReadTimeoutError(endpoint_url="https://lambda.us-east-1.amazonaws.com")


class Aws:
    """The hook's two clients. A response is a status and a body, a raw response of Lambda, or an exception."""

    def __init__(self, responses):
        self.responses, self.requests, self.reports = responses, [], []

    def client(self, service, config):
        assert config.read_timeout == hook.RESPONSE_SECONDS and config.retries == {"total_max_attempts": 1}
        return {"lambda": self, "codedeploy": self}[service]

    def invoke(self, FunctionName, Payload):
        event = json.loads(Payload)
        self.requests.append((event["requestContext"]["http"]["method"], event["rawPath"], FunctionName))
        response = self.responses[FunctionName]
        if isinstance(response, Exception):
            raise response
        if isinstance(response, tuple):
            status, body = response
            response = {"Payload": json.dumps({"statusCode": status, "body": json.dumps(body)}).encode()}
        return {**response, "Payload": io.BytesIO(response["Payload"])}

    def put_lifecycle_event_hook_execution_status(self, **report):
        self.reports.append(report)


@pytest.fixture
def run(monkeypatch):
    """Runs the hook, and returns its requests and the status that it reported to CodeDeploy."""
    for variable, version in VERSIONS.items():
        monkeypatch.setenv(variable, version)

    def with_responses(changed=None):
        aws = Aws(GOOD | (changed or {}))
        monkeypatch.setattr(hook, "boto3", aws)
        hook.handler({"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "x-1"}, None)
        [report] = aws.reports
        assert (report["deploymentId"], report["lifecycleEventHookExecutionId"]) == ("d-1", "x-1")
        return aws.requests, report["status"]

    return with_responses


def test_each_function_gets_one_request_and_none_starts_a_sweep(run):
    requests, status = run()
    assert status == "Succeeded"
    assert sorted(requests) == [
        ("GET", "/api/cooldown-status", "cooldown-status:9"),
        ("GET", "/api/health", "read:7"),
        ("GET", "/api/refresh", "refresh:8"),
    ]


def test_an_empty_cache_or_old_data_do_not_fail_the_deployment(run):
    assert run({"read:7": (503, EMPTY)})[1] == "Succeeded"
    assert run({"read:7": (503, {**HEALTHY, "status": "failing"})})[1] == "Succeeded"


@pytest.mark.parametrize("version", GOOD)
@pytest.mark.parametrize(
    "response",
    [
        (500, {"detail": "Internal Server Error"}),
        (503, {"detail": "Cache unavailable"}),
        (503, UNREACHABLE),
        (404, {"detail": "Not Found"}),
        CRASHED,
        TIMED_OUT,
        {"Payload": b"null"},
        {"Payload": b'{"statusCode": 200}'},
        {"Payload": b'{"statusCode": 200, "body": "<html>"}'},
    ],
    ids=str,
)
def test_a_fault_of_any_version_fails_the_deployment(run, capsys, version, response):
    requests, status = run({version: response})
    assert status == "Failed"
    assert len(requests) == 3
    line = json.loads(capsys.readouterr().out)
    assert line["level"] == "ERROR" and len(line["faults"]) == 1


def test_a_malformed_cooldown_status_fails_the_deployment(run):
    assert run({"cooldown-status:9": (200, {"remaining_minutes": 0})})[1] == "Failed"
    assert run({"cooldown-status:9": (500, GOOD["cooldown-status:9"][1])})[1] == "Failed"


def test_the_log_names_the_error_of_a_function_that_crashed(run, capsys):
    run({"read:7": CRASHED})
    [fault] = json.loads(capsys.readouterr().out)["faults"].items()
    assert fault == ("/api/health", "Unhandled: {'errorType': 'Runtime.ExitError'}")


def test_the_hook_imports_only_what_lambdas_runtime_has():
    lines = Path(hook.__file__).read_text().splitlines()
    imported = {line.split()[1].split(".")[0] for line in lines if line.startswith(("import ", "from "))}
    assert {"boto3", "botocore"} < imported < set(sys.stdlib_module_names) | {"boto3", "botocore"}
