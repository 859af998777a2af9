"""Tests of template.yaml, as SAM and CloudFormation read it. Nothing is built."""

import datetime
import functools
import itertools
import json
import re
import shutil
import subprocess
import tomllib
import zoneinfo

import hook
import pytest
import routes
from cfnlint.data import AdditionalSpecs
from cfnlint.helpers import load_resource
from schedules import as_fields
from translation import API_URL, PSEUDO, ROOT, SECRET, Refused, Stack, packaged, source, translate

REDIS = {
    "external": {"Redis": "external", "RedisUrlSecretArn": f"{SECRET}redis-url-AbCdEf"},
    "elasticache": {"Redis": "elasticache"},
}
CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"
WEB_ACL = "arn:aws:wafv2:us-east-1:123456789012:global/webacl/rooms/12345678-1234-1234-1234-123456789012"
CDN = {
    "Cdn": "cloudfront",
    "DomainName": "rooms.example.edu",
    "CertificateArn": CERTIFICATE,
    "WebAclArn": WEB_ACL,
}
OPTIONS = {
    "bare": {},
    "all": {
        "AdminTokenSecretArn": f"{SECRET}admin-token-AbCdEf",
        "EventBus": "own",
        "Tracing": "Active",
        "AlarmEmail": "it@example.edu",
        "MonthlyBudget": "40",
        "RefreshConcurrency": "5",
        "Architecture": "x86_64",
        "AllowedOrigins": "https://rooms.example.edu,http://localhost:5173",
        **CDN,
    },
}
STAGES = {"dev": {"Stage": "dev"}, "prod": {"Stage": "prod", "AlarmEmail": "it@example.edu"}}
FORMS = {
    f"{redis}-{stage}-{options}": {"ApiUrl": API_URL, **REDIS[redis], **STAGES[stage], **OPTIONS[options]}
    for redis, stage, options in itertools.product(REDIS, STAGES, OPTIONS)
}

# The resource of the function that serves each route.
ROUTES = {route: function.title().replace("-", "") for route, function in routes.IN_GATEWAY.items()}
# Each GET route has a HEAD route, which the same function serves.
HEADS = {route.replace("GET", "HEAD"): function for route, function in ROUTES.items() if route.startswith("GET ")}
FUNCTIONS = ["Read", "Refresh", "CooldownStatus"]

# Statements without a resource, because AWS supports none for their actions.
NAMELESS = {"NetworkInterfaces", "Traces", "Deployments"}
NETWORK_ACTIONS = {
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
}


@functools.cache
def form(redis="external", stage="dev", options="bare", **given):
    return Stack(**{**FORMS[f"{redis}-{stage}-{options}"], **given})


@pytest.fixture(params=FORMS)
def stack(request):
    return form(*request.param.split("-"))


def as_list(value):
    return value if isinstance(value, list) else [value]


def run(*command):
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


# ---- SAM and cfn-lint ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lint", [[], ["--lint"]], ids=["transform", "lint"])
def test_sam_accepts_the_template(lint):
    run("sam", "validate", "--region", "us-east-1", *(lint or ["--config-env", "none"]))


def test_cfn_lint_accepts_the_transformed_template_in_every_form(tmp_path):
    for name, given in FORMS.items():
        translated, _ = translate(given)
        (tmp_path / f"{name}.json").write_text(json.dumps(translated))
    # The transform replaces some references by the parameters' values. A parameter that is then unused is no mistake.
    run("cfn-lint", "--ignore-checks", "W2001", "W1020", "--", *map(str, tmp_path.glob("*.json")))


# ---- Parameters ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        {"RedisUrlSecretArn": ""},
        {"RedisUrlSecretArn": "rediss://:hunter2@redis.example.edu"},
        {"Redis": "elasticache"},
        {"AdminTokenSecretArn": "correct horse"},
        {"ApiUrl": "http://25live.example.edu/availabilitydata.json"},
        {"ApiUrl": f"{API_URL}?space_id=342"},
        {"CampusFile": "../secrets.toml"},
        {"AllowedOrigins": "https://rooms.example.edu/"},
        {"AllowedOrigins": "https://rooms.example.edu, https://b.example.edu"},
        {"ScheduleExpression": "cron(5 0 * * *)"},
        {"ScheduleExpression": "5 0 * * *"},
        {"RefreshCooldownMinutes": "1261"},
        {"MinGapMinutes": "0"},
        {"UpstreamConcurrency": "65"},
        {"SweepTimeout": "841"},
        {"ThrottleRate": "0"},
        {"AlarmEmail": "it"},
        {"AlarmEmail": "it@example"},
        {"AlarmEmail": "it@example.edu, rooms@example.edu"},
        {"AlarmRequestsPerHour": "0"},
        {"MonthlyBudget": "-1"},
        {"MonthlyBudget": "40"},
        {"Stage": "prod"},
        {"SecretsVersion": ""},
        {"Cdn": "fastly"},
        {**CDN, "Cdn": "none"},
        {"DomainName": "rooms.example.edu", "CertificateArn": CERTIFICATE},
        {"WebAclArn": WEB_ACL},
        {**CDN, "CertificateArn": ""},
        {**CDN, "DomainName": ""},
        {**CDN, "DomainName": "https://rooms.example.edu"},
        {**CDN, "DomainName": "rooms.example.edu,b.example.edu"},
        {**CDN, "DomainName": "rooms"},
        {**CDN, "CertificateArn": CERTIFICATE.replace("us-east-1", "eu-central-1")},
        {**CDN, "WebAclArn": WEB_ACL.replace("us-east-1:", "eu-central-1:")},
        {**CDN, "WebAclArn": WEB_ACL.replace("global", "regional")},
    ],
    ids=str,
)
def test_invalid_parameters_are_rejected(given):
    with pytest.raises(Refused):
        form(**given)


def test_parameters_have_the_functions_defaults_and_ranges():
    config = (ROOT / "shared/src/config.rs").read_text()
    named = dict(re.findall(r"const (\w+): u32 = ([\d *]+);", config))
    checked = 0
    for parameter, declared in source()["Parameters"].items():
        variable = re.sub(r"(?<!^)(?=[A-Z])", "_", parameter).upper()
        found = re.search(rf'"{variable}",\s+(?:[A-Z]+|"[a-z ]+"),\s+(\d+),\s+(\d+)\.\.=(\w+)', config)
        if found:
            default, least, most = found.groups()
            most = most if most.isdigit() else eval(named[most])
            ours = (int(declared["Default"]), declared["MinValue"], declared["MaxValue"])
            assert ours == (int(default), int(least), int(most)), parameter
            checked += 1
    assert checked == 3


def test_every_parameter_has_a_description_and_a_group():
    template = source()
    groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    grouped = [name for group in groups for name in group["Parameters"]]
    assert sorted(grouped) == sorted(template["Parameters"])
    assert all(declared["Description"] for declared in template["Parameters"].values())


# ---- The API -------------------------------------------------------------------------------------------------------


def api_body(stack):
    [api] = stack.of_type("AWS::ApiGatewayV2::Api").values()
    return api["Body"]


def api_stage(stack):
    [stage] = stack.of_type("AWS::ApiGatewayV2::Stage").values()
    return stage


def test_the_api_has_exactly_the_routes_of_the_openapi_document(stack):
    integrated = {}
    for path, methods in api_body(stack)["paths"].items():
        for method, route in methods.items():
            integration = route["x-amazon-apigateway-integration"]
            assert (integration["type"], integration["payloadFormatVersion"]) == ("aws_proxy", "2.0")
            [integrated[f"{method.upper()} {path}"]] = re.findall(
                r"functions/(\w+)Aliaslive/invocations", integration["uri"]
            )
    assert integrated == ROUTES | HEADS
    assert not stack.of_type("AWS::ApiGatewayV2::Route")
    stage = api_stage(stack)
    assert (stage["StageName"], stage["AutoDeploy"]) == ("$default", True)


def test_the_api_may_invoke_the_functions_only_for_its_routes(stack):
    allowed = set()
    for permission in stack.of_type("AWS::Lambda::Permission").values():
        assert permission["Principal"] == "apigateway.amazonaws.com"
        [(api, method, path)] = re.findall(
            r"execute-api:us-east-1:123456789012:(\w+)/\*/([A-Z]+)(/.*)", permission["SourceArn"]
        )
        assert api == "Api"
        allowed.add((f"{method} {path}", permission["FunctionName"]))
    served = ROUTES | HEADS
    assert allowed == {(re.sub("{.+}", "*", route), f"{function}Aliaslive") for route, function in served.items()}


