"""template.yaml as AWS reads it: the parameters' rules, SAM's transform, CloudFormation's conditions and functions.

A value that only AWS knows, such as the name of a resource, is replaced by a text that identifies the resource.
"""

import hashlib
import json
import re
from pathlib import Path

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).resolve().parent.parent
PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::StackName": "emptyclassroom-test",
    "AWS::URLSuffix": "amazonaws.com",
}
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:"
API_URL = "https://25live.example.edu/25live/data/example/run/availability/availabilitydata.json"
NO_VALUE = object()


class Refused(Exception):
    """CloudFormation would reject these parameters."""


class ManagedPolicies:
    """The ARNs of managed policies by name, which the transform otherwise requests from IAM."""

    def load(self):
        return {"AWSCodeDeployRoleForLambda": "arn:aws:iam::aws:policy/service-role/AWSCodeDeployRoleForLambda"}


def source():
    return yaml_parse((ROOT / "template.yaml").read_text())


def packaged(template):
    """The template with S3 locations where `sam package` would put them."""
    for resource in template["Resources"].values():
        for uri in {"CodeUri", "ContentUri"} & resource.get("Properties", {}).keys():
            resource["Properties"][uri] = f"s3://artifacts/{resource['Properties'][uri]}"
        if resource["Type"] == "AWS::Lambda::Function":
            resource["Properties"]["Code"] = {"S3Bucket": "artifacts", "S3Key": resource["Properties"]["Code"]}
    return template


def parameters(template, given):
    """The given parameters and the defaults of the others, as strings. Raises Refused if CloudFormation would."""
    unknown = given.keys() - template["Parameters"].keys()
    if unknown:
        raise Refused(f"unknown parameters: {unknown}")
    values = {}
    for name, declared in template["Parameters"].items():
        value = given.get(name, declared.get("Default"))
        if value is None:
            raise Refused(f"{name} has no value")
        values[name] = value = str(value)
        allowed = declared.get("AllowedValues")
        if allowed and value not in map(str, allowed):
            raise Refused(f"{name} is `{value}`; expected one of {allowed}")
        if not re.fullmatch(declared.get("AllowedPattern", ".*"), value):
            raise Refused(f"{name} does not match its pattern")
        if len(value) > declared.get("MaxLength", 4096):
            raise Refused(f"{name} is too long")
        if declared["Type"] == "Number":
            least, most = declared.get("MinValue", -1e9), declared.get("MaxValue", 1e9)
            if not least <= float(value) <= most:
                raise Refused(f"{name} is {value}; expected a number from {least} to {most}")
    scope = Scope({"Conditions": template["Conditions"]}, values)
    for name, rule in template["Rules"].items():
        if scope.holds(rule["RuleCondition"]) and not all(scope.holds(each["Assert"]) for each in rule["Assertions"]):
            raise Refused(name)
    return values


def translate(given, template=None):
    """The template after SAM's transform, and the parameters' values."""
    template = template or packaged(source())
    values = parameters(template, given)
    return transform(template, values, ManagedPolicies()), values


