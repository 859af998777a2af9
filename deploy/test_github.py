"""deploy/github.yaml: who may take the roles in which GitHub deploys, and whether they fit what they deploy."""

import re

import pytest
from cfnlint.data import AdditionalSpecs
from cfnlint.helpers import load_resource
from samtranslator.yaml_helper import yaml_parse
from translation import ROOT

TEMPLATE = yaml_parse((ROOT / "deploy/github.yaml").read_text())
# What AWS itself tells of each action: the kinds of things to which a policy can bind it.
KNOWN = load_resource(AdditionalSpecs, "Policies.json")


def statements(role):
    [policy] = TEMPLATE["Resources"][role]["Properties"]["Policies"]
    return policy["PolicyDocument"]["Statement"]


def as_list(value):
    return value if isinstance(value, list) else [value]


def test_only_jobs_of_the_environment_take_the_role():
    [statement] = TEMPLATE["Resources"]["DeployRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    # StringEquals: no part of the subject is a pattern.
    [(test, wanted)] = statement["Condition"].items()
    issuer = "token.actions.githubusercontent.com"
    subject = {"Fn::Sub": "repo:${Repository}:environment:${Environment}"}
    assert (test, wanted) == ("StringEquals", {f"{issuer}:aud": "sts.amazonaws.com", f"{issuer}:sub": subject})


@pytest.mark.parametrize(
    "repository, taken",
    [
        ("octocat/rooms", True),
        ("octocat@583231/rooms@1296269", True),
        ("octocat@583231/rooms", False),
        ("octocat/rooms@1296269", False),
        ("octocat@*/rooms@*", False),
        ("octocat", False),
    ],
)
def test_a_repository_is_named_as_github_signs_for_it(repository, taken):
    pattern = TEMPLATE["Parameters"]["Repository"]["AllowedPattern"]
    assert bool(re.fullmatch(pattern, repository)) == taken


@pytest.mark.parametrize("role", ["DeployRole", "CloudFormationRole"])
def test_each_action_exists_and_is_bound_to_what_it_can_be_bound_to(role):
    checked = 0
    for statement in statements(role):
        for action in as_list(statement["Action"]):
            service, name = action.split(":")
            if name.endswith("*"):
                continue
            known = KNOWN[service]["Actions"]
            assert name.lower() in known, action
            # An action that AWS binds to nothing is never allowed by a statement that names something.
            assert statement["Resource"] == "*" or known[name.lower()].get("Resources"), action
            checked += 1
    assert checked > 10


def test_what_cloudformation_does_and_aws_binds_to_no_name_is_allowed():
    nameless = [each for each in statements("CloudFormationRole") if each["Resource"] == "*"]
    allowed = {action for each in nameless for action in as_list(each["Action"])}
    needed = {"logs:DescribeLogGroups", "logs:DescribeIndexPolicies", "codedeploy:StopDeployment"}
    assert needed <= allowed
    for action in needed:
        service, name = action.split(":")
        assert not KNOWN[service]["Actions"][name.lower()].get("Resources"), action