@pytest.mark.parametrize(
    "given, origins",
    [
        ({}, ["*"]),
        ({"AllowedOrigins": "https://rooms.example.edu"}, ["https://rooms.example.edu"]),
        ({"AllowedOrigins": "https://a.edu,http://localhost:5173"}, ["https://a.edu", "http://localhost:5173"]),
    ],
    ids=str,
)
def test_only_the_api_sends_cors_headers_and_never_allows_credentials(given, origins):
    stack = form(**given)
    cors = api_body(stack)["x-amazon-apigateway-cors"]
    assert cors["allowOrigins"] == origins
    assert not cors.get("allowCredentials", False)
    assert sorted(cors["allowMethods"]) == ["GET", "POST"]
    assert sorted(cors["allowHeaders"]) == ["authorization", "content-type", "if-none-match"]
    assert sorted(cors["exposeHeaders"]) == ["cache-status", "etag", "link", "retry-after", "x-cache"]
    assert cors["maxAge"] == 86400
    assert all("ALLOWED_ORIGINS" not in environment(stack, function) for function in FUNCTIONS)
    assert "x-amazon-apigateway-cors" not in api_body(form(AllowedOrigins=""))


def throttling(stack, route):
    """The rate limit in requests per second, and the burst size."""
    stage = api_stage(stack)
    settings = {**stage["DefaultRouteSettings"], **stage["RouteSettings"].get(route, {})}
    return int(settings["ThrottlingRateLimit"]), int(settings["ThrottlingBurstLimit"])


def test_every_route_is_throttled_and_refreshes_have_a_lower_limit():
    by_default = form()
    assert throttling(by_default, "GET /api/open-classrooms") == (20, 40)
    assert throttling(by_default, "POST /api/refresh") == (1, 5)
    raised = form(ThrottleRate="100", ThrottleBurst="200")
    assert {route for route in ROUTES | HEADS if throttling(raised, route) != (100, 200)} == {"POST /api/refresh"}


def selects(node):
    """Every Fn::Select in a part of a template, including branches that are not taken."""
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else []
    own = [node["Fn::Select"]] if isinstance(node, dict) and node.keys() == {"Fn::Select"} else []
    return own + [found for child in children for found in selects(child)]


def test_every_select_has_its_element_even_in_branches_that_are_not_taken(stack):
    # CloudFormation may evaluate both branches of an Fn::If.
    texts = [each for each in selects(stack.translated) if "Fn::Split" in each[1]]
    assert texts
    for index, split in texts:
        assert len(stack.scope.value(split)) > int(index), split


def test_version_descriptions_contain_the_secrets_names():
    described = {version["FunctionName"]: version["Description"] for version in versions_of(form(options="all"))}
    assert "redis-url-AbCdEf" in described["Read"]
    assert "redis-url-AbCdEf, admin-token-AbCdEf" in described["Refresh"]


def versions_of(stack):
    return stack.of_type("AWS::Lambda::Version").values()


def test_the_stage_is_created_after_the_routes_in_its_settings(stack):
    # The routes are part of the API's body, and the stage refers to the API.
    [stage] = [
        resource
        for resource in stack.translated["Resources"].values()
        if resource["Type"] == "AWS::ApiGatewayV2::Stage"
    ]
    assert stage["Properties"]["ApiId"] == {"Ref": "Api"}
    assert stage["Properties"]["RouteSettings"].keys() <= (ROUTES | HEADS).keys()


@pytest.mark.parametrize("value", ["-", "12", "Not Found"])
def test_access_logs_are_json_even_with_unknown_values(stack, value):
    settings = api_stage(stack)["AccessLogSettings"]
    line = json.loads(re.sub(r"\$context(\.\w+)+", value, settings["Format"]))
    assert line.keys() >= {"route", "status", "latencyMs", "integrationLatencyMs", "integrationError"}
    assert set(line.values()) == {value}
    assert settings["DestinationArn"] == "ApiLogs.Arn"


# ---- The functions -------------------------------------------------------------------------------------------------


def environment(stack, function):
    return stack.properties(function)["Environment"]["Variables"]


def test_there_are_three_functions_on_al2023(stack):
    functions = stack.of_type("AWS::Lambda::Function")
    # The hook belongs to deployments: no route invokes it.
    assert sorted(functions) == sorted([*FUNCTIONS, "Hook"])
    for function in map(functions.get, FUNCTIONS):
        assert (function["Runtime"], function["Handler"]) == ("provided.al2023", "bootstrap")
        assert function["Architectures"] == [stack.parameters["Architecture"]]
        assert function["TracingConfig"] == {"Mode": stack.parameters["Tracing"]}
        assert function["MemorySize"] >= 128
    assert form().parameters["Architecture"] == "arm64"


def test_each_function_is_built_from_its_own_folder():
    for name, folder in zip(FUNCTIONS, ["read", "refresh", "cooldown-status"], strict=False):
        function = source()["Resources"][name]
        assert function["Properties"]["CodeUri"] == f"functions/{folder}"
        assert function["Metadata"] == {"BuildMethod": "rust-cargolambda"}
        assert tomllib.loads((ROOT / f"functions/{folder}/Cargo.toml").read_text())["package"]["name"] == folder


def test_timeouts_allow_a_sweep_and_stay_below_api_gateways_for_readers(stack):
    timeouts = {name: stack.properties(name)["Timeout"] for name in FUNCTIONS}
    assert all(timeouts[name] < 30 for name in ("Read", "CooldownStatus"))
    # A reader's sweep takes up to 25 s.
    assert timeouts["Read"] > 25
    # The longest sweep that the parameter and the program allow, and a minute to publish. Lambda allows 900 s.
    longest = source()["Parameters"]["SweepTimeout"]["MaxValue"]
    assert f"const LONGEST_SWEEP: f64 = {longest}.0;" in (ROOT / "shared/src/config.rs").read_text()
    assert timeouts["Refresh"] == longest + 60 == 900
    # 3 s to connect at a cold start, and 5 s for Redis to respond.
    assert timeouts["CooldownStatus"] > 8


def test_each_function_has_exactly_its_environment_variables(stack):
    external = stack.parameters["Redis"] == "external"
    common = {"CAMPUS_FILE", "REFRESH_COOLDOWN_MINUTES", "RUST_LOG", "SECRETS_VERSION"}
    common |= {"REDIS_URL_SECRET_ARN"} if external else {"REDIS_URL"}
    common |= {"EDGE_SECONDS"} if stack.parameters["Cdn"] == "cloudfront" else set()
    sweeping = common | {"API_URL", "MIN_GAP_MINUTES", "UPSTREAM_CONCURRENCY"}
    refresh = sweeping | {"SWEEP_TIMEOUT"}
    refresh |= {"ADMIN_TOKEN_SECRET_ARN"} if stack.parameters["AdminTokenSecretArn"] else set()
    refresh |= {"EVENT_BUS_NAME"} if stack.parameters["EventBus"] != "none" else set()
    expected = {"Read": sweeping, "Refresh": refresh, "CooldownStatus": common}
    assert {name: set(environment(stack, name)) for name in FUNCTIONS} == expected


def test_variables_have_the_parameters_values():
    given = {"MinGapMinutes": "60", "RefreshCooldownMinutes": "0", "UpstreamConcurrency": "4", "SecretsVersion": "7"}
    given["SweepTimeout"] = "120"
    stack = form(options="all", CampusFile="other.toml", LogLevel="debug", **given)
    assert environment(stack, "Refresh") == {
        "API_URL": API_URL,
        "CAMPUS_FILE": "/opt/other.toml",
        "REDIS_URL_SECRET_ARN": f"{SECRET}redis-url-AbCdEf",
        "ADMIN_TOKEN_SECRET_ARN": f"{SECRET}admin-token-AbCdEf",
        "SECRETS_VERSION": "7",
        "RUST_LOG": "debug",
        "REFRESH_COOLDOWN_MINUTES": "0",
        "MIN_GAP_MINUTES": "60",
        "UPSTREAM_CONCURRENCY": "4",
        "SWEEP_TIMEOUT": "120",
        "EVENT_BUS_NAME": "Bus",
        "EDGE_SECONDS": "60",
    }
    own = form("elasticache")
    assert environment(own, "Read")["REDIS_URL"] == "rediss://Cache.Endpoint.Address:Cache.Endpoint.Port"
    assert environment(form(EventBus="default"), "Refresh")["EVENT_BUS_NAME"] == "default"


def test_no_secret_is_a_variable_or_part_of_the_template():
    text = (ROOT / "template.yaml").read_text()
    assert "{{resolve:" not in text
    for redis in REDIS:
        for function in FUNCTIONS:
            variables = environment(form(redis, options="all"), function)
            assert "ADMIN_TOKEN" not in variables
            # A URL with a password would have an @.
            assert not any("@" in str(value) for value in variables.values())


