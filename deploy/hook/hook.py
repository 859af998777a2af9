"""CodeDeploy runs this before a new version receives traffic. It sends each function's new version one request.

A crash, a timeout or a wrong status fails the deployment, and the old version keeps the traffic. No request starts a
sweep. With an empty cache /api/health returns 503 too, but that is not a fault of the version: its `cache` is ok.
"""

import json
import os

import boto3
from botocore.config import Config

# A cold start takes up to 10 s, and Redis has 5 s to respond.
RESPONSE_SECONDS = 20
CONFIG = Config(connect_timeout=5, read_timeout=RESPONSE_SECONDS, retries={"total_max_attempts": 1})


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
    """What is wrong with a version's response, or None."""
    event = {"version": "2.0", "rawPath": path, "requestContext": {"http": {"method": "GET", "path": path}}}
    try:
        response = lambdas.invoke(FunctionName=version, Payload=json.dumps(event))
        payload = json.load(response["Payload"])
        if "FunctionError" in response:
            return f"{response['FunctionError']}: {payload}"
        status, body = payload["statusCode"], json.loads(payload["body"])
        return None if expected(status, body) else f"{status} {body}"
    except Exception as error:
        return repr(error)


def handler(event, _):
    lambdas = boto3.client("lambda", config=CONFIG)
    checked = {path: fault_of(lambdas, os.environ[variable], path, expected) for variable, path, expected in CHECKS}
    faults = {path: fault for path, fault in checked.items() if fault}
    print(json.dumps({"level": "ERROR" if faults else "INFO", "message": "checked the new versions", "faults": faults}))
    boto3.client("codedeploy", config=CONFIG).put_lifecycle_event_hook_execution_status(
        deploymentId=event["DeploymentId"],
        lifecycleEventHookExecutionId=event["LifecycleEventHookExecutionId"],
        status="Failed" if faults else "Succeeded",
    )
