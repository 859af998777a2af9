"""CodeDeploy runs this before a new version gets requests. It asks each function's new version one question.

A crash, a timeout or a wrong status fails the deployment: the old version keeps the requests. No question starts a
sweep. With an empty cache /api/health answers 503 too, but that is no fault of a version: its `cache` is ok.
"""

import json
import os

import boto3
from botocore.config import Config

# A start takes up to 10 s, and Redis has 5 s to answer.
ANSWER_SECONDS = 20
CONFIG = Config(connect_timeout=5, read_timeout=ANSWER_SECONDS, retries={"total_max_attempts": 1})


def is_healthy(status, body):
    return status == 200 or (status == 503 and body.get("cache") == "ok")


def is_cooldown_status(status, body):
    return status == 200 and isinstance(body.get("in_cooldown"), bool)


def is_method_not_allowed(status, _):
    return status == 405


# The variable with the version's ARN, the path to GET, what to expect. The 405 shows that refresh starts and routes.
CHECKS = [
    ("READ_VERSION", "/api/health", is_healthy),
    ("COOLDOWN_STATUS_VERSION", "/api/cooldown-status", is_cooldown_status),
    ("REFRESH_VERSION", "/api/refresh", is_method_not_allowed),
]


def fault_of(lambdas, version, path, expected):
    """What is wrong with the answer of a version, or None."""
    event = {"version": "2.0", "rawPath": path, "requestContext": {"http": {"method": "GET", "path": path}}}
    try:
        answer = lambdas.invoke(FunctionName=version, Payload=json.dumps(event))
        payload = json.load(answer["Payload"])
        if "FunctionError" in answer:
            return f"{answer['FunctionError']}: {payload}"
        status, body = payload["statusCode"], json.loads(payload["body"])
        return None if expected(status, body) else f"{status} {body}"
    except Exception as error:
        return repr(error)


def handler(event, _):
    lambdas = boto3.client("lambda", config=CONFIG)
    asked = {path: fault_of(lambdas, os.environ[variable], path, expected) for variable, path, expected in CHECKS}
    faults = {path: fault for path, fault in asked.items() if fault}
    print(json.dumps({"level": "ERROR" if faults else "INFO", "message": "asked the new versions", "faults": faults}))
    boto3.client("codedeploy", config=CONFIG).put_lifecycle_event_hook_execution_status(
        deploymentId=event["DeploymentId"],
        lifecycleEventHookExecutionId=event["LifecycleEventHookExecutionId"],
        status="Failed" if faults else "Succeeded",
    )