def test_functions_log_json_into_log_groups_with_a_retention(stack):
    groups = stack.of_type("AWS::Logs::LogGroup")
    assert sorted(groups) == ["ApiLogs", "CooldownStatusLogs", "HookLogs", "ReadLogs", "RefreshLogs"]
    assert all(group["RetentionInDays"] == "30" for group in groups.values())
    for name in [*FUNCTIONS, "Hook"]:
        # A level above INFO would drop the lines of metrics.
        assert stack.properties(name)["LoggingConfig"] == {"LogFormat": "JSON", "LogGroup": f"{name}Logs"}


def test_only_refresh_reserves_concurrency_and_only_if_configured():
    assert "ReservedConcurrentExecutions" not in form().properties("Refresh")
    stack = form(RefreshConcurrency="5")
    reserved = {name: stack.properties(name).get("ReservedConcurrentExecutions") for name in FUNCTIONS}
    assert reserved == {"Read": None, "Refresh": "5", "CooldownStatus": None}


def test_the_campus_files_are_a_layer_of_every_function(stack):
    [(name, layer)] = stack.of_type("AWS::Lambda::LayerVersion").items()
    assert source()["Resources"]["Campus"]["Properties"]["ContentUri"] == "campuses"
    assert (ROOT / "campuses" / stack.parameters["CampusFile"]).is_file()
    assert layer["CompatibleRuntimes"] == ["provided.al2023"]
    assert all(stack.properties(function)["Layers"] == [stack.scope.ref(name)] for function in FUNCTIONS)


# ---- Versions ------------------------------------------------------------------------------------------------------


def versions(stack):
    """The identity of each function's version. CloudFormation creates a new version when it changes."""
    return {
        version["FunctionName"]: (stack.scope.number(name), version["Description"])
        for name, version in stack.of_type("AWS::Lambda::Version").items()
    }


def configurations(stack):
    """The properties of each function that a version freezes."""
    thawed = {"ReservedConcurrentExecutions", "Tags"}
    return {
        name: {key: value for key, value in stack.properties(name).items() if key not in thawed} for name in FUNCTIONS
    }


CHANGES = [
    {"Architecture": "x86_64"},
    {"ApiUrl": API_URL.replace("example", "other")},
    {"CampusFile": "other.toml"},
    {"RedisUrlSecretArn": f"{SECRET}redis-url-UvWxYz"},
    {"Redis": "elasticache", "RedisUrlSecretArn": ""},
    {"AdminTokenSecretArn": f"{SECRET}admin-token-AbCdEf"},
    {"SecretsVersion": "2"},
    {"RefreshCooldownMinutes": "31"},
    {"MinGapMinutes": "29"},
    {"UpstreamConcurrency": "17"},
    {"SweepTimeout": "601"},
    {"EventBus": "default"},
    {"EventBus": "own"},
    {"Tracing": "Active"},
    {"Stage": "prod", "AlarmEmail": "it@example.edu"},
    {"AllowedOrigins": "https://rooms.example.edu"},
    {"ThrottleRate": "51"},
    {"ThrottleBurst": "101"},
    {"AlarmRequestsPerHour": "100"},
    {"MonthlyBudget": "40", "AlarmEmail": "it@example.edu"},
    {"ScheduleExpression": "cron(5 16 * * ? *)"},
    {"ScheduleTimezone": "Europe/Berlin"},
    {"RefreshConcurrency": "5"},
    {"LogRetentionDays": "90"},
    {"LogLevel": "warn"},
    {"AlarmEmail": "it@example.edu"},
    {"Cdn": "cloudfront"},
    CDN,
]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_a_changed_parameter_publishes_new_versions_only_of_the_functions_that_it_changes(change):
    # Without a new version the alias keeps the old values. Lambda rejects a new version of an unchanged function.
    before, after = form(), form(**change)
    changed = {name for name in FUNCTIONS if configurations(before)[name] != configurations(after)[name]}
    published = {name for name in FUNCTIONS if versions(before)[name] != versions(after)[name]}
    assert published == changed


def test_every_parameter_is_changed_by_the_test_above():
    assert {name for change in CHANGES for name in change} == source()["Parameters"].keys()


def test_a_changed_template_or_program_publishes_a_version():
    def version_names(change):
        template = packaged(source())
        change(template["Resources"]["Read"]["Properties"])
        translated, _ = translate(FORMS["external-dev-bare"], template)
        resources = translated["Resources"].items()
        return {name for name, resource in resources if resource["Type"] == "AWS::Lambda::Version"}

    before = version_names(lambda read: None)
    assert len(before - version_names(lambda read: read.update(CodeUri="s3://artifacts/another"))) == 1
    assert len(before - version_names(lambda read: read.update(Timeout=28))) == 1


def test_descriptions_have_room_for_the_longest_values():
    longest = {
        "Architecture": "x86_64",
        "ApiUrl": "https://".ljust(160, "x"),
        "CampusFile": ".toml".rjust(40, "x"),
        "RedisUrlSecretArn": SECRET + "x" * 80,
        "AdminTokenSecretArn": SECRET + "x" * 80,
        "SecretsVersion": "x" * 16,
        "RefreshCooldownMinutes": "1260",
        "MinGapMinutes": "1440",
        "UpstreamConcurrency": "64",
        "SweepTimeout": "840",
        "EventBus": "default",
        "Tracing": "PassThrough",
        "LogLevel": "error",
        "Cdn": "cloudfront",
    }
    for name, value in longest.items():
        if value.endswith("x") or name == "CampusFile":
            with pytest.raises(Refused):
                form(**{name: "x" + value if name == "CampusFile" else value + "x"})
    stack = form(**longest)
    versions_and_layers = stack.of_type("AWS::Lambda::Version") | stack.of_type("AWS::Lambda::LayerVersion")
    assert len(versions_and_layers) == 4
    for made in versions_and_layers.values():
        assert len(made["Description"]) <= 256, made["Description"]


def test_prod_deploys_new_versions_by_canary_and_rolls_back_those_that_fail(stack):
    prod = stack.parameters["Stage"] == "prod"
    groups = stack.of_type("AWS::CodeDeploy::DeploymentGroup")
    aliases = stack.of_type("AWS::Lambda::Alias")
    assert len(groups) == len(aliases) == 3
    for name in FUNCTIONS:
        assert aliases[f"{name}Aliaslive"]["Name"] == "live"
        update = stack.resources[f"{name}Aliaslive"]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
        group = groups[update["DeploymentGroupName"]]
        kind = "Canary10Percent5Minutes" if prod else "AllAtOnce"
        assert group["DeploymentConfigName"] == f"CodeDeployDefault.Lambda{kind}"
        assert group["AutoRollbackConfiguration"]["Enabled"]
        alarms = {"Enabled": True, "Alarms": [{"Name": f"{name}Canary"}]} if prod else {}
        assert group["AlarmConfiguration"] == alarms


def test_a_canary_alarm_watches_only_the_new_version():
    stack = form(stage="prod")
    for name in FUNCTIONS:
        alarm = stack.properties(f"{name}Canary")
        [version] = [key for key, made in stack.of_type("AWS::Lambda::Version").items() if made["FunctionName"] == name]
        assert (alarm["Namespace"], alarm["MetricName"], alarm["Statistic"]) == ("AWS/Lambda", "Errors", "Sum")
        assert {each["Name"]: each["Value"] for each in alarm["Dimensions"]} == {
            "FunctionName": name,
            "Resource": f"{name}:live",
            "ExecutedVersion": f"{version}.Version",
        }
        assert alarm["Period"] * alarm["EvaluationPeriods"] <= 300


def references(node):
    """The resources that a part of a template refers to."""
    if isinstance(node, list):
        return set().union(*map(references, node))
    if not isinstance(node, dict):
        return set()
    found = set().union(*map(references, node.values()))
    match node:
        case {"Ref": name} | {"Fn::GetAtt": [name, *_]}:
            found.add(name)
        case {"Fn::GetAtt": str(text)}:
            found.add(text.split(".")[0])
        case {"Fn::Sub": str(text)} | {"Fn::Sub": [str(text), *_]}:
            found.update(name.split(".")[0] for name in re.findall(r"\$\{([^!}]+)\}", text))
    return found


def test_resources_have_no_circular_dependency():
    # cfn-lint checks this too, but not for the hook.
    resources = form("elasticache", "prod", "all").translated["Resources"]
    waits = {
        name: {*references(resource), *as_list(resource.get("DependsOn", []))} & resources.keys()
        for name, resource in resources.items()
    }
    while free := {name for name, others in waits.items() if not others}:
        waits = {name: others - free for name, others in waits.items() if name not in free}
    assert not waits


# ---- The deployment hook -------------------------------------------------------------------------------------------


def test_new_versions_of_every_function_get_requests_only_after_the_hook(stack):
    for name in FUNCTIONS:
        update = stack.resources[f"{name}Aliaslive"]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
        assert update["BeforeAllowTrafficHook"] == "Hook"
        assert "AfterAllowTrafficHook" not in update


