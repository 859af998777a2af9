"""Tests of the output of `sam build`, packaged and deployed to moto, a mock of AWS on loopback."""

import ast
import io
import json
import os
import re
import stat
import subprocess
import zipfile
from contextlib import ExitStack
from types import SimpleNamespace

import boto3
import hook
import pytest
import servers
from samtranslator.yaml_helper import yaml_parse
from translation import API_URL, ROOT, Scope, decided, translate

BUILD = ROOT / ".aws-sam/build"
# The largest zips, in bytes. A cold start downloads them. A larger one has an unwanted dependency.
BUDGETS = {"Read": 4_800_000, "Refresh": 5_800_000, "CooldownStatus": 3_600_000, "Campus": 100_000}
FUNCTIONS = ["Read", "Refresh", "CooldownStatus"]
GIVEN = {
    "ApiUrl": API_URL,
    "Stage": "prod",
    "Architecture": "x86_64",
    "EventBus": "own",
    "Tracing": "Active",
    "AlarmEmail": "it@example.edu",
    "MonthlyBudget": "40",
}
STACK = "emptyclassroom-prod"


@pytest.fixture(scope="module")
def aws(tmp_path_factory):
    assert (BUILD / "template.yaml").is_file(), "there is no build: run `make deploy-check`"
    with servers.moto(tmp_path_factory.mktemp("moto") / "log") as url:
        yield SimpleNamespace(url=url, client=lambda service: boto3.client(service, endpoint_url=url))


@pytest.fixture(scope="module")
def packaged(aws, tmp_path_factory):
    """The built template after `sam package`, with its programs in S3."""
    aws.client("s3").create_bucket(Bucket="artifacts")
    written = tmp_path_factory.mktemp("packaged") / "template.yaml"
    command = [
        "sam",
        "package",
        "--s3-bucket",
        "artifacts",
        "--output-template-file",
        written,
        "--config-env",
        "none",
    ]
    command += ["--template-file", BUILD / "template.yaml"]
    environment = {**os.environ, "AWS_ENDPOINT_URL": aws.url}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return written.read_text()


@pytest.fixture(scope="module")
def archives(aws, packaged):
    """The zips in S3, by resource."""
    resources = yaml_parse(packaged)["Resources"]
    uris = {
        name: resource["Properties"].get("CodeUri") or resource["Properties"].get("ContentUri")
        for name, resource in resources.items()
        if resource["Type"].startswith("AWS::Serverless::")
    }
    s3 = aws.client("s3")

    def fetch(uri):
        bucket, key = re.fullmatch(r"s3://([^/]+)/(.+)", uri).groups()
        return s3.get_object(Bucket=bucket, Key=key)["Body"].read()

    return {name: fetch(uri) for name, uri in uris.items() if uri}


def test_archives_stay_within_their_budgets(archives):
    sizes = {name: len(archive) for name, archive in archives.items()}
    assert sizes.keys() == BUDGETS.keys()
    assert all(sizes[name] <= BUDGETS[name] for name in BUDGETS), sizes


def test_a_functions_archive_contains_only_its_executable(archives):
    for name in FUNCTIONS:
        [entry] = zipfile.ZipFile(io.BytesIO(archives[name])).infolist()
        assert entry.filename == "bootstrap"
        assert stat.S_IMODE(entry.external_attr >> 16) & 0o555 == 0o555


def test_the_layer_has_the_campus_files_at_its_root(archives):
    layer = zipfile.ZipFile(io.BytesIO(archives["Campus"]))
    kept = {file.name: file.read_bytes() for file in (ROOT / "campuses").iterdir()}
    assert {name: layer.read(name) for name in layer.namelist()} == kept


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_program_needs_no_newer_glibc_than_al2023_has(name):
    command = ["readelf", "--wide", "--version-info", BUILD / name / "bootstrap"]
    read = subprocess.run(command, capture_output=True, text=True, check=False)
    assert read.returncode == 0, read.stderr
    needed = {tuple(map(int, version.split("."))) for version in re.findall(r"GLIBC_([\d.]+)", read.stdout)}
    assert needed and max(needed) <= (2, 34), f"GLIBC {max(needed)}"


