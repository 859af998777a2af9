"""deploy/hook/hook.py, with a Lambda that gives the answers of a table. test_deployment.py asks the real programs."""

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
    """The two clients that the hook makes. An answer is a status and a body, or what Lambda says, or an exception."""

    def __init__(self, answers):
        self.answers, self.asked, self.told = answers, [], []

    def client(self, service, config):
        assert config.read_timeout == hook.ANSWER_SECONDS and config.retries == {"total_max_attempts": 1}
        return {"lambda": self, "codedeploy": self}[service]

    def invoke(self, FunctionName, Payload):
        event = json.loads(Payload)
        self.asked.append((event["requestContext"]["http"]["method"], event["rawPath"], FunctionName))
        answer = self.answers[FunctionName]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, tuple):
            status, body = answer
            answer = {"Payload": json.dumps({"statusCode": status, "body": json.dumps(body)}).encode()}
        return {**answer, "Payload": io.BytesIO(answer["Payload"])}

    def put_lifecycle_event_hook_execution_status(self, **told):
        self.told.append(told)


@pytest.fixture
def run(monkeypatch):
    """Runs the hook, and returns what it asked and what it told CodeDeploy."""
    for variable, version in VERSIONS.items():
        monkeypatch.setenv(variable, version)

    def with_answers(changed=None):
        aws = Aws(GOOD | (changed or {}))
        monkeypatch.setattr(hook, "boto3", aws)
        hook.handler({"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "x-1"}, None)
        [told] = aws.told
        assert (told["deploymentId"], told["lifecycleEventHookExecutionId"]) == ("d-1", "x-1")
        return aws.asked, told["status"]

    return with_answers


def test_each_function_is_asked_once_and_none_is_asked_to_sweep(run):
    asked, status = run()
    assert status == "Succeeded"
    assert sorted(asked) == [
        ("GET", "/api/cooldown-status", "cooldown-status:9"),
        ("GET", "/api/health", "read:7"),
        ("GET", "/api/refresh", "refresh:8"),
    ]


def test_an_empty_cache_or_old_data_fail_no_deployment(run):
    assert run({"read:7": (503, EMPTY)})[1] == "Succeeded"
    assert run({"read:7": (503, {**HEALTHY, "status": "failing"})})[1] == "Succeeded"


@pytest.mark.parametrize("version", GOOD)
@pytest.mark.parametrize(
    "answer",
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
def test_a_fault_of_any_version_fails_the_deployment(run, capsys, version, answer):
    asked, status = run({version: answer})
    assert status == "Failed"
    assert len(asked) == 3
    line = json.loads(capsys.readouterr().out)
    assert line["level"] == "ERROR" and len(line["faults"]) == 1


def test_a_cooldown_status_of_another_form_fails_the_deployment(run):
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