def test_codedeploys_role_may_invoke_the_hook(stack):
    # The AWS managed policy of that role allows functions with this prefix.
    assert stack.properties("Hook")["FunctionName"] == f"CodeDeployHook_{PSEUDO['AWS::StackName']}"
    [role] = [stack.properties(name) for name in stack.of_type("AWS::IAM::Role") if name.startswith("CodeDeploy")]
    assert role["ManagedPolicyArns"] == ["arn:aws:iam::aws:policy/service-role/AWSCodeDeployRoleForLambda"]


def test_the_hook_checks_the_versions_that_this_deployment_publishes(stack):
    published = {made["FunctionName"]: name for name, made in stack.of_type("AWS::Lambda::Version").items()}
    assert environment(stack, "Hook") == {
        "READ_VERSION": published["Read"],
        "REFRESH_VERSION": published["Refresh"],
        "COOLDOWN_STATUS_VERSION": published["CooldownStatus"],
    }
    assert {variable for variable, _, _ in hook.CHECKS} == environment(stack, "Hook").keys()
    # Each alias depends on the hook, so the hook has its variables before CodeDeploy runs it.
    for name in FUNCTIONS:
        assert "Hook" in json.dumps(stack.translated["Resources"][f"{name}Aliaslive"]["UpdatePolicy"])


def test_the_hook_is_python_and_reports_to_codedeploy_before_its_own_timeout(stack):
    properties = stack.properties("Hook")
    assert re.fullmatch(r"python3\.1[3-9]", properties["Runtime"])
    module, function = properties["Handler"].split(".")
    assert callable(getattr(hook, function)) and hook.__name__ == module
    # If the hook dies, the deployment waits for an hour. Each call may wait for a connection and then for a response,
    # and the report to CodeDeploy is a call too.
    longest = (hook.CONFIG.connect_timeout + hook.CONFIG.read_timeout) * (len(hook.CHECKS) + 1)
    assert longest < properties["Timeout"] <= 180
    assert "VpcConfig" not in properties


def test_the_hook_is_deployed_from_its_folder_without_a_build():
    declared = source()["Resources"]["Hook"]
    assert declared["Properties"]["Code"] == "deploy/hook"
    assert declared["Metadata"]["SkipBuild"]
    # The archive contains nothing else.
    listed = subprocess.run(["git", "ls-files", "deploy/hook"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert listed.stdout.split() == ["deploy/hook/hook.py"]


def test_the_hook_may_only_invoke_versions_report_to_codedeploy_and_write_logs(stack):
    assert stack.properties("Hook")["Role"] == "HookRole.Arn"
    assert permissions(stack, "HookRole") == {
        *(("lambda:InvokeFunction", f"{name}.Arn:*") for name in FUNCTIONS),
        ("codedeploy:PutLifecycleEventHookExecutionStatus", "*"),
        ("logs:CreateLogStream", "HookLogs.Arn"),
        ("logs:PutLogEvents", "HookLogs.Arn"),
    }


# ---- Permissions ---------------------------------------------------------------------------------------------------


def statements(stack, role):
    properties = stack.properties(role)
    documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
    arns = properties.get("ManagedPolicyArns", [])
    documents += [stack.properties(arn)["PolicyDocument"] for arn in arns if not arn.startswith("arn:")]
    return [statement for document in documents for statement in as_list(document["Statement"])]


def permissions(stack, role):
    return {
        (action, resource)
        for statement in statements(stack, role)
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    }


def test_each_function_has_only_the_permissions_that_it_needs(stack):
    common = set()
    if stack.parameters["Redis"] == "external":
        common.add(("secretsmanager:GetSecretValue", f"{SECRET}redis-url-AbCdEf"))
    else:
        common |= {(action, "*") for action in NETWORK_ACTIONS}
    if stack.parameters["Tracing"] == "Active":
        common |= {("xray:PutTraceSegments", "*"), ("xray:PutTelemetryRecords", "*")}
    refresh = {("sqs:SendMessage", "FailedRefreshes.Arn")}
    if stack.parameters["AdminTokenSecretArn"]:
        refresh.add(("secretsmanager:GetSecretValue", f"{SECRET}admin-token-AbCdEf"))
    if stack.parameters["EventBus"] == "own":
        refresh.add(("events:PutEvents", "Bus.Arn"))
    for name, more in {"Read": set(), "Refresh": refresh, "CooldownStatus": set()}.items():
        role = f"{name}Role"
        assert stack.properties(name)["Role"] == f"{role}.Arn"
        # A log group's ARN ends in `:*`, which covers its streams.
        logs = {("logs:CreateLogStream", f"{name}Logs.Arn"), ("logs:PutLogEvents", f"{name}Logs.Arn")}
        assert permissions(stack, role) == common | logs | more


def test_refresh_may_put_events_only_on_the_configured_bus():
    def buses(given):
        return {
            resource for action, resource in permissions(form(**given), "RefreshRole") if action == "events:PutEvents"
        }

    assert buses({"EventBus": "none"}) == set()
    assert buses({"EventBus": "default"}) == {"arn:aws:events:us-east-1:123456789012:event-bus/default"}
    assert buses({"EventBus": "own"}) == {"Bus.Arn"}


def test_no_policy_has_a_wildcard_where_aws_supports_a_resource(stack):
    for role in stack.of_type("AWS::IAM::Role"):
        for statement in statements(stack, role):
            assert statement["Effect"] == "Allow"
            assert not {"NotAction", "NotResource"} & statement.keys()
            assert all("*" not in action for action in as_list(statement["Action"])), statement
            nameless = "*" in as_list(statement["Resource"])
            assert not nameless or statement.get("Sid") in NAMELESS, statement


def test_each_action_exists_and_has_a_resource_that_aws_supports(stack):
    known = load_resource(AdditionalSpecs, "Policies.json")
    for role in stack.of_type("AWS::IAM::Role"):
        for statement in statements(stack, role):
            for action in as_list(statement["Action"]):
                service, name = action.split(":")
                # A statement with a resource never allows an action that supports none.
                bound = known[service]["Actions"][name.lower()].get("Resources")
                assert bound or as_list(statement["Resource"]) == ["*"], action


def test_only_lambda_itself_may_manage_network_interfaces():
    [statement] = [
        each for each in statements(form("elasticache"), "ReadRole") if each.get("Sid") == "NetworkInterfaces"
    ]
    assert statement["Condition"] == {"Null": {"lambda:SourceFunctionArn": "true"}}


def test_only_aws_services_may_assume_the_roles(stack):
    services = {
        service
        for role in stack.of_type("AWS::IAM::Role").values()
        for statement in as_list(role["AssumeRolePolicyDocument"]["Statement"])
        for service in as_list(statement["Principal"]["Service"])
    }
    assert services == {"lambda.amazonaws.com", "scheduler.amazonaws.com", "codedeploy.amazonaws.com"}


# ---- The schedule --------------------------------------------------------------------------------------------------


def scheduled_time(stack):
    """The schedule's time zone, and the wall-clock time of its daily run."""
    [schedule] = stack.of_type("AWS::Scheduler::Schedule").values()
    fields = as_fields(schedule["ScheduleExpression"])
    assert [fields[name] for name in ("day", "month", "weekday", "year")] == ["*", "*", "?", "*"]
    return schedule["ScheduleExpressionTimezone"], datetime.time(int(fields["hours"]), int(fields["minutes"]))


def test_the_daily_refresh_runs_in_the_campus_time_zone():
    zone, _ = scheduled_time(form())
    campus = tomllib.loads((ROOT / "campuses/bu.toml").read_text())
    assert zone == campus["timezone"]
    assert zone in zoneinfo.available_timezones()
    [schedule] = form().of_type("AWS::Scheduler::Schedule").values()
    assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}


def days_without(time, zone):
    """The days from 2020 to 2037 on which this wall-clock time does not exist in the zone, or exists twice."""
    zone, day = zoneinfo.ZoneInfo(zone), datetime.date(2020, 1, 1)
    found = []
    while day.year < 2038:
        local = datetime.datetime.combine(day, time, zone)
        # The two folds of a time differ only if clocks skip or repeat it.
        if local.utcoffset() != local.replace(fold=1).utcoffset():
            found.append(day)
        day += datetime.timedelta(days=1)
    return found


def test_the_default_refresh_time_exists_once_on_every_day_in_every_time_zone():
    # EventBridge Scheduler skips a day on which the time does not exist.
    _, time = scheduled_time(form())
    zones = zoneinfo.available_timezones()
    assert len(zones) > 400
    skipped = {zone: days for zone in sorted(zones) if (days := days_without(time, zone))}
    assert not skipped


def test_five_past_midnight_does_not_exist_on_some_days():
    # So it cannot be the default.
    assert days_without(datetime.time(0, 5), "Africa/Cairo")
    assert days_without(datetime.time(0, 5), "America/Santiago")
    assert not days_without(datetime.time(0, 5), "America/New_York")


def test_the_schedule_invokes_the_alias_with_few_retries_and_a_dead_letter_queue(stack):
    [schedule] = stack.of_type("AWS::Scheduler::Schedule").values()
    target = schedule["Target"]
    assert target["Arn"] == "RefreshAliaslive"
    assert 1 <= target["RetryPolicy"]["MaximumRetryAttempts"] <= 3
    assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] <= 3600
    assert target["DeadLetterConfig"] == {"Arn": "FailedRefreshes.Arn"}
    role = target["RoleArn"].removesuffix(".Arn")
    called = {("lambda:InvokeFunction", "RefreshAliaslive"), ("sqs:SendMessage", "FailedRefreshes.Arn")}
    assert permissions(stack, role) == called