@pytest.mark.parametrize("name, megabytes", [("Read", 6.5), ("CooldownStatus", 5), ("Refresh", 10)])
def test_a_program_is_small_and_linked_for_a_fixed_address(name, megabytes):
    program = (BUILD / name / "bootstrap").read_bytes()
    assert len(program) <= megabytes * 1e6, len(program)
    # e_type of ELF: 2 is an executable, 3 a position-independent one.
    assert int.from_bytes(program[16:18], "little") == 2


@pytest.mark.parametrize("name, path", [("Read", "/api/buildings"), ("CooldownStatus", "/api/cooldown-status")])
def test_a_program_serves_head_for_its_get_routes(name, path, tmp_path):
    environment = {
        "REDIS_URL": f"redis://127.0.0.1:{servers.free_port()}",
        "API_URL": API_URL,
        "CAMPUS_FILE": str(ROOT / "campuses/bu.toml"),
    }
    with servers.function(BUILD / name / "bootstrap", environment, tmp_path / "log") as function:
        responses = {}
        for method in ("GET", "HEAD"):
            event = {"version": "2.0", "rawPath": path, "requestContext": {"http": {"method": method, "path": path}}}
            kind, responses[method] = function.invoke(event)
            assert (kind, responses[method]["statusCode"]) == ("response", 200)
    assert responses["GET"]["body"] and not responses["HEAD"].get("body")


# ---- The deployment hook -------------------------------------------------------------------------------------------

VARIABLES = {"READ_VERSION": "Read", "REFRESH_VERSION": "Refresh", "COOLDOWN_STATUS_VERSION": "CooldownStatus"}


class LambdaAndCodeDeploy:
    """The hook's two clients: one passes payloads to the running programs, the other records the reported status."""

    def __init__(self, programs):
        self.programs, self.reported = programs, []

    def client(self, service, config):
        assert service in ("lambda", "codedeploy")
        return self

    def invoke(self, FunctionName, Payload):
        kind, response = self.programs[FunctionName].invoke(json.loads(Payload))
        failed = {"FunctionError": "Unhandled"} if kind == "error" else {}
        return {**failed, "Payload": io.BytesIO(json.dumps(response).encode())}

    def put_lifecycle_event_hook_execution_status(self, status, **_):
        self.reported.append(status)


