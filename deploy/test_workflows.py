"""Tests of .github/ and of the locked tools: what each job installs, from where, and the checks for advisories."""

import json
import re
import subprocess
import tomllib

import pytest
from samtranslator.yaml_helper import yaml_parse
from translation import ROOT

FILES = sorted((ROOT / ".github/workflows").glob("*.yml"))
WORKFLOWS = {file.stem: yaml_parse(file.read_text()) for file in FILES}
JOBS = {
    f"{workflow}/{name}": {"permissions": parsed.get("permissions", {}), **job}
    for workflow, parsed in WORKFLOWS.items()
    for name, job in parsed["jobs"].items()
}
# The first version of each action that runs on Node.js 24. GitHub's runners dropped Node.js 20 in September 2026.
ON_NODE_24 = {
    "actions/attest-build-provenance": (3, 0),
    "actions/checkout": (5, 0),
    "actions/download-artifact": (7, 0),
    "actions/upload-artifact": (6, 0),
    "aws-actions/configure-aws-credentials": (6, 0),
    "Swatinem/rust-cache": (2, 9),
}


def entries(name):
    """The entries of a lock file, each with its version and its hashes."""
    text = re.sub(r"\\\n\s*", " ", (ROOT / f"deploy/{name}.txt").read_text())
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def versions(name):
    return {entry.split(" --hash")[0].strip() for entry in entries(name)}


# ---- Tools ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["requirements", "sam"])
def test_every_tool_has_a_version_and_hashes(name):
    assert len(entries(name)) > 50
    for entry in entries(name):
        assert re.match(r"[\w.-]+==\S+ ", entry), entry
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry


@pytest.mark.parametrize("name", ["requirements", "sam"])
def test_the_lock_files_contain_the_requested_tools(name):
    wanted = (ROOT / f"deploy/{name}.in").read_text().split()
    locked = {re.split(r"[= ]", entry)[0].lower() for entry in entries(name)}
    for line in wanted:
        package = re.sub(r"\[.*\]", "", line)
        assert any(entry.startswith(package) for entry in versions(name)), line
        assert re.split("[=]", package)[0].lower() in locked


def test_the_deployment_uses_the_tested_versions():
    assert versions("sam") < versions("requirements")


def test_pip_installs_only_wheels_with_a_hash():
    installer = (ROOT / "scripts/install-deploy-tools").read_text()
    [function] = re.findall(r"\.venv/bin/pip install .*", installer)
    assert {"--require-hashes", "--no-deps"} <= set(function.split())
    assert "--only-binary :all:" in function


def commands(job):
    return [step["run"] for step in job.get("steps", []) if "run" in step]


def test_a_job_with_an_identity_token_installs_only_sam():
    signing = {name: job for name, job in JOBS.items() if job["permissions"].get("id-token") == "write"}
    assert set(signing) == {"deploy/deploy", "deploy/attest"}
    for name, job in signing.items():
        installing = [command for command in commands(job) if re.search("install|pip|npm|npx|cargo|make|curl", command)]
        assert installing == (["scripts/install-deploy-tools --sam"] if name == "deploy/deploy" else []), name


# ---- Actions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_actions_are_pinned_by_commit_and_run_on_node_24(file):
    used = re.findall(r"uses: ([\w./-]+)@(\S+)(?: # v(\d+)\.(\d+)\.\d+)?", file.read_text())
    assert len(used) == file.read_text().count("uses: ") - file.read_text().count("uses: ./")
    for action, pin, major, minor in used:
        assert re.fullmatch("[0-9a-f]{40}", pin), action
        assert (int(major), int(minor)) >= ON_NODE_24[action], action


# ---- SBOM and provenance -------------------------------------------------------------------------------------------


def test_builds_of_a_public_repository_are_attested_with_their_sboms():
    attest = JOBS["deploy/attest"]
    assert attest["permissions"] == {"attestations": "write", "id-token": "write"}
    assert "public" in attest["if"]
    [subject] = [
        step["with"]["subject-path"] for step in attest["steps"] if "attest-build-provenance" in step.get("uses", "")
    ]
    assert subject.split() == ["build.tar.gz", "*.cdx.json"]
    assert "scripts/sbom" in commands(JOBS["deploy/build"])


def test_the_sbom_lists_what_each_function_links():
    subprocess.run(["scripts/sbom"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    listed = {
        name: json.loads((ROOT / f"target/sbom/{name}.cdx.json").read_text())
        for name in ("read", "refresh", "cooldown-status")
    }
    names = {name: {component["name"] for component in bom["components"]} for name, bom in listed.items()}
    # The same as in scripts/check-dependencies.
    for function in names.values():
        assert {"emptyclassroom", "redis", "rustls"} <= function
        assert not {"simulator", "testkit", "utoipa"} & function
    locked = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    checksums = {(each["name"], each["version"]): each.get("checksum") for each in locked}
    for name, bom in listed.items():
        assert bom["metadata"]["component"]["name"] == name
        assert (bom["bomFormat"], bom["specVersion"]) == ("CycloneDX", "1.5")
        for each in bom["components"]:
            hashes = [hash["content"] for hash in each.get("hashes", [])]
            assert hashes == [checksum for checksum in [checksums[each["name"], each["version"]]] if checksum]
            assert each["licenses"][0]["expression"], each["name"]


# ---- Updates and advisories ----------------------------------------------------------------------------------------


def test_dependabot_covers_every_kind_of_dependency():
    updates = yaml_parse((ROOT / ".github/dependabot.yml").read_text())["updates"]
    assert {(each["package-ecosystem"], each["directory"]) for each in updates} == {
        ("github-actions", "/"),
        ("cargo", "/"),
        ("cargo", "/fuzz"),
        ("pip", "/deploy"),
        ("pip", "/scripts"),
        ("npm", "/page/tests"),
    }
    for each in updates:
        assert each["cooldown"]["default-days"] >= 7


def test_advisories_are_checked_every_week():
    # YAML parses the key `on` as true.
    triggers = WORKFLOWS["advisories"].get("on") or WORKFLOWS["advisories"][True]
    [schedule] = triggers["schedule"]
    assert re.fullmatch(r"\d+ \d+ \* \* [0-6]", schedule["cron"])
    assert "make advisories" in commands(JOBS["advisories/advisories"])


@pytest.mark.parametrize(
    "fails, outcome",
    [("fetch", "fail"), ("check", "fail"), ("nothing", "pass")],
)
def test_the_advisory_check_fails_without_its_database(tmp_path, fails, outcome):
    cargo_deny = tmp_path / "cargo-deny"
    cargo_deny.write_text(f'#!/bin/sh\necho "$@" >>"{tmp_path}/called"\ncase "$*" in *{fails}*) exit 1 ;; esac\n')
    cargo_deny.chmod(0o755)
    command = ["make", "advisories", f"CARGO_DENY={cargo_deny}"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ("pass" if run.returncode == 0 else "fail") == outcome, run.stderr
    if outcome == "pass":
        checked = [line for line in (tmp_path / "called").read_text().splitlines() if "check" in line]
        assert len(checked) == 2 and any("fuzz/Cargo.toml" in line for line in checked)