def test_the_schedule_sends_an_event_that_the_function_recognizes(stack):
    [schedule] = stack.of_type("AWS::Scheduler::Schedule").values()
    sent = json.loads(schedule["Target"]["Input"])
    known = json.loads((ROOT / "events/schedule.json").read_text())
    assert {key: sent[key] for key in ("detail-type", "source")} == {
        key: known[key] for key in ("detail-type", "source")
    }


def test_a_scheduled_refresh_goes_to_the_queue_when_all_retries_fail(stack):
    [config] = stack.of_type("AWS::Lambda::EventInvokeConfig").values()
    assert (config["FunctionName"], config["Qualifier"]) == ("Refresh", "live")
    assert 1 <= config["MaximumRetryAttempts"] <= 2
    assert config["MaximumEventAgeInSeconds"] <= 3600
    assert config["DestinationConfig"] == {"OnFailure": {"Destination": "FailedRefreshes.Arn"}}


# ---- The two kinds of Redis ----------------------------------------------------------------------------------------


def test_an_external_redis_creates_no_network_and_no_cache():
    for stage, options in itertools.product(["dev", "prod"], OPTIONS):
        stack = form("external", stage, options)
        kinds = {resource["Type"].split("::")[1] for resource in stack.resources.values()}
        assert not kinds & {"EC2", "ElastiCache"}
        assert all("VpcConfig" not in stack.properties(name) for name in FUNCTIONS)
        assert "CacheEndpoint" not in stack.outputs


def test_elasticache_creates_a_network_and_needs_no_secret():
    stack = form("elasticache")
    assert "secretsmanager" not in json.dumps(stack.resources)
    assert stack.outputs["CacheEndpoint"] == "Cache.Endpoint.Address:Cache.Endpoint.Port"
    network = {"SubnetIds": ["PrivateSubnetA", "PrivateSubnetB"], "SecurityGroupIds": ["FunctionSecurityGroup"]}
    assert all(stack.properties(name)["VpcConfig"] == network for name in FUNCTIONS)


def test_elasticache_runs_valkey_with_limits_and_without_snapshots():
    cache = form("elasticache").properties("Cache")
    assert cache["Engine"] == "valkey"
    assert cache["CacheUsageLimits"] == {
        "DataStorage": {"Maximum": 1, "Unit": "GB"},
        "ECPUPerSecond": {"Maximum": 15000},
    }
    assert cache["SecurityGroupIds"] == ["CacheSecurityGroup"]
    assert cache["SnapshotRetentionLimit"] == 0 and "FinalSnapshotName" not in cache


def test_only_the_functions_reach_the_cache_and_they_reach_only_it_and_https():
    stack = form("elasticache")
    [ingress] = stack.properties("CacheSecurityGroup")["SecurityGroupIngress"]
    assert (ingress["SourceSecurityGroupId"], ingress["FromPort"], ingress["ToPort"]) == (
        "FunctionSecurityGroup",
        6379,
        6379,
    )
    assert [rule["CidrIp"] for rule in stack.properties("CacheSecurityGroup")["SecurityGroupEgress"]] == [
        "127.0.0.1/32"
    ]
    functions = stack.properties("FunctionSecurityGroup")
    assert "SecurityGroupIngress" not in functions
    [https] = functions["SecurityGroupEgress"]
    assert (https["IpProtocol"], https["FromPort"], https["ToPort"], https["CidrIp"]) == (
        "tcp",
        443,
        443,
        "0.0.0.0/0",
    )
    [to_cache] = stack.of_type("AWS::EC2::SecurityGroupEgress").values()
    assert (to_cache["GroupId"], to_cache["DestinationSecurityGroupId"]) == (
        "FunctionSecurityGroup",
        "CacheSecurityGroup",
    )
    assert (to_cache["FromPort"], to_cache["ToPort"]) == (6379, 6379)
    assert not stack.of_type("AWS::EC2::SecurityGroupIngress")


def test_private_subnets_reach_the_internet_through_the_nat_gateway():
    stack = form("elasticache")
    subnets = stack.of_type("AWS::EC2::Subnet")
    assert len({subnets[name]["AvailabilityZone"] for name in ("PrivateSubnetA", "PrivateSubnetB")}) == 2
    tables = {
        each["SubnetId"]: each["RouteTableId"]
        for each in stack.of_type("AWS::EC2::SubnetRouteTableAssociation").values()
    }
    routes = {each["RouteTableId"]: each for each in stack.of_type("AWS::EC2::Route").values()}
    for subnet in subnets:
        route = routes[tables[subnet]]
        assert route["DestinationCidrBlock"] == "0.0.0.0/0"
        way = route.get("GatewayId") or route.get("NatGatewayId")
        assert way == ("InternetGateway" if subnet == "PublicSubnet" else "NatGateway")
    assert stack.properties("NatGateway")["SubnetId"] == "PublicSubnet"


# ---- The CDN ---------------------------------------------------------------------------------------------------------


def distribution(**given):
    [made] = form(**{"Cdn": "cloudfront", **given}).of_type("AWS::CloudFront::Distribution").values()
    return made["DistributionConfig"]


def policy(kind, **given):
    """The configuration of one of the stack's CloudFront policies."""
    [made] = form(**{"Cdn": "cloudfront", **given}).of_type(f"AWS::CloudFront::{kind}").values()
    return made[f"{kind}Config"]


def behaviors(**given):
    """The behavior of each path pattern, `*` for all other paths."""
    config = distribution(**given)
    return {"*": config["DefaultCacheBehavior"], **{each["PathPattern"]: each for each in config["CacheBehaviors"]}}


def known_parameters():
    """The query parameters of all GET routes in the OpenAPI document."""
    document = json.loads((ROOT / "shared/openapi.json").read_text())
    reads = [methods["get"] for methods in document["paths"].values() if "get" in methods]
    return {each["name"] for route in reads for each in route.get("parameters", []) if each["in"] == "query"}


# AWS's managed policies, whose ids are the same in all accounts.
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
ALL_VIEWER_EXCEPT_HOST_HEADER = "b689b0a8-53d0-40ab-baf2-68738e2966ac"


@pytest.mark.parametrize("redis", REDIS)
def test_without_a_cdn_there_are_no_cloudfront_resources(redis):
    for stage in STAGES:
        stack = form(redis, stage)
        assert not [each for each in stack.resources.values() if "CloudFront" in each["Type"]]
        assert all("EDGE_SECONDS" not in environment(stack, name) for name in FUNCTIONS)
        assert not [name for name in stack.outputs if name.startswith("Cdn")]
    assert form().parameters["Cdn"] == "none"


def test_with_a_cdn_edge_seconds_is_set_within_the_programs_limit():
    stack = form(Cdn="cloudfront")
    assert {environment(stack, name)["EDGE_SECONDS"] for name in FUNCTIONS} == {"60"}
    assert "const LONGEST_EDGE: u32 = 60;" in (ROOT / "shared/src/config.rs").read_text()


def test_the_smoke_test_calls_the_api_itself_even_with_a_cdn():
    api = "https://Api.execute-api.us-east-1.amazonaws.com"
    for given in ({}, {"Cdn": "cloudfront"}, CDN):
        assert form(**given).outputs["ApiUrl"] == api
    assert '"ApiUrl"' in (ROOT / "scripts/deploy").read_text()
    # CloudFront overwrites X-Cache, and the smoke test reads the functions' value.
    assert "X-Cache" in (ROOT / "scripts/smoke-test").read_text()


def test_the_cdn_has_its_own_outputs():
    hostname = "CdnDistribution.DomainName"
    outputs = form(Cdn="cloudfront").outputs
    assert (outputs["CdnUrl"], outputs["CdnHostname"]) == (f"https://{hostname}", hostname)
    outputs = form(**CDN).outputs
    assert (outputs["CdnUrl"], outputs["CdnHostname"]) == ("https://rooms.example.edu", hostname)


