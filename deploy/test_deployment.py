"""What `sam build` has built, packaged and deployed into moto: an AWS on loopback that keeps what it is given."""

import io
import json
import os
import re
import stat
import subprocess
import zipfile
from types import SimpleNamespace

import boto3
import pytest
import servers
from samtranslator.yaml_helper import yaml_parse
from translation import API_URL, ROOT, SECRET, Scope, translate

BUILD = ROOT / ".aws-sam/build"
# Bytes of the zips. They are what a cold start fetches; more than that, and something is linked that should not be.
BUDGETS = {"Read": 4_500_000, "Refresh": 6_500_000, "CooldownStatus": 3_000_000, "Campus": 100_000}
FUNCTIONS = ["Read", "Refresh", "CooldownStatus"]
GIVEN = {
    "ApiUrl": API_URL,
    "Stage": "prod",
    "Architecture": "x86_64",
    "RedisUrlSecretArn": f"{SECRET}redis-url-AbCdEf",
    "AdminTokenSecretArn": f"{SECRET}admin-token-AbCdEf",
    "EventBus": "own",
    "Tracing": "Active",
    "AlarmEmail": "it@example.edu",
}
STACK = "emptyclassroom-prod"


@pytest.fixture(scope="module")
def aws(tmp_path_factory):
    assert (BUILD / "template.yaml").is_file(), "nothing is built: `make deploy-check` does"
    with servers.moto(tmp_path_factory.mktemp("moto") / "log") as url:
        yield SimpleNamespace(url=url, client=lambda service: boto3.client(service, endpoint_url=url))


@pytest.fixture(scope="module")
def packaged(aws, tmp_path_factory):
    """The built template after `sam package`: its programs lie in S3."""
    aws.client("s3").create_bucket(Bucket="artifacts")
    written = tmp_path_factory.mktemp("packaged") / "template.yaml"
    command = ["sam", "package", "--s3-bucket", "artifacts", "--output-template-file", written, "--config-env", "none"]
    command += ["--template-file", BUILD / "template.yaml"]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "AWS_ENDPOINT_URL": aws.url}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return written.read_text()


@pytest.fixture(scope="module")
def archives(aws, packaged):
    """The zips in S3, by the resources that they are of."""
    resources = yaml_parse(packaged)["Resources"]
    uris = {name: resource["Properties"].get("CodeUri") or resource["Properties"].get("ContentUri")
            for name, resource in resources.items() if resource["Type"].startswith("AWS::Serverless::")}
    s3 = aws.client("s3")

    def fetch(uri):
        bucket, key = re.fullmatch(r"s3://([^/]+)/(.+)", uri).groups()
        return s3.get_object(Bucket=bucket, Key=key)["Body"].read()

    return {name: fetch(uri) for name, uri in uris.items() if uri}


def test_archives_keep_to_their_budgets(archives):
    sizes = {name: len(archive) for name, archive in archives.items()}
    print(sizes)
    assert sizes.keys() == BUDGETS.keys()
    assert all(sizes[name] <= BUDGETS[name] for name in BUDGETS), sizes


def test_a_functions_archive_is_its_program_and_lambda_may_run_it(archives):
    for name in FUNCTIONS:
        [entry] = zipfile.ZipFile(io.BytesIO(archives[name])).infolist()
        assert entry.filename == "bootstrap"
        assert stat.S_IMODE(entry.external_attr >> 16) & 0o555 == 0o555


def test_the_layer_is_the_campus_files_at_its_top(archives):
    layer = zipfile.ZipFile(io.BytesIO(archives["Campus"]))
    kept = {file.name: file.read_bytes() for file in (ROOT / "campuses").iterdir()}
    assert {name: layer.read(name) for name in layer.namelist()} == kept


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_program_needs_no_younger_glibc_than_al2023_has(name):
    read = subprocess.run(["readelf", "--wide", "--version-info", BUILD / name / "bootstrap"], capture_output=True, text=True)
    assert read.returncode == 0, read.stderr
    needed = {tuple(map(int, version.split("."))) for version in re.findall(r"GLIBC_([\d.]+)", read.stdout)}
    assert needed and max(needed) <= (2, 34), f"GLIBC {max(needed)}"


@pytest.fixture(scope="module")
def deployed(aws, packaged):
    """The stack, as far as moto can make it: it has no SAM, and leaves out what it does not know."""
    translated, values = translate(GIVEN, yaml_parse(packaged))
    cloudformation = aws.client("cloudformation")
    cloudformation.create_stack(
        StackName=STACK,
        TemplateBody=json.dumps(translated),
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    [stack] = cloudformation.describe_stacks(StackName=STACK)["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack.get("StackStatusReason")
    scope = Scope(translated, values)
    wanted = {name: each["Type"] for name, each in translated["Resources"].items() if scope.exists(name)}
    made = cloudformation.list_stack_resources(StackName=STACK)["StackResourceSummaries"]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    ids = {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in made}
    return SimpleNamespace(translated=translated, scope=scope, wanted=wanted, ids=ids, outputs=outputs)


def test_x(deployed):
    for n, t in deployed.wanted.items():
        print(n, t, deployed.ids.get(n))
    print(deployed.outputs)
    assert 0


# ---- Events --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mailbox(aws, deployed):
    """What is delivered to a queue by a rule of the stack's bus, which is how anybody would listen: an event, when it comes."""
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


def test_the_program_tells_the_bus_of_each_refresh_that_the_schedule_asks_for(aws, deployed, mailbox, tmp_path):
    """The program that was built, with the variables that were deployed, and the event that the schedule sends."""
    variables = aws.client("lambda").get_function_configuration(FunctionName=deployed.ids["Refresh"])["Environment"]
    schedule = deployed.scope.value(deployed.translated["Resources"]["RefreshDaily"]["Properties"])
    event = json.loads(schedule["Target"]["Input"])
    well = False
    with servers.redis(tmp_path) as redis, servers.twenty_five_live(lambda: well) as twenty_five_live:
        environment = {
            **{name: value for name, value in variables["Variables"].items() if not name.endswith("_SECRET_ARN")},
            "REDIS_URL": redis,
            "API_URL": twenty_five_live,
            "CAMPUS_FILE": str(ROOT / "campuses/bu.toml"),
            "AWS_ENDPOINT_URL": aws.url,
        }
        program = BUILD / "Refresh/bootstrap"
        with servers.function(program, environment, tmp_path / "log") as function:
            assert function.invoke(event)["outcome"] == "failed"
            [failed] = mailbox()
            well = True
            subprocess.run(["redis-cli", "-u", redis, "DEL", "classrooms:refresh_failed"], check=True)
            assert function.invoke(event)["outcome"] == "refreshed"
            [refreshed] = mailbox()
    rooms = (ROOT / "campuses/bu.toml").read_text().count("[[buildings.classrooms]]")
    assert (failed["source"], failed["detail-type"]) == ("emptyclassroom", "Availability Refresh Failed")
    assert (failed["detail"]["rooms_ok"], failed["detail"]["rooms_failed"]) == (0, rooms)
    assert (refreshed["source"], refreshed["detail-type"]) == ("emptyclassroom", "Availability Refreshed")
    assert (refreshed["detail"]["rooms_ok"], refreshed["detail"]["rooms_failed"]) == (rooms, 0)