class Scope:
    """Evaluates conditions and functions over given parameters."""

    def __init__(self, template, values):
        self.template = template
        self.values = values

    def holds(self, condition):
        if isinstance(condition, str):
            return self.holds(self.template["Conditions"][condition])
        [(function, argument)] = condition.items()
        match function:
            case "Condition":
                return self.holds(argument)
            case "Fn::Equals":
                one, other = map(self.value, argument)
                return str(one) == str(other)
            case "Fn::Not":
                return not self.holds(argument[0])
            case "Fn::And":
                return all(map(self.holds, argument))
            case "Fn::Or":
                return any(map(self.holds, argument))
        raise AssertionError(f"unknown condition: {condition}")

    def holds_for(self, entry):
        """Whether a resource or an output exists."""
        return "Condition" not in entry or self.holds(entry["Condition"])

    def exists(self, name):
        return name in self.template["Resources"] and self.holds_for(self.template["Resources"][name])

    def value(self, node):
        if isinstance(node, list):
            return [value for value in map(self.value, node) if value is not NO_VALUE]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            [(function, argument)] = node.items()
            if function == "Ref" or function.startswith("Fn::"):
                return self.call(function, argument)
        values = {key: self.value(value) for key, value in node.items()}
        return {key: value for key, value in values.items() if value is not NO_VALUE}

    def call(self, function, argument):
        match function:
            case "Ref":
                return self.ref(argument)
            case "Fn::GetAtt":
                return self.attribute(*(argument.split(".", 1) if isinstance(argument, str) else argument))
            case "Fn::If":
                return self.value(argument[1 if self.holds(argument[0]) else 2])
            case "Fn::Sub":
                return self.substitute(*(argument if isinstance(argument, list) else [argument, {}]))
            case "Fn::Join":
                return argument[0].join(self.value(argument[1]))
            case "Fn::Split":
                return self.value(argument[1]).split(argument[0])
            case "Fn::Select":
                return self.value(argument[1])[int(argument[0])]
            case "Fn::GetAZs":
                return [PSEUDO["AWS::Region"] + zone for zone in "abc"]
        raise AssertionError(f"unknown function: {function}")

    def ref(self, name):
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self.values:
            return self.values[name]
        assert self.exists(name), f"{name} is referenced, but does not exist"
        if self.template["Resources"][name]["Type"] == "AWS::Lambda::LayerVersion":
            return f"arn:aws:lambda:us-east-1:123456789012:layer:campus:{self.number(name)}"
        return name

    def attribute(self, name, attribute):
        assert self.exists(name), f"{name}.{attribute} is referenced, but {name} does not exist"
        return f"{name}.{attribute}"

    def number(self, name):
        """A number that changes with the name and the properties of a resource, as if CloudFormation replaced it."""
        identity = name + json.dumps(self.value(self.template["Resources"][name]["Properties"]), sort_keys=True)
        return int(hashlib.sha256(identity.encode()).hexdigest(), 16) % 10**5

    def substitute(self, text, own):
        own = self.value(own)

        def one(match):
            name = match[1]
            if name.startswith("!"):
                return f"${{{name[1:]}}}"
            if name in own:
                return str(own[name])
            return str(self.attribute(*name.split(".", 1)) if "." in name else self.ref(name))

        return re.sub(r"\$\{([^}]+)\}", one, text)


class Stack:
    """The stack that CloudFormation would create with these parameters."""

    def __init__(self, **given):
        self.translated, self.parameters = translate(given)
        self.scope = Scope(self.translated, self.parameters)
        self.resources = {
            name: {**self.scope.value(resource), "Properties": self.scope.value(resource.get("Properties", {}))}
            for name, resource in self.translated["Resources"].items()
            if self.scope.exists(name)
        }
        self.outputs = {
            name: self.scope.value(output["Value"])
            for name, output in self.translated["Outputs"].items()
            if self.scope.holds_for(output)
        }

    def of_type(self, resource_type):
        """Names and properties of all resources of a type."""
        return {
            name: resource["Properties"]
            for name, resource in self.resources.items()
            if resource["Type"] == resource_type
        }

    def properties(self, name):
        return self.resources[name]["Properties"]


def decided(translated, values):
    """The translated template with its conditions decided, and its references left as they are.

    For moto, which puts null into a list where CloudFormation omits the element.
    """
    scope = Scope(translated, values)

    def walk(node):
        if isinstance(node, list):
            return [value for value in map(walk, node) if value is not NO_VALUE]
        if not isinstance(node, dict):
            return node
        if node == {"Ref": "AWS::NoValue"}:
            return NO_VALUE
        if node.keys() == {"Fn::If"}:
            condition, then, otherwise = node["Fn::If"]
            return walk(then if scope.holds(condition) else otherwise)
        values = {key: walk(value) for key, value in node.items()}
        return {key: value for key, value in values.items() if value is not NO_VALUE}

    def section(entries):
        kept = {name: entry for name, entry in entries.items() if scope.holds_for(entry)}
        return {
            name: {key: walk(value) for key, value in entry.items() if key != "Condition"}
            for name, entry in kept.items()
        }

    sections = {key: section(translated[key]) for key in ("Resources", "Outputs")}
    return {**{key: translated[key] for key in ("AWSTemplateFormatVersion", "Parameters")}, **sections}