def test_a_custom_domain_has_a_certificate_and_tls_1_2_and_is_optional_like_the_web_acl():
    own = distribution(**CDN)
    assert own["Aliases"] == ["rooms.example.edu"]
    assert own["ViewerCertificate"] == {
        "AcmCertificateArn": CERTIFICATE,
        "SslSupportMethod": "sni-only",
        "MinimumProtocolVersion": "TLSv1.2_2021",
    }
    assert own["WebACLId"] == WEB_ACL
    bare = distribution()
    assert bare["ViewerCertificate"] == {"CloudFrontDefaultCertificate": True}
    assert not {"Aliases", "WebACLId", "Logging"} & bare.keys()


def test_the_cdn_redirects_to_https_and_supports_http_3_and_ipv6():
    config = distribution()
    assert config["Enabled"] and config["IPV6Enabled"]
    assert (config["HttpVersion"], config["PriceClass"]) == ("http2and3", "PriceClass_100")
    assert {each["ViewerProtocolPolicy"] for each in behaviors().values()} == {"redirect-to-https"}


def test_the_cdn_calls_the_api_over_https_and_waits_longer_than_api_gateway():
    [origin] = distribution()["Origins"]
    stack = form(Cdn="cloudfront")
    assert f"https://{origin['DomainName']}" == stack.outputs["ApiUrl"]
    custom = origin["CustomOriginConfig"]
    assert (custom["OriginProtocolPolicy"], custom["OriginSSLProtocols"]) == ("https-only", ["TLSv1.2"])
    # API Gateway times out after 30 s. CloudFront's default quota is 60 s.
    assert 30 < custom["OriginReadTimeout"] <= 60
    # The stage is $default, so the routes have no path prefix.
    assert "OriginPath" not in origin and api_stage(stack)["StageName"] == "$default"
    assert {each["TargetOriginId"] for each in behaviors().values()} == {origin["Id"]}


def test_reads_share_one_cache_behavior_and_refreshes_are_not_cached():
    every = behaviors()
    assert every.keys() == {"*", "/api/refresh", "/", "/app/"}
    assert every["*"]["AllowedMethods"] == ["GET", "HEAD", "OPTIONS"]
    refresh = every["/api/refresh"]
    assert {"POST", "OPTIONS"} <= set(refresh["AllowedMethods"])
    assert refresh["CachePolicyId"] == CACHING_DISABLED
    # It is the only route that is not a GET.
    assert [route for route in ROUTES if not route.startswith("GET ")] == ["POST /api/refresh"]


@pytest.mark.parametrize("path", ["/", "/app/"])
def test_redirects_to_the_page_are_not_cached_and_get_all_headers_and_parameters(path):
    behavior = behaviors()[path]
    # At the root, the response depends on Accept, which is not part of the cache key.
    assert behavior["CachePolicyId"] == CACHING_DISABLED
    assert behavior["OriginRequestPolicyId"] == ALL_VIEWER_EXCEPT_HOST_HEADER
    # The function would remove the page's own parameters.
    assert "FunctionAssociations" not in behavior
    assert behavior["AllowedMethods"] == ["GET", "HEAD", "OPTIONS"]
    assert behavior["ResponseHeadersPolicyId"] == "CdnResponseHeadersPolicy"


def test_head_is_cached_like_get_and_has_a_route():
    read = behaviors()["*"]
    assert read["CachedMethods"] == ["GET", "HEAD"]
    paths = api_body(form(Cdn="cloudfront"))["paths"]
    assert not [path for path, methods in paths.items() if "get" in methods and "head" not in methods]


def test_the_host_header_is_not_forwarded_to_the_api():
    # API Gateway responds with 403 to an unknown Host.
    every = behaviors()
    assert every["/api/refresh"]["OriginRequestPolicyId"] == ALL_VIEWER_EXCEPT_HOST_HEADER
    assert every["*"]["OriginRequestPolicyId"] == "CdnOriginRequestPolicy"
    headers = policy("OriginRequestPolicy")["HeadersConfig"]
    # `allViewer`, and `allExcept` other headers, would forward Host.
    assert headers["HeaderBehavior"] == "whitelist"
    assert "host" not in {header.lower() for header in headers["Headers"]}


def test_reads_depend_only_on_the_cache_key():
    forwarded = policy("OriginRequestPolicy")
    assert forwarded["CookiesConfig"] == {"CookieBehavior": "none"}
    assert forwarded["QueryStringsConfig"] == {"QueryStringBehavior": "none"}
    # These only affect the CORS headers, which CloudFront sets for each response.
    preflight = {"Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers"}
    assert set(forwarded["HeadersConfig"]["Headers"]) == preflight
    in_key = policy("CachePolicy")["ParametersInCacheKeyAndForwardedToOrigin"]
    assert in_key["CookiesConfig"] == {"CookieBehavior": "none"}
    assert in_key["HeadersConfig"] == {"HeaderBehavior": "none"}


def query_function():
    [made] = form(Cdn="cloudfront").of_type("AWS::CloudFront::Function").values()
    return made


def test_the_cache_key_has_exactly_the_parameters_that_the_api_knows():
    known = known_parameters()
    assert {"date", "building", "at", "seen"} <= known
    code = query_function()["FunctionCode"]
    [listed] = re.findall(r"const KNOWN = \[(.*?)\];", code, re.DOTALL)
    named = re.findall(r"'(\w+)'", listed)
    assert named == sorted(known), "KNOWN of CdnQuery must list the query parameters of the API, sorted"
    # The function runs before CloudFront computes the cache key, and only on reads.
    every = behaviors()
    assert every["*"]["FunctionAssociations"] == [
        {"EventType": "viewer-request", "FunctionARN": "CdnQuery.FunctionMetadata.FunctionARN"}
    ]
    assert "FunctionAssociations" not in every["/api/refresh"]
    assert query_function()["AutoPublish"]
    # A policy can list at most ten parameters: CloudFront's quota for an account.
    query = policy("CachePolicy")["ParametersInCacheKeyAndForwardedToOrigin"]["QueryStringsConfig"]
    assert query == {"QueryStringBehavior": "all"} and len(known) > 10


@pytest.mark.skipif(not shutil.which("node"), reason="needs Node.js to run the function")
@pytest.mark.parametrize(
    "given, kept",
    [
        ({}, {}),
        ({"utm_source": "mail"}, {}),
        ({"to": "11:00", "x": "1", "from": "10:00"}, {"from": "10:00", "to": "11:00"}),
        ({"seen": "2026-03-03T10%3A00%3A00"}, {"seen": "2026-03-03T10%3A00%3A00"}),
        ({"building": ["CAS", "CGS"]}, {"building": ["CAS", "CGS"]}),
        ({"q": ""}, {"q": ""}),
        ({"constructor": "1", "__proto__x": "1"}, {}),
    ],
    ids=str,
)
def test_the_cdn_removes_unknown_parameters_and_sorts_the_others(given, kept):
    def as_cloudfront_has_it(query):
        several = {
            name: [{"value": each} for each in value] for name, value in query.items() if isinstance(value, list)
        }
        return {
            name: {"value": value[0], "multiValue": several[name]} if name in several else {"value": value}
            for name, value in query.items()
        }

    event = {"request": {"method": "GET", "uri": "/api/buildings", "querystring": as_cloudfront_has_it(given)}}
    script = f"{query_function()['FunctionCode']}\nconsole.log(JSON.stringify(handler({json.dumps(event)})))"
    done = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True)
    expected = {**event["request"], "querystring": as_cloudfront_has_it(kept)}
    # Compared as text, because the order of the parameters matters.
    assert done.stdout.strip() == json.dumps(expected, separators=(",", ":"))


def test_the_cdn_adds_no_lifetime_and_caches_gzip_and_brotli_separately():
    config = policy("CachePolicy")
    assert (config["MinTTL"], config["DefaultTTL"], config["MaxTTL"]) == (0, 0, 86_400)
    in_key = config["ParametersInCacheKeyAndForwardedToOrigin"]
    assert in_key["EnableAcceptEncodingGzip"] and in_key["EnableAcceptEncodingBrotli"]
    assert all(each["Compress"] for each in behaviors().values())
    assert behaviors()["*"]["CachePolicyId"] == "CdnCachePolicy"


def test_errors_are_cached_for_a_second_at_most():
    # By default CloudFront caches a 5xx for ten seconds, despite no-store.
    errors = distribution()["CustomErrorResponses"]
    assert {each["ErrorCode"] for each in errors} == {400, 403, 404, 405, 414, 500, 501, 502, 503, 504}
    # CloudFront does not replace the response itself.
    assert all(each == {"ErrorCode": each["ErrorCode"], "ErrorCachingMinTTL": 1} for each in errors)


