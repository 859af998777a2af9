"""Tests of deploy/github.yaml: who can assume GitHub's roles, and whether their permissions fit the template."""

import fnmatch
import functools
import json
import re
from pathlib import Path

import boto3
import cfnlint
import pytest
import servers
from cfnlint.data import AdditionalSpecs
from cfnlint.helpers import load_resource
from samtranslator.yaml_helper import yaml_parse
from test_template import FORMS, form
from translation import PSEUDO, ROOT

TEMPLATE = yaml_parse((ROOT / "deploy/github.yaml").read_text())
# AWS's reference of actions, with the resource types that each supports.
KNOWN = load_resource(AdditionalSpecs, "Policies.json")


def statements(role):
    [policy] = TEMPLATE["Resources"][role]["Properties"]["Policies"]
    return policy["PolicyDocument"]["Statement"]


def as_list(value):
    return value if isinstance(value, list) else [value]


def arns(statement):
    """The resources of a statement, for the stack of the template's tests."""
    known = {**PSEUDO, "StackName": PSEUDO["AWS::StackName"]}
    texts = [each["Fn::Sub"] if isinstance(each, dict) else each for each in as_list(statement["Resource"])]
    return [re.sub(r"\$\{([^}]+)\}", lambda match: known[match[1]], text) for text in texts]


def matches(pattern, text):
    return fnmatch.fnmatchcase(text.lower(), pattern.lower())


# ---- One account per stage -----------------------------------------------------------------------------------------


def test_an_account_accepts_the_roles_of_only_one_stage(tmp_path):
    # Permissions for APIs and networks cannot be limited to a stack, so a stage's role reaches the whole account.
    with servers.moto(tmp_path / "log") as url:
        cloudformation = boto3.client("cloudformation", endpoint_url=url)

        def deploy(stage, environment):
            given = {
                "Repository": "octocat/rooms",
                "Environment": environment,
                "StackName": f"emptyclassroom-{stage}",
                "Provider": "exists",
            }
            cloudformation.create_stack(
                StackName=f"emptyclassroom-{stage}-github",
                TemplateBody=json.dumps({key: value for key, value in TEMPLATE.items() if key != "Rules"}),
                Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in given.items()],
                Capabilities=["CAPABILITY_NAMED_IAM"],
            )

        deploy("dev", "development")
        with pytest.raises(Exception, match="emptyclassroom-github"):
            deploy("prod", "production")
        roles = boto3.client("iam", endpoint_url=url).list_roles()["Roles"]
        assert [each["RoleName"] for each in roles if each["RoleName"] == "emptyclassroom-github"]


# ---- Who can assume the role ---------------------------------------------------------------------------------------