@pytest.fixture
def run_hook(tmp_path, monkeypatch):
    """Runs the hook against the built programs, and returns the reported status and the logged faults."""

    def with_environments(capsys, twenty_five_live, redis_url, **changed):
        with ExitStack() as running:
            programs = {}
            for variable, name in VARIABLES.items():
                monkeypatch.setenv(variable, name)
                environment = {"REDIS_URL": redis_url, "CAMPUS_FILE": str(ROOT / "campuses/bu.toml")}
                if name != "CooldownStatus":
                    environment["API_URL"] = twenty_five_live
                environment.update(changed.get(name, {}))
                program = servers.function(BUILD / name / "bootstrap", environment, tmp_path / f"{name}.log")
                programs[name] = running.enter_context(program)
            clients = LambdaAndCodeDeploy(programs)
            monkeypatch.setattr(hook, "boto3", clients)
            hook.handler({"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "x-1"}, None)
        [status] = clients.reported
        return status, json.loads(capsys.readouterr().out)["faults"]

    return with_environments


@pytest.fixture
def watched_25live():
    """A 25Live that should get no requests: its URL, and a list with an entry for each request."""
    requests = []
    with servers.twenty_five_live(lambda: not requests.append(1)) as url:
        yield url, requests


def test_the_hook_passes_good_programs_with_an_empty_cache_and_starts_no_sweep(
    run_hook, capsys, watched_25live, tmp_path
):
    twenty_five_live, requests = watched_25live
    with servers.redis(tmp_path) as url:
        assert run_hook(capsys, twenty_five_live, url) == ("Succeeded", {})
        assert servers.keys(url) == []
    assert not requests


def test_the_hook_stops_programs_that_cannot_reach_redis(run_hook, capsys, watched_25live):
    nothing_there = f"redis://127.0.0.1:{servers.free_port()}"
    status, faults = run_hook(capsys, watched_25live[0], nothing_there)
    assert status == "Failed"
    # The other two functions also respond without Redis.
    assert faults.keys() == {"/api/health"}
    assert "unreachable" in faults["/api/health"]


@pytest.mark.parametrize(
    "name, path",
    [("Read", "/api/health"), ("Refresh", "/api/refresh"), ("CooldownStatus", "/api/cooldown-status")],
)
def test_the_hook_stops_a_program_that_does_not_start(run_hook, capsys, watched_25live, tmp_path, name, path):
    with servers.redis(tmp_path) as url:
        status, faults = run_hook(capsys, watched_25live[0], url, **{name: {"REDIS_URL": "not a URL"}})
    assert status == "Failed"
    assert faults.keys() == {path}
    assert "Runtime.ExitError" in faults[path]


# ---- The stack -----------------------------------------------------------------------------------------------------

# Types that moto's CloudFormation does not support. test_template.py covers them.
UNSUPPORTED = {
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Stage",
    "AWS::Budgets::Budget",
    "AWS::CloudWatch::Alarm",
    "AWS::CodeDeploy::Application",
    "AWS::CodeDeploy::DeploymentGroup",
    "AWS::Lambda::Alias",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Logs::MetricFilter",
    "AWS::SNS::Subscription",
    "AWS::Scheduler::Schedule",
    # It refers to the alarms.
    "AWS::CloudWatch::Dashboard",
    # Their descriptions split a layer's ARN, which moto does not have there.
    "AWS::Lambda::Version",
}


def as_moto_supports_it(template):
    """The template without unsupported resources: a function replaces its alias, a name replaces any other resource."""
    resources = template["Resources"]
    supported = {name: resource for name, resource in resources.items() if resource["Type"] not in UNSUPPORTED}
    unsupported = resources.keys() - supported.keys()
    outputs = {
        name: output
        for name, output in template["Outputs"].items()
        if not any(re.search(rf"\b{each}\b", json.dumps(output["Value"])) for each in unsupported)
    }
    text = json.dumps({**template, "Resources": supported, "Outputs": outputs})
    for name in unsupported:
        # Versions and aliases belong to a function.
        replacement = resources[name]["Properties"].get("FunctionName", name)
        text = text.replace(json.dumps({"Ref": name}), json.dumps(replacement))
    # moto creates a bus, but returns no name for it.
    return text.replace(json.dumps({"Ref": "Bus"}), json.dumps(resources["Bus"]["Properties"]["Name"]))


@pytest.fixture(scope="module")
def redis(tmp_path_factory):
    with servers.redis(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture(scope="module")
def secrets(aws, redis):
    """The ARNs of the secrets, by the parameters that take them."""

    def create(name, value):
        return aws.client("secretsmanager").create_secret(Name=f"{STACK}/{name}", SecretString=value)["ARN"]

    return {"RedisUrlSecretArn": create("redis-url", redis), "AdminTokenSecretArn": create("admin-token", "a token")}


@pytest.fixture(scope="module")
def deployed(aws, packaged, secrets):
    """The stack, as far as moto supports it. moto has no SAM transform, so it gets the transformed template."""
    translated, values = translate({**GIVEN, **secrets}, yaml_parse(packaged))
    template = decided(translated, values)
    cloudformation = aws.client("cloudformation")
    cloudformation.create_stack(
        StackName=STACK,
        TemplateBody=as_moto_supports_it(template),
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    [stack] = cloudformation.describe_stacks(StackName=STACK)["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack.get("StackStatusReason")
    made = cloudformation.describe_stack_resources(StackName=STACK)["StackResources"]
    return SimpleNamespace(
        template=template,
        # Unsupported resources are represented by their names.
        scope=Scope(template, values),
        ids={each["LogicalResourceId"]: each.get("PhysicalResourceId") for each in made},
        outputs={each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]},
    )


def test_every_resource_that_moto_supports_is_created(deployed):
    wanted = {name for name, resource in deployed.template["Resources"].items() if resource["Type"] not in UNSUPPORTED}
    assert deployed.ids.keys() == wanted


def test_the_functions_have_their_programs_and_variables(aws, deployed, archives, secrets):
    for name in FUNCTIONS:
        function = aws.client("lambda").get_function_configuration(FunctionName=deployed.ids[name])
        assert (function["Runtime"], function["Architectures"]) == ("provided.al2023", ["x86_64"])
        assert function["CodeSize"] == len(archives[name])
        assert function["Role"].endswith(f"/{deployed.ids[f'{name}Role']}")
        variables = function["Environment"]["Variables"]
        assert variables["REDIS_URL_SECRET_ARN"] == secrets["RedisUrlSecretArn"]
        assert "REDIS_URL" not in variables and "ADMIN_TOKEN" not in variables


def test_the_layer_exists(aws, deployed):
    [layer] = [each["LatestMatchingVersion"] for each in aws.client("lambda").list_layers()["Layers"]]
    assert layer["CompatibleRuntimes"] == ["provided.al2023"]
    assert API_URL in layer["Description"]


def test_the_roles_have_their_policies_and_the_gateway_its_permissions(aws, deployed):
    iam = aws.client("iam")
    for name in FUNCTIONS:
        role = deployed.ids[f"{name}Role"]
        assert iam.list_role_policies(RoleName=role)["PolicyNames"] == [name]
    common = iam.get_policy_version(PolicyArn=deployed.ids["CommonPolicy"], VersionId="v1")["PolicyVersion"]["Document"]
    assert [statement["Sid"] for statement in common["Statement"]] == ["RedisUrl", "Traces"]
    document = iam.get_role_policy(RoleName=deployed.ids["RefreshRole"], PolicyName="Refresh")["PolicyDocument"]
    # moto returns it as a Python literal.
    statements = ast.literal_eval(document)["Statement"]
    actions = {statement["Sid"]: statement["Action"] for statement in statements}
    assert actions == {
        "Logs": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "FailedRefreshes": "sqs:SendMessage",
        "AdminToken": "secretsmanager:GetSecretValue",
        "Events": "events:PutEvents",
    }
    policy = json.loads(aws.client("lambda").get_policy(FunctionName=deployed.ids["Read"])["Policy"])
    permissions = [
        each for each in deployed.template["Resources"].values() if each["Type"] == "AWS::Lambda::Permission"
    ]
    of_read = [each for each in permissions if each["Properties"]["FunctionName"] == {"Ref": "ReadAliaslive"}]
    assert len(policy["Statement"]) == len(of_read) > 0


def test_queue_topic_bus_and_log_groups_exist(aws, deployed):
    queue = aws.client("sqs").get_queue_attributes(
        QueueUrl=deployed.outputs["FailedRefreshesQueueUrl"], AttributeNames=["MessageRetentionPeriod"]
    )
    assert queue["Attributes"]["MessageRetentionPeriod"] == str(14 * 24 * 60 * 60)
    assert aws.client("sns").get_topic_attributes(TopicArn=deployed.outputs["AlarmTopicArn"])
    assert aws.client("events").describe_event_bus(Name=deployed.outputs["EventBusName"])["Name"] == STACK
    groups = aws.client("logs").describe_log_groups()["logGroups"]
    retention = {group["logGroupName"]: group["retentionInDays"] for group in groups}
    functions = {f"/aws/lambda/{STACK}/{name}": 30 for name in ("read", "refresh", "cooldown-status", "hook")}
    assert retention == {**functions, f"/aws/vendedlogs/{STACK}/api": 30}


def test_cloudwatch_accepts_the_alarms_and_the_dashboard(aws, deployed):
    cloudwatch = aws.client("cloudwatch")
    alarms = [name for name, each in deployed.template["Resources"].items() if each["Type"] == "AWS::CloudWatch::Alarm"]
    assert len(alarms) == 17
    for name in alarms:
        alarm = deployed.scope.value(deployed.template["Resources"][name]["Properties"])
        # A parameter's value is a string, which CloudFormation converts to a number.
        cloudwatch.put_metric_alarm(AlarmName=name, **{**alarm, "Threshold": float(alarm["Threshold"])})
    assert {each["AlarmName"] for each in cloudwatch.describe_alarms()["MetricAlarms"]} == set(alarms)
    dashboard = deployed.scope.value(deployed.template["Resources"]["Dashboard"]["Properties"])
    cloudwatch.put_dashboard(**dashboard)
    shown = json.loads(cloudwatch.get_dashboard(DashboardName=dashboard["DashboardName"])["DashboardBody"])
    assert len(shown["widgets"]) == 12


def test_cloudwatch_logs_accepts_the_metric_filter(aws, deployed):
    made = deployed.template["Resources"]["ThrottledRequests"]["Properties"]
    group = f"/aws/vendedlogs/{STACK}/api"
    [transformation] = deployed.scope.value(made["MetricTransformations"])
    aws.client("logs").put_metric_filter(
        logGroupName=group,
        filterName="refused",
        filterPattern=made["FilterPattern"],
        metricTransformations=[{f"{key[0].lower()}{key[1:]}": value for key, value in transformation.items()}],
    )
    [kept] = aws.client("logs").describe_metric_filters(logGroupName=group)["metricFilters"]
    assert kept["filterPattern"] == made["FilterPattern"]


def test_budgets_accepts_the_budget(aws, deployed):
    budget = deployed.scope.value(deployed.template["Resources"]["Budget"]["Properties"])
    budgets = aws.client("budgets")
    budgets.create_budget(AccountId="123456789012", **budget)
    made = {"AccountId": "123456789012", "BudgetName": budget["Budget"]["BudgetName"]}
    assert budgets.describe_budget(**made)["Budget"]["BudgetLimit"] == {"Amount": "40", "Unit": "USD"}
    assert len(budgets.describe_notifications_for_budget(**made)["Notifications"]) == 3


def test_scheduler_accepts_the_schedule(aws, deployed):
    schedule = deployed.scope.value(deployed.template["Resources"]["RefreshDaily"]["Properties"])
    scheduler = aws.client("scheduler")
    scheduler.create_schedule(Name="daily", **schedule)
    kept = scheduler.get_schedule(Name="daily")
    assert {key: kept[key] for key in schedule} == schedule


# ---- Events --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mailbox(aws, deployed):
    """Returns the events that a rule of the stack's bus delivers to a queue."""
    sqs, events = aws.client("sqs"), aws.client("events")
    queue = sqs.create_queue(QueueName="listener")["QueueUrl"]
    [arn] = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"].values()
    bus = deployed.outputs["EventBusName"]
    events.put_rule(Name="refreshes", EventBusName=bus, EventPattern=json.dumps({"source": ["emptyclassroom"]}))
    events.put_targets(Rule="refreshes", EventBusName=bus, Targets=[{"Id": "listener", "Arn": arn}])

    def receive():
        messages = sqs.receive_message(QueueUrl=queue).get("Messages", [])
        for message in messages:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(message["Body"]) for message in messages]

    return lambda: servers.eventually("an event is delivered", receive)


def test_the_program_publishes_an_event_for_each_scheduled_refresh(aws, deployed, mailbox, redis, tmp_path):
    """Runs the built program with the deployed variables and secrets, and the schedule's own event."""
    deployed_as = aws.client("lambda").get_function_configuration(FunctionName=deployed.ids["Refresh"])
    schedule = deployed.scope.value(deployed.template["Resources"]["RefreshDaily"]["Properties"])
    event = json.loads(schedule["Target"]["Input"])
    healthy = False
    with servers.twenty_five_live(lambda: healthy) as twenty_five_live:
        environment = {
            **{name: str(value) for name, value in deployed_as["Environment"]["Variables"].items()},
            # These differ from AWS.
            "API_URL": twenty_five_live,
            "CAMPUS_FILE": str(ROOT / "campuses/bu.toml"),
            "AWS_ENDPOINT_URL": aws.url,
        }
        program = BUILD / "Refresh/bootstrap"
        with servers.function(program, environment, tmp_path / "log") as refresh:
            kind, _ = refresh.invoke(event)
            [failed] = mailbox()
            # An error makes Lambda retry the event and, in the end, send it to the queue.
            assert kind == "error"
            healthy = True
            servers.forget(redis, "classrooms:refresh_failed")
            kind, response = refresh.invoke(event)
            [refreshed] = mailbox()
            assert (kind, response["outcome"]) == ("response", "refreshed")
    rooms = (ROOT / "campuses/bu.toml").read_text().count("[[buildings.classrooms]]")
    assert (failed["source"], failed["detail-type"]) == ("emptyclassroom", "Availability Refresh Failed")
    assert (failed["detail"]["rooms_ok"], failed["detail"]["rooms_failed"]) == (0, rooms)
    assert (refreshed["source"], refreshed["detail-type"]) == ("emptyclassroom", "Availability Refreshed")
    assert (refreshed["detail"]["rooms_ok"], refreshed["detail"]["rooms_failed"]) == (rooms, 0)