@pytest.mark.parametrize("origins", ["*", "https://rooms.example.edu", "https://a.edu,http://localhost:5173"])
def test_the_cdns_cors_headers_equal_the_apis_and_override_them(origins):
    given = {"Cdn": "cloudfront", "AllowedOrigins": origins}
    api = api_body(form(**given))["x-amazon-apigateway-cors"]
    cors = policy("ResponseHeadersPolicy", **given)["CorsConfig"]
    lists = {name: cors[f"Access{name}"]["Items"] for name in CORS_LISTS}
    assert lists == {name: api[member] for name, member in CORS_LISTS.items()}
    assert cors["AccessControlMaxAgeSec"] == api["maxAge"]
    assert cors["AccessControlAllowCredentials"] is api["allowCredentials"] is False
    # The cached response has the API's CORS headers for the origin of the first request.
    assert cors["OriginOverride"] is True
    # CDNs overwrite X-Cache, so pages read this.
    assert "cache-status" in cors["AccessControlExposeHeaders"]["Items"]
    assert {each["ResponseHeadersPolicyId"] for each in behaviors(**given).values()} == {"CdnResponseHeadersPolicy"}


CORS_LISTS = {
    "ControlAllowOrigins": "allowOrigins",
    "ControlAllowMethods": "allowMethods",
    "ControlAllowHeaders": "allowHeaders",
    "ControlExposeHeaders": "exposeHeaders",
}


def test_without_allowed_origins_the_cdn_sends_no_cors_headers():
    stack = form(Cdn="cloudfront", AllowedOrigins="")
    assert not stack.of_type("AWS::CloudFront::ResponseHeadersPolicy")
    assert all("ResponseHeadersPolicyId" not in each for each in behaviors(AllowedOrigins="").values())


def test_account_wide_names_contain_the_stack_and_the_region():
    stack = form(**CDN)
    prefix = f"{PSEUDO['AWS::StackName']}-{PSEUDO['AWS::Region']}-"
    policies = [policy(kind)["Name"] for kind in ("CachePolicy", "OriginRequestPolicy", "ResponseHeadersPolicy")]
    functions = [each["Name"] for each in stack.of_type("AWS::CloudFront::Function").values()]
    assert functions and all(name.startswith(prefix) for name in policies + functions)
    # A function's name fits even with the longest stack name and region.
    assert all(len(name.replace(prefix, "emptyclassroom-prod-ap-southeast-1-")) <= 64 for name in functions)


# ---- Events, alarms and the dashboard ------------------------------------------------------------------------------


def test_an_event_bus_is_created_only_if_configured():
    assert not form(EventBus="none").of_type("AWS::Events::EventBus")
    assert not form(EventBus="default").of_type("AWS::Events::EventBus")
    assert list(form(EventBus="own").of_type("AWS::Events::EventBus")) == ["Bus"]
    buses = [form(EventBus=bus).outputs.get("EventBusName") for bus in ("none", "default", "own")]
    assert buses == [None, "default", "Bus"]


# The functions' own metrics, read from their source.
MEASURED = dict(
    re.findall(
        r'\("([A-Z]\w+)", (?:"(\w+)", )?(?:rooms\()?self\.', (ROOT / "shared/src/outside/metrics.rs").read_text()
    )
)
[NAMESPACE] = re.findall(r'const NAMESPACE: &str = "(\w+)"', (ROOT / "shared/src/outside/metrics.rs").read_text())
[DIMENSION] = re.findall(r'dimensions: \[\["(\w+)"\]\]', (ROOT / "shared/src/outside/metrics.rs").read_text())
# The metrics of each namespace, and their possible dimensions.
KNOWN = {
    NAMESPACE: (set(MEASURED), {frozenset({DIMENSION})}),
    "AWS/Lambda": (
        {"Errors", "Throttles", "Duration"},
        {frozenset({"FunctionName"}), frozenset({"FunctionName", "Resource", "ExecutedVersion"})},
    ),
    "AWS/ApiGateway": ({"Count", "4xx", "5xx", "Latency"}, {frozenset({"ApiId"})}),
    # From a metric filter of the API's log. Each stack has its own namespace, because the metric has no dimension.
    f"{NAMESPACE}/{PSEUDO['AWS::StackName']}": ({"TooManyRequests"}, {frozenset()}),
    "AWS/SQS": ({"ApproximateNumberOfMessagesVisible"}, {frozenset({"QueueName"})}),
}


def assert_known(namespace, name, dimensions):
    names, ways = KNOWN[namespace]
    assert name in names, f"{namespace} has no {name}"
    assert frozenset(dimensions) in ways, f"{namespace} {name} does not have the dimensions {dimensions}"


def alarm_metrics(alarm):
    """Namespace, name, dimensions and period of each metric that an alarm watches."""
    if "Metrics" not in alarm:
        return [(alarm["Namespace"], alarm["MetricName"], alarm.get("Dimensions", []), alarm["Period"])]
    stats = [each["MetricStat"] for each in alarm["Metrics"] if "MetricStat" in each]
    return [
        (each["Metric"]["Namespace"], each["Metric"]["MetricName"], each["Metric"]["Dimensions"], each["Period"])
        for each in stats
    ]


def test_the_metrics_are_found_in_the_source():
    assert {"Hits", "Misses", "StaleAnswers", "DataAge", "SweepsPublished", "UpstreamTime"} <= MEASURED.keys()
    assert (NAMESPACE, DIMENSION) == ("EmptyClassroom", "FunctionName")


def test_alarms_watch_metrics_that_exist(stack):
    for name, alarm in stack.of_type("AWS::CloudWatch::Alarm").items():
        for namespace, metric, dimensions, period in alarm_metrics(alarm):
            assert_known(namespace, metric, [each["Name"] for each in dimensions])
            # CloudWatch's limits.
            assert period * alarm["EvaluationPeriods"] <= (86_400 if period < 3600 else 604_800), name
        for expression in (each for each in alarm.get("Metrics", []) if "Expression" in each):
            named = set(re.findall(r"\b[a-z]+\b", expression["Expression"]))
            assert named == {each["Id"] for each in alarm["Metrics"] if "MetricStat" in each}, name


def test_alarms_are_the_documented_ones_and_notify_the_topic(stack):
    alarms = {name for name, alarm in stack.of_type("AWS::CloudWatch::Alarm").items() if alarm.get("AlarmActions")}
    each = {f"{name}{what}" for name in FUNCTIONS for what in ("Errors", "Slow")}
    assert alarms == each | {
        "Throttles",
        "DeadLetters",
        "NoRefresh",
        "ApiErrors",
        "ManyRequests",
        "RoomsFailed",
        "TooManyRequests",
        "RedisSlow",
    }
    for name in alarms:
        assert stack.properties(name)["AlarmActions"] == ["AlarmTopic"]
    subscriptions = list(stack.of_type("AWS::SNS::Subscription").values())
    email = stack.parameters["AlarmEmail"]
    assert [each["Endpoint"] for each in subscriptions] == ([email] if email else [])


# Alarms that a single period triggers. A canary lasts only five minutes, a message stays in the queue until an operator
# deletes it, and the other two cover an hour or a day.
IMMEDIATE = {*(f"{name}Canary" for name in FUNCTIONS), "DeadLetters", "ManyRequests", "NoRefresh"}


def test_a_single_failure_triggers_no_alarm(stack):
    for name, alarm in stack.of_type("AWS::CloudWatch::Alarm").items():
        if name not in IMMEDIATE:
            assert alarm["EvaluationPeriods"] >= alarm["DatapointsToAlarm"] >= 2, name