def test_only_jobs_of_the_environment_can_assume_the_role():
    [statement] = TEMPLATE["Resources"]["DeployRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    # StringEquals: no part of the subject is a pattern.
    [(test, wanted)] = statement["Condition"].items()
    issuer = "token.actions.githubusercontent.com"
    subject = {"Fn::Sub": "repo:${Repository}:environment:${Environment}"}
    assert (test, wanted) == ("StringEquals", {f"{issuer}:aud": "sts.amazonaws.com", f"{issuer}:sub": subject})


@pytest.mark.parametrize(
    "repository, accepted",
    [
        ("octocat/rooms", True),
        ("octocat@583231/rooms@1296269", True),
        ("octocat@583231/rooms", False),
        ("octocat/rooms@1296269", False),
        ("octocat@*/rooms@*", False),
        ("octocat", False),
    ],
)
def test_a_repository_has_the_form_of_githubs_token(repository, accepted):
    pattern = TEMPLATE["Parameters"]["Repository"]["AllowedPattern"]
    assert bool(re.fullmatch(pattern, repository)) == accepted


@pytest.mark.parametrize("role", ["DeployRole", "CloudFormationRole"])
def test_each_action_exists_and_has_a_resource_that_it_supports(role):
    checked = 0
    for statement in statements(role):
        for action in as_list(statement["Action"]):
            service, name = action.split(":")
            if name.endswith("*"):
                continue
            known = KNOWN[service]["Actions"]
            assert name.lower() in known, action
            # A statement with a resource never allows an action that supports none.
            assert statement["Resource"] == "*" or known[name.lower()].get("Resources"), action
            checked += 1
    assert checked > 10


# ---- Permissions of CloudFormation ---------------------------------------------------------------------------------


@functools.cache
def handlers():
    """The actions that CloudFormation's handlers call for each resource type, except for the unused list handlers."""
    schemas = {}
    for file in (Path(cfnlint.__file__).parent / "data/schemas/resources").glob("*.json"):
        schema = json.loads(file.read_text())
        schemas[schema["typeName"]] = schema.get("handlers", {})
    return {
        kind: {action for name, each in found.items() if name != "list" for action in each["permissions"]}
        for kind, found in schemas.items()
    }


# Handlers list what any template could need. These actions are for properties that template.yaml does not use.
UNUSED = {
    "customer-managed keys": {"kms:*"},
    "IPv6, VPNs, tenancy, encryption between instances": {
        "ec2:AssociateSubnetCidrBlock",
        "ec2:AttachVpnGateway",
        "ec2:CreateVpcEncryptionControl",
        "ec2:DetachVpnGateway",
        "ec2:DisassociateSubnetCidrBlock",
        "ec2:ModifyVpcTenancy",
    },
    "a NAT gateway with more than one address, an address of another account": {
        "ec2:AcceptAddressTransfer",
        "ec2:AssignPrivateNatGatewayAddress",
        "ec2:AssociateNatGatewayAddress",
        "ec2:DisassociateNatGatewayAddress",
        "ec2:UnassignPrivateNatGatewayAddress",
    },
    "policies of users and groups, boundaries of roles": {
        "iam:AttachGroupPolicy",
        "iam:AttachUserPolicy",
        "iam:DeleteRolePermissionsBoundary",
        "iam:DetachGroupPolicy",
        "iam:DetachUserPolicy",
        "iam:PutRolePermissionsBoundary",
    },
    "file systems, signed code, capacity providers": {
        "elasticfilesystem:DescribeMountTargets",
        "lambda:GetCodeSigningConfig",
        "lambda:PassCapacityProvider",
        "s3files:ListMountTargets",
    },
    "log groups with indexes, policies or deliveries": {
        "firehose:TagDeliveryStream",
        "logs:DeleteIndexPolicy",
        "logs:DeleteResourcePolicy",
        "logs:PutIndexPolicy",
    },
    "distributions with tenants, VPC origins or a staging distribution": {
        "cloudfront:CreateConnectionGroup",
        "cloudfront:GetConnectionGroup",
        "cloudfront:GetVpcOrigin",
        "cloudfront:UpdateDistributionWithStagingConfig",
    },
    "on-premises machines": {"codedeploy:RegisterOnPremisesInstance"},
    # API Gateway's real actions are HTTP methods.
    "actions that do not exist in policies": {
        "apigateway:TagResource",
        "apigateway:UntagResource",
        "cloudfront:CreateDistributionWithTags",
        "kms:ReEncrypt",
        "lambda:AssociateRuntimeAlias",
        "s3:REST.PUT.OBJECT",
    },
}


def fits(action, arn):
    """Whether an action supports this resource."""
    service, name = action.split(":")
    known = KNOWN[service]
    formats = [
        format
        for kind in known["Actions"][name.lower()].get("Resources", [])
        for format in known["Resources"][kind.lower()]["ARNFormats"]
    ]
    patterns = [re.sub(r"\$\{\w+\}", "[^:]*", format) for format in formats]
    return any(re.fullmatch(pattern, arn.replace("*", "x")) for pattern in patterns)


def is_allowed(action):
    return any(
        matches(pattern, action) and (arn == "*" or fits(action, arn))
        for statement in statements("CloudFormationRole")
        for pattern in as_list(statement["Action"])
        for arn in arns(statement)
    )


def test_cloudformation_has_the_permissions_for_each_resource_of_the_template():
    kinds = {resource["Type"] for name in FORMS for resource in form(*name.split("-")).translated["Resources"].values()}
    called = {kind: handlers()[kind] for kind in kinds}
    assert len(called) > 25 and all(called.values())
    unused = {pattern for patterns in UNUSED.values() for pattern in patterns}
    refused = {
        (kind, action)
        for kind, actions in called.items()
        for action in actions
        if not any(matches(pattern, action) for pattern in unused) and not is_allowed(action)
    }
    assert not refused
    # Each unused pattern must match an action.
    every = {action for actions in called.values() for action in actions}
    for pattern in unused:
        assert any(matches(pattern, action) for action in every), pattern


def test_cloudformation_may_create_resources_with_explicit_names():
    region, account = PSEUDO["AWS::Region"], PSEUDO["AWS::AccountId"]
    stack = form("elasticache", "prod", "all")
    named = [
        *(
            ("lambda:CreateFunction", f"arn:aws:lambda:{region}:{account}:function:{each['FunctionName']}")
            for each in stack.of_type("AWS::Lambda::Function").values()
            if "FunctionName" in each
        ),
        *(
            ("logs:CreateLogGroup", f"arn:aws:logs:{region}:{account}:log-group:{each['LogGroupName']}:x")
            for each in stack.of_type("AWS::Logs::LogGroup").values()
        ),
        *(
            ("budgets:ModifyBudget", f"arn:aws:budgets::{account}:budget/{each['Budget']['BudgetName']}")
            for each in stack.of_type("AWS::Budgets::Budget").values()
        ),
        *(
            ("events:CreateEventBus", f"arn:aws:events:{region}:{account}:event-bus/{each['Name']}")
            for each in stack.of_type("AWS::Events::EventBus").values()
        ),
        *(
            ("cloudfront:UpdateFunction", f"arn:aws:cloudfront::{account}:function/{each['Name']}")
            for each in stack.of_type("AWS::CloudFront::Function").values()
        ),
    ]
    assert len(named) == 9
    for action, arn in named:
        assert any(
            matches(pattern, action) and any(matches(allowed, arn) for allowed in arns(statement))
            for statement in statements("CloudFormationRole")
            for pattern in as_list(statement["Action"])
        ), arn


def test_cloudformation_may_manage_only_the_cloudfront_resources_of_the_template():
    kinds = {"cache-policy", "distribution", "function", "origin-request-policy", "response-headers-policy"}
    made = {
        resource["Type"].split("::")[2]
        for resource in form("external", "prod", "all").resources.values()
        if resource["Type"].startswith("AWS::CloudFront::")
    }
    assert {re.sub(r"(?<!^)(?=[A-Z])", "-", kind).lower() for kind in made} == kinds
    reached = {
        arn.split(":")[5].split("/")[0]
        for statement in statements("CloudFormationRole")
        for arn in arns(statement)
        if arn.startswith("arn:aws:cloudfront:")
    }
    assert reached == kinds
    everywhere = {
        action
        for statement in statements("CloudFormationRole")
        if statement["Resource"] == "*"
        for action in as_list(statement["Action"])
        if action.startswith("cloudfront:")
    }
    # Only actions that support no resource.
    assert everywhere and all(not KNOWN["cloudfront"]["Actions"][each.split(":")[1].lower()] for each in everywhere)
    assert all(each.startswith("cloudfront:Create") for each in everywhere)
    # A function runs code at the edge, so the role reaches only those of the stack.
    [functions] = [
        arn for each in statements("CloudFormationRole") for arn in arns(each) if ":function/" in arn and "front" in arn
    ]
    assert functions == f"arn:aws:cloudfront::123456789012:function/{PSEUDO['AWS::StackName']}-*"
    assert not is_allowed("wafv2:UpdateWebACL")


def test_a_canceled_update_may_stop_its_canary():
    assert is_allowed("codedeploy:StopDeployment")
