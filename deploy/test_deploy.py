"""Tests of scripts/deploy with fake `aws` and `sam` commands that record their arguments."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

from test_smoke import HEALTHY, Service

DEPLOY = pathlib.Path(__file__).parent.parent / "scripts" / "deploy"
# Prints a file of the current folder, or the error if that file does not exist.
AWS = """#!/bin/sh
case "$2" in
describe-stacks) cat stack.json ;;
get-template) cat template.json ;;
esac 2>/dev/null || { cat error >&2; exit 254; }
"""
# Creates a stack with a URL, and records the arguments and the template.
SAM = """#!/bin/sh
n=$(ls | grep -c deployed-)
for argument; do echo "$argument"; done >"deployed-$n"
while [ "$1" != --template-file ]; do shift; done
cp "$2" "template-$n"
cp after.json stack.json
"""
# ELF's machine numbers.
X86_64, ARM64 = 62, 183
PREVIOUS = {
    "StackStatus": "UPDATE_COMPLETE",
    "Parameters": [
        {"ParameterKey": "Stage", "ParameterValue": "dev"},
        {"ParameterKey": "ScheduleExpression", "ParameterValue": "cron(5 4 * * ? *)"},
        {"ParameterKey": "AlarmEmail", "ParameterValue": ""},
    ],
}


class Deployment:
    """A temporary repository with `scripts/deploy`, and a fake AWS account in the same folder."""

    def __init__(self, test, url, previous=None, error="Stack with id emptyclassroom-dev does not exist"):
        folder = tempfile.TemporaryDirectory()
        test.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        for path in ("scripts", ".aws-sam/build/Read", ".venv/bin"):
            (self.root / path).mkdir(parents=True)
        for name in ("deploy", "smoke-test"):
            (self.root / "scripts" / name).write_text((DEPLOY.parent / name).read_text())
            (self.root / "scripts" / name).chmod(0o755)
        for name, text in (("aws", AWS), ("sam", SAM)):
            (self.root / ".venv/bin" / name).write_text(text)
            (self.root / ".venv/bin" / name).chmod(0o755)
        (self.root / ".aws-sam/build/template.yaml").write_text("new: template\n")
        self.built_for(ARM64)
        (self.root / "error").write_text(error)
        outputs = [{"OutputKey": "DashboardUrl", "OutputValue": "x"}, {"OutputKey": "ApiUrl", "OutputValue": url}]
        self.write("after.json", {"Stacks": [{"StackStatus": "UPDATE_COMPLETE", "Outputs": outputs}]})
        if previous:
            self.write("stack.json", {"Stacks": [previous]})
            self.write("template.json", {"TemplateBody": "previous: template\n"})

    def built_for(self, processor):
        (self.root / ".aws-sam/build/Read/bootstrap").write_bytes(b"\x7fELF".ljust(18, b"\0") + bytes([processor, 0]))

    def write(self, name, content):
        (self.root / name).write_text(json.dumps(content))

    def run(self, stage="dev", parameters="", **variables):
        environment = {**os.environ, "SMOKE_TEST_SECONDS": "0", "PARAMETERS": parameters, **variables}
        command = [self.root / "scripts" / "deploy", stage]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)

    def arguments(self, number=0):
        return (self.root / f"deployed-{number}").read_text().splitlines()

    def parameters(self, number=0):
        arguments = self.arguments(number)
        return arguments[arguments.index("--parameter-overrides") + 1 :]

    def templates(self):
        return [path.read_text().strip() for path in sorted(self.root.glob("template-*"))]


UNHEALTHY = {**HEALTHY, "/": (200, None, "Goodbye World")}


class DeployTest(unittest.TestCase):
    def test_the_build_is_deployed_with_the_parameters_and_passes_the_smoke_test(self):
        with Service(HEALTHY) as service:
            deployment = Deployment(self, service.url, PREVIOUS)
            parameters = '\n# a remark\r\nApiUrl=https://x/y\r\nScheduleExpression="cron(5 4 * * ? *)"\n'
            run = deployment.run(parameters=parameters)
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        self.assertIn(f"emptyclassroom-dev is deployed at {service.url}", run.stdout)
        self.assertEqual(deployment.templates(), ["new: template"])
        given = ["ApiUrl=https://x/y", 'ScheduleExpression="cron(5 4 * * ? *)"']
        expected = [*given, "Stage=dev", "Architecture=arm64"]
        self.assertEqual(deployment.parameters(), expected)
        self.assertIn("--no-confirm-changeset", deployment.arguments())
        self.assertNotIn("--role-arn", deployment.arguments())

    def test_with_a_cdn_the_smoke_test_calls_the_api_and_the_cdn_url_is_printed(self):
        with Service(HEALTHY) as service:
            deployment = Deployment(self, service.url, PREVIOUS)
            without = deployment.run()
            after = json.loads((deployment.root / "after.json").read_text())
            # Nothing listens on this port.
            after["Stacks"][0]["Outputs"].append({"OutputKey": "CdnUrl", "OutputValue": "http://127.0.0.1:9"})
            deployment.write("after.json", after)
            run = deployment.run()
        self.assertEqual((without.returncode, run.returncode, run.stderr), (0, 0, ""))
        self.assertIn("and through CloudFront at http://127.0.0.1:9\n", run.stdout)
        self.assertNotIn("CloudFront", without.stdout)

    def test_prod_uses_its_own_samconfig_environment_and_the_cloudformation_role(self):
        with Service(HEALTHY) as service:
            deployment = Deployment(self, service.url)
            run = deployment.run("prod", CLOUDFORMATION_ROLE_ARN="arn:aws:iam::123456789012:role/x")
        self.assertEqual((run.returncode, deployment.parameters()), (0, ["Stage=prod", "Architecture=arm64"]))
        arguments = deployment.arguments()
        self.assertEqual(arguments[arguments.index("--config-env") + 1], "prod")
        self.assertEqual(arguments[arguments.index("--role-arn") + 1], "arn:aws:iam::123456789012:role/x")

    def test_the_architecture_is_that_of_the_build(self):
        with Service(HEALTHY) as service:
            deployment = Deployment(self, service.url)
            deployment.built_for(X86_64)
            run = deployment.run(parameters="Architecture=arm64")
        # SAM uses the last of two values.
        self.assertEqual((run.returncode, deployment.parameters()[-1]), (0, "Architecture=x86_64"))
        deployment.built_for(0)
        self.assertIn("neither x86_64 nor arm64", deployment.run().stderr)

    def test_an_unhealthy_version_is_rolled_back_to_the_previous_one(self):
        # The smoke test stops at the first wrong response, so it sends only one request to the new version.
        with Service(HEALTHY, unhealthy_for=1) as service:
            deployment = Deployment(self, service.url, PREVIOUS)
            run = deployment.run(parameters="ApiUrl=https://x/y")
        self.assertEqual(run.returncode, 1)
        self.assertEqual(deployment.templates(), ["new: template", "previous: template"])
        expected = ['Stage="dev"', 'ScheduleExpression="cron(5 4 * * ? *)"', 'AlarmEmail=""']
        self.assertEqual(deployment.parameters(1), expected)
        self.assertIn("is rolled back and healthy: the new version is the cause", run.stderr)

    def test_a_service_that_is_unhealthy_even_after_the_rollback_is_reported(self):
        with Service(UNHEALTHY) as service:
            run = Deployment(self, service.url, PREVIOUS).run()
        self.assertEqual(run.returncode, 1)
        self.assertIn("still fails the smoke test: the new version is not the cause", run.stderr)

    def test_an_unhealthy_first_deployment_is_not_rolled_back(self):
        for previous in (None, {**PREVIOUS, "StackStatus": "ROLLBACK_COMPLETE"}):
            with self.subTest(previous=previous), Service(UNHEALTHY) as service:
                deployment = Deployment(self, service.url, previous)
                run = deployment.run()
                self.assertEqual((run.returncode, deployment.templates()), (1, ["new: template"]))
                self.assertIn("there is no previous version to roll back to", run.stderr)

    def test_nothing_is_deployed_if_the_previous_version_cannot_be_saved(self):
        deployment = Deployment(self, "http://127.0.0.1:9", error="An error occurred (AccessDenied)")
        run = deployment.run()
        self.assertEqual((run.returncode, deployment.templates()), (1, []))
        self.assertIn("AccessDenied", run.stderr)
        deployment = Deployment(self, "http://127.0.0.1:9", PREVIOUS)
        (deployment.root / "template.json").unlink()
        self.assertEqual((deployment.run().returncode != 0, deployment.templates()), (True, []))

    def test_a_missing_build_or_an_unknown_stage_is_reported(self):
        deployment = Deployment(self, "http://127.0.0.1:9")
        self.assertIn("usage: scripts/deploy dev|prod", deployment.run("production").stderr)
        (deployment.root / ".aws-sam/build/template.yaml").unlink()
        self.assertIn("run `sam build` first", deployment.run().stderr)


if __name__ == "__main__":
    unittest.main()