def test_rooms_that_fail_on_two_days_trigger_an_alarm():
    alarm = form().properties("RoomsFailed")
    assert [(metric, dimensions) for _, metric, dimensions, _ in alarm_metrics(alarm)] == [
        ("RoomsFailed", [{"Name": "FunctionName", "Value": "Refresh"}])
    ]
    # The minimum of a day: one sweep in which every room responded prevents the alarm.
    assert (alarm["Statistic"], alarm["Period"], alarm["Threshold"]) == ("Minimum", 86400, 1)
    assert (alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"]) == (2, 2)


def test_a_slow_redis_triggers_an_alarm_far_below_its_timeout():
    alarm = form().properties("RedisSlow")
    assert [(metric, dimensions) for _, metric, dimensions, _ in alarm_metrics(alarm)] == [
        ("RedisTime", [{"Name": "FunctionName", "Value": "Read"}])
    ]
    # In milliseconds. REDIS_TIMEOUT is 5 s.
    assert alarm["ExtendedStatistic"] == "p90" and 100 <= alarm["Threshold"] <= 2500


def test_throttled_requests_trigger_an_alarm_and_the_cooldowns_429_does_not(stack):
    [filter] = stack.of_type("AWS::Logs::MetricFilter").values()
    assert filter["LogGroupName"] == "ApiLogs"
    assert filter["FilterPattern"] == '{ $.status = "429" && $.route != "POST /api/refresh" }'
    # The log has these fields, each quoted.
    line = json.loads(re.sub(r"\$context(\.\w+)+", "x", api_stage(stack)["AccessLogSettings"]["Format"]))
    assert {"status", "route"} <= line.keys()
    [made] = filter["MetricTransformations"]
    alarm = stack.properties("TooManyRequests")
    assert (made["MetricNamespace"], made["MetricName"]) == (alarm["Namespace"], alarm["MetricName"])
    assert (made["MetricValue"], alarm["Statistic"]) == ("1", "Sum")


def test_an_unusual_number_of_requests_triggers_an_alarm():
    alarm = form().properties("ManyRequests")
    assert [metric[:2] for metric in alarm_metrics(alarm)] == [("AWS/ApiGateway", "Count")]
    assert (alarm["Statistic"], alarm["Period"], alarm["Threshold"]) == ("Sum", 3600, "20000")
    assert form(AlarmRequestsPerHour="500").properties("ManyRequests")["Threshold"] == "500"
    # Throttling allows more on the readers' route alone. Otherwise nothing could trigger the alarm.
    assert throttling(form(), "GET /api/open-classrooms")[0] * 3600 > 20_000


def test_production_requires_an_alarm_address():
    given = {**FORMS["external-prod-bare"], "AlarmEmail": ""}
    with pytest.raises(Refused, match="ProductionHasAnAlarmAddress"):
        Stack(**given)


def test_a_budget_is_created_only_if_configured_and_notifies_the_alarm_address():
    assert not form(AlarmEmail="it@example.edu").of_type("AWS::Budgets::Budget")
    [budget] = form(MonthlyBudget="40", AlarmEmail="it@example.edu").of_type("AWS::Budgets::Budget").values()
    assert budget["Budget"] == {
        "BudgetName": PSEUDO["AWS::StackName"],
        "BudgetType": "COST",
        "TimeUnit": "MONTHLY",
        "BudgetLimit": {"Amount": "40", "Unit": "USD"},
    }
    notified = {
        (each["Notification"]["NotificationType"], each["Notification"]["Threshold"])
        for each in budget["NotificationsWithSubscribers"]
    }
    assert notified == {("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100)}
    for each in budget["NotificationsWithSubscribers"]:
        assert each["Notification"]["ComparisonOperator"] == "GREATER_THAN"
        assert each["Notification"]["ThresholdType"] == "PERCENTAGE"
        assert each["Subscribers"] == [{"SubscriptionType": "EMAIL", "Address": "it@example.edu"}]


def test_slow_alarms_are_near_the_timeout_and_above_the_longest_sweep(stack):
    for name in FUNCTIONS:
        alarm, timeout = stack.properties(f"{name}Slow"), stack.properties(name)["Timeout"]
        assert (alarm["MetricName"], alarm["ExtendedStatistic"]) == ("Duration", "p99")
        assert 0.85 * timeout * 1000 <= alarm["Threshold"] < timeout * 1000
    assert stack.properties("ReadSlow")["Threshold"] > 25_000
    assert stack.properties("RefreshSlow")["Threshold"] > 840_000


def test_a_day_without_a_sweep_or_without_data_triggers_an_alarm(stack):
    alarm = stack.properties("NoRefresh")
    watched = {(metric, dimensions[0]["Value"], period) for _, metric, dimensions, period in alarm_metrics(alarm)}
    assert watched == {("SweepsPublished", "Refresh", 3600), ("SweepsPublished", "Read", 3600)}
    [expression] = [each["Expression"] for each in alarm["Metrics"] if "Expression" in each]
    # + with a metric without data gives no data. So both metrics are filled, and SUM needs neither.
    assert re.fullmatch(r"SUM\(\[FILL\(\w+, 0\), FILL\(\w+, 0\)\]\)", expression)
    assert (alarm["EvaluationPeriods"], alarm["TreatMissingData"]) == (26, "breaching")
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 1)


def test_missing_data_trigger_no_other_alarm(stack):
    for name, alarm in stack.of_type("AWS::CloudWatch::Alarm").items():
        if name != "NoRefresh":
            assert alarm["TreatMissingData"] == "notBreaching", name
            assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold", name


def dashboard(stack):
    return json.loads(stack.properties("Dashboard")["DashboardBody"])["widgets"]


def test_the_dashboard_shows_only_existing_metrics_and_all_of_our_own(stack):
    shown = set()
    for widget in dashboard(stack):
        for namespace, metric, *dimensions, options in widget["properties"].get("metrics", []):
            assert_known(namespace, metric, dimensions[::2])
            assert set(dimensions[1::2]) <= {*FUNCTIONS, "Api"}
            assert options["label"]
            if namespace == NAMESPACE:
                shown.add(metric)
    assert shown == MEASURED.keys()


def test_the_dashboard_shows_every_alarm_that_notifies(stack):
    [alarms] = [widget["properties"]["alarms"] for widget in dashboard(stack) if widget["type"] == "alarm"]
    notifying = {name for name, alarm in stack.of_type("AWS::CloudWatch::Alarm").items() if alarm.get("AlarmActions")}
    assert set(alarms) == {f"{name}.Arn" for name in notifying}


def test_the_dashboards_widgets_do_not_overlap(stack):
    taken = set()
    for widget in dashboard(stack):
        across = range(widget["x"], widget["x"] + widget["width"])
        down = range(widget["y"], widget["y"] + widget["height"])
        cells = set(itertools.product(across, down))
        assert across.stop <= 24 and not cells & taken
        taken |= cells


# ---- Outputs, deletion and samconfig -------------------------------------------------------------------------------


def test_the_outputs_contain_what_an_operator_needs(stack):
    assert stack.outputs.keys() - {"EventBusName", "CacheEndpoint", "CdnUrl", "CdnHostname"} == {
        "ApiUrl",
        "ReadFunctionName",
        "RefreshFunctionName",
        "CooldownStatusFunctionName",
        "ScheduleName",
        "DashboardUrl",
        "AlarmTopicArn",
        "FailedRefreshesQueueUrl",
    }
    # Without a trailing slash, because clients append paths to it.
    assert stack.outputs["ApiUrl"] == "https://Api.execute-api.us-east-1.amazonaws.com"
    assert stack.outputs["ScheduleName"] in stack.of_type("AWS::Scheduler::Schedule")


def test_deleting_the_stack_deletes_all_resources(stack):
    for name, resource in stack.resources.items():
        # A function's versions are deleted with the function.
        if resource["Type"] != "AWS::Lambda::Version":
            assert resource.get("DeletionPolicy", "Delete") == "Delete", name


def test_two_stacks_can_share_an_account(stack):
    # Explicit names contain the stack's name.
    named = {"LogGroupName", "DashboardName", "LayerName", "ServerlessCacheName", "FunctionName", "RoleName", "Name"}
    kinds = {"AWS::Lambda::Function", "AWS::IAM::Role", "AWS::Logs::LogGroup", "AWS::CloudWatch::Dashboard"}
    kinds |= {"AWS::Lambda::LayerVersion", "AWS::ElastiCache::ServerlessCache", "AWS::Scheduler::Schedule"}
    kinds |= {"AWS::Events::EventBus", "AWS::SQS::Queue"}
    for name, resource in stack.resources.items():
        for key in named & resource["Properties"].keys() if resource["Type"] in kinds else ():
            assert PSEUDO["AWS::StackName"] in resource["Properties"][key], name


def test_samconfig_has_two_stacks_and_confirms_changes_of_prod():
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    for name, stage, asks in (("default", "dev", False), ("prod", "prod", True)):
        deploy = config[name]["deploy"]["parameters"]
        assert (deploy["stack_name"], deploy["confirm_changeset"]) == (f"emptyclassroom-{stage}", asks)
        assert f"Stage={stage}" in deploy["parameter_overrides"]
        assert deploy["resolve_s3"] and deploy["capabilities"] == "CAPABILITY_IAM"
        assert config[name]["validate"]["parameters"]["lint"]
        # SAM's cache would not see a change in shared/.
        assert config[name]["build"]["parameters"] == {"parallel": True}


# ---- Helpers of these tests ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "expression",
    [
        "cron(5 0 * * *)",
        "cron(5 0 * * * *)",
        "cron(5 0 ? * ? *)",
        "cron(60 0 * * ? *)",
        "cron(5 24 * * ? *)",
        "cron(5 0 0 * ? *)",
        "cron(5 0 * 13 ? *)",
        "cron(5 0 ? * 8 *)",
        "5 0 * * ? *",
    ],
)
def test_invalid_schedules_are_rejected(expression):
    with pytest.raises(ValueError):
        as_fields(expression)


@pytest.mark.parametrize(
    "expression", ["cron(0/15 0-23 ? JAN-DEC MON-FRI 2026)", "cron(5,35 0 L * ? *)", "cron(5 0 ? * 6L *)"]
)
def test_valid_schedules_are_accepted(expression):
    assert as_fields(expression)
