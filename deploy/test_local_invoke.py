"""Tests of the functions on this machine: `make lambda-watch` on every route, `make lambda-invoke` with every event."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
import routes

ROOT = Path(__file__).resolve().parent.parent
EVENTS = sorted(file.stem for file in (ROOT / "events").glob("*.json"))
# Seconds. A cold build of the three functions takes five CPU minutes, and the machine may be busy.
BUILD = 3600
SOON = 60

# The expected response to an event while the cache is empty: the status, and the `detail` of an error, a part of a JSON
# body, or the start of another body. Events that are not listed get what shared/openapi.json promises for their route.
RESPONSES = {
    "app": (200, "<!doctype html>"),
    "app-manifest": (200, {"short_name": "Classrooms"}),
    "app-room": (200, "<!doctype html>"),
    "app-room-not-found": (404, "<!doctype html>"),
    "app-slash": (308, ""),
    "buildings": (200, {"timezone": "America/New_York", "stale": False}),
    "classroom": (200, {"id": "342", "name": "116", "building_code": "CAS", "status": "ok", "stale": False}),
    "classroom-calendar": (200, "BEGIN:VCALENDAR"),
    "classroom-days": (200, {"id": "342", "name": "116", "building_code": "CAS", "timezone": "America/New_York"}),
    "classroom-not-found": (404, "Classroom not found"),
    "cooldown-status": (200, {"in_cooldown": False, "remaining_minutes": 0}),
    "docs": (200, "<!doctype html>"),
    "health": (503, {"status": "failing", "cache": "ok", "last_updated": None}),
    "hello": (200, "Hello World"),
    "hello-browser": (303, ""),
    "last-updated": (200, {"last_updated": None}),
    "method-not-allowed": (405, "Method Not Allowed"),
    "not-found": (404, "Not Found"),
    "open-classrooms": (200, {"timezone": "America/New_York", "stale": False}),
    "open-classrooms-bad-date": (400, "`date` is `tomorrow`; expected a date such as 2026-03-03"),
    "open-classrooms-date-not-kept": (404, "No availability is kept for 2020-01-01"),
    "open-classrooms-not-modified": (304, None),
    "open-classrooms-question": (200, {"timezone": "America/New_York", "stale": False}),
    "openapi": (200, {"openapi": "3.1.0"}),
    "refresh": (200, {"message": "Data refreshed successfully"}),
    "refresh-invalidate-cache": (200, {"message": "Data refreshed successfully"}),
    "refresh-invalidate-cache-no-token": (401, "Invalid or missing admin token"),
    "refresh-invalidate-cache-wrong-token": (401, "Invalid or missing admin token"),
    "refresh-too-large": (413, "The request body is longer than 1024 bytes"),
    "robots": (200, "User-agent: *"),
    # No client waits for this one, so it has no status.
    "schedule": (None, {"outcome": "refreshed"}),
}


@dataclass
class Response:
    status: int
    headers: dict
    text: str

    def json(self):
        return json.loads(self.text)

    def problem(self):
        assert self.headers["content-type"] == "application/problem+json", self
        assert self.json()["status"] == self.status, self
        assert self.json()["type"].startswith("urn:emptyclassroom:problem:"), self
        return self.status, self.json()["detail"]


class Watch:
    """A running `scripts/lambda-watch`."""

    def __init__(self, port, process, log):
        self.port, self.process, self.log = port, process, log

    @property
    def redis_url(self):
        return re.search(r"redis://127\.0\.0\.1:\d+", self.log.read_text()).group()

    def request(self, method, path, **headers):
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SOON)
        client.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        response = client.getresponse()
        names = [name.lower() for name, _ in response.getheaders()]
        headers = dict(zip(names, response.headers.values(), strict=True))
        return Response(response.status, headers, response.read().decode())

    def empty_redis(self):
        with socket.create_connection(("127.0.0.1", int(self.redis_url.rsplit(":")[-1])), timeout=SOON) as redis:
            redis.sendall(b"FLUSHALL\r\n")
            assert redis.recv(16) == b"+OK\r\n"

    def press_ctrl_c(self):
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(SOON)


def environment(port, **given):
    """The environment of this process, without the service's variables."""
    service = re.findall(r"^#(\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    kept = {name: value for name, value in os.environ.items() if name not in service}
    return {**kept, "PORT": str(port), **given}


def free_port():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


def run(script, *arguments, port):
    command = [ROOT / "scripts" / script, *arguments]
    return subprocess.run(command, env=environment(port), capture_output=True, text=True, timeout=SOON, check=False)


def listens(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def processes():
    """All running processes by id, each with its parent's id and its command line."""
    command = ["ps", "-e", "-o", "pid=,ppid=,stat=,args="]
    table = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    rows = [line.split(maxsplit=3) for line in table.splitlines()]
    return {int(row[0]): (int(row[1]), row[3]) for row in rows if len(row) == 4 and not row[2].startswith("Z")}


def family_of(ancestor):
    """A process and its descendants, by their ids."""
    running = processes()
    family = {ancestor: running[ancestor][1]}
    while children := {pid: line for pid, (parent, line) in running.items() if parent in family and pid not in family}:
        family |= children
    return family


@contextmanager
def watching(folder, **given):
    port = free_port()
    log = folder / "watch.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [ROOT / "scripts/lambda-watch"],
            env=environment(port, **given),
            stdout=output,
            stderr=subprocess.STDOUT,
            # So that Ctrl-C reaches all of its processes, as in a terminal, but not pytest.
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + BUILD
        while "Ctrl-C stops it." not in log.read_text():
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield Watch(port, process, log)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(SOON)


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with watching(tmp_path_factory.mktemp("watch")) as watch:
        yield watch


@pytest.fixture
def watch(running):
    """The running watch, with an empty cache."""
    running.empty_redis()
    return running


def route_of(event):
    return json.loads((ROOT / "events" / f"{event}.json").read_text()).get("routeKey")


def test_each_expected_response_has_an_event():
    assert RESPONSES.keys() <= set(EVENTS)


def test_each_route_has_an_event():
    assert routes.IN_GATEWAY.keys() == {route_of(event) for event in EVENTS} - {None, "$default"}


@pytest.mark.parametrize("event", EVENTS)
def test_each_event_gets_its_expected_response(watch, event):
    outcome = run("lambda-invoke", event, port=watch.port)
    assert outcome.returncode == 0, outcome.stderr
    response = json.loads(outcome.stdout)
    if event not in RESPONSES:
        operations = [
            operation
            for route, operation in routes.OPERATIONS.items()
            if routes.in_gateway(route) == route_of(event) and "200" in operation["responses"]
        ]
        documented = {kind for operation in operations for kind in operation["responses"]["200"]["content"]}
        assert response["statusCode"] == 200 and response["headers"]["content-type"] in documented, response
        return
    status, expected = RESPONSES[event]
    if status is None:
        assert expected.items() <= response.items()
        return
    assert (response["statusCode"], response["cookies"], response["isBase64Encoded"]) == (status, [], False), response
    assert response["headers"]["x-content-type-options"] == "nosniff"
    kind = response["headers"].get("content-type")
    if expected is None:
        assert (response["body"], response["headers"]["x-cache"]) == ("", "MISS")
    elif kind == "application/problem+json":
        assert Response(status, response["headers"], response["body"]).problem() == (status, expected)
    elif kind is None or not kind.endswith("json"):
        assert response["body"].startswith(expected)
    elif isinstance(expected, dict):
        assert expected.items() <= json.loads(response["body"]).items()
    else:
        assert json.loads(response["body"]) == expected


def test_a_miss_sweeps_once_and_later_reads_are_hits_or_304(watch):
    assert watch.request("GET", "/").text == '"Hello World"'
    assert watch.request("GET", "/api/last-updated").json() == {"last_updated": None}
    miss = watch.request("GET", "/api/open-classrooms")
    assert (miss.status, miss.headers["x-cache"], miss.headers["content-type"]) == (200, "MISS", "application/json")
    hit = watch.request("GET", "/api/open-classrooms")
    assert (hit.status, hit.headers["x-cache"], hit.text) == (200, "HIT", miss.text)
    assert hit.headers["etag"] == miss.headers["etag"]
    known = watch.request("GET", "/api/open-classrooms", if_none_match=miss.headers["etag"])
    assert (known.status, known.headers["x-cache"], known.text) == (304, "HIT", "")
    assert watch.request("GET", "/api/last-updated").json() == {"last_updated": miss.json()["last_updated"]}


def test_days_and_rooms_are_returned_or_rejected(watch):
    today = date.fromisoformat(watch.request("GET", "/api/open-classrooms").json()["date"])
    tomorrow = (today + timedelta(days=1)).isoformat()
    assert watch.request("GET", f"/api/open-classrooms?date={tomorrow}").json()["date"] == tomorrow
    room = watch.request("GET", f"/api/classrooms/342?date={tomorrow}")
    assert (room.status, room.json()["id"], room.json()["date"]) == (200, "342", tomorrow)
    assert watch.request("GET", "/api/classrooms/999").problem() == (404, "Classroom not found")
    for day, status in (("tomorrow", 400), ("2020-01-01", 404)):
        assert watch.request("GET", f"/api/open-classrooms?date={day}").problem()[0] == status


def test_after_a_refresh_the_cooldown_applies_to_all_but_the_operator(watch):
    assert watch.request("GET", "/api/cooldown-status").json() == {"in_cooldown": False, "remaining_minutes": 0}
    assert watch.request("POST", "/api/refresh").json()["message"] == "Data refreshed successfully"
    refused = watch.request("POST", "/api/refresh")
    assert refused.problem() == (429, "Refresh cooldown active. Please wait 30.0 more minutes.")
    assert 1700 < int(refused.headers["retry-after"]) <= 1800
    assert watch.request("GET", "/api/cooldown-status").json()["in_cooldown"] is True

    invalidate = "/api/refresh?invalidate_cache=true"
    stranger = watch.request("POST", invalidate)
    assert stranger.problem() == (401, "Invalid or missing admin token")
    assert stranger.headers["www-authenticate"] == "Bearer"
    assert watch.request("POST", invalidate, authorization="Bearer a-guessed-token").status == 401
    assert watch.request("POST", invalidate, authorization="Bearer test-admin-token").status == 200


def test_a_path_or_method_without_a_route_invokes_no_function(watch):
    for method, path in (("GET", "/api/nowhere"), ("DELETE", "/api/open-classrooms"), ("GET", "/api/refresh")):
        response = watch.request(method, path)
        assert (response.status, response.json()["title"]) == (404, "Default function disabled"), (method, path)
        assert "x-content-type-options" not in response.headers, "a function sent the response"


def test_preflights_are_answered_without_a_function(watch):
    origin = "http://localhost:3000"
    preflight = watch.request("OPTIONS", "/api/refresh", origin=origin, access_control_request_method="POST")
    assert (preflight.status, preflight.text) == (200, "")
    assert preflight.headers["access-control-allow-origin"] == origin
    assert preflight.headers["access-control-allow-methods"] == "POST"
    assert "x-content-type-options" not in preflight.headers, "a function sent the response"
    assert watch.request("GET", "/", origin=origin).headers["access-control-allow-origin"] == origin


def test_ctrl_c_ends_all_started_processes(tmp_path):
    with watching(tmp_path) as watch:
        for path in ("/", "/api/cooldown-status"):
            assert watch.request("GET", path).status == 200
        family = family_of(watch.process.pid)
        for program in ("redis-server", "simulator", "cargo-lambda", "debug/read", "debug/cooldown-status"):
            assert any(program in line for line in family.values()), (program, family)
        watch.press_ctrl_c()
        assert (watch.process.returncode, family.keys() & processes().keys()) == (0, set())
        assert not listens(watch.port)


def test_a_configured_redis_is_used_and_left_running(watch, tmp_path):
    with watching(tmp_path, REDIS_URL=watch.redis_url) as second:
        assert second.request("GET", "/api/open-classrooms").headers["x-cache"] == "MISS"
        assert not any("redis-server" in line for line in family_of(second.process.pid).values())
        # The token of events/ is public, so it must not be valid for this Redis.
        token = "Bearer test-admin-token"
        assert second.request("POST", "/api/refresh?invalidate_cache=true", authorization=token).status == 403
        second.press_ctrl_c()
    assert watch.request("GET", "/api/open-classrooms").headers["x-cache"] == "HIT"


def test_a_failed_invocation_is_reported_and_does_not_stop_the_others(watch, tmp_path):
    nothing_there = f"http://127.0.0.1:{free_port()}/availabilitydata.json"
    with watching(tmp_path, REDIS_URL=watch.redis_url, API_URL=nothing_there) as second:
        outcome = run("lambda-invoke", "schedule", "hello", port=second.port)
    assert outcome.returncode == 1
    assert "RefreshFailed" in outcome.stderr
    assert json.loads(json.loads(outcome.stdout)["body"]) == "Hello World"


@pytest.mark.usefixtures("running")  # It builds the functions.
def test_lambda_invoke_starts_a_temporary_watch_if_none_is_running():
    port = free_port()
    outcome = run("lambda-invoke", "hello", "cooldown-status", port=port)
    assert outcome.returncode == 0, outcome.stderr
    bodies = [json.loads(json.loads(line)["body"]) for line in outcome.stdout.splitlines()]
    assert bodies == ["Hello World", {"in_cooldown": False, "remaining_minutes": 0}]
    assert not listens(port)


def test_wrong_settings_and_events_are_reported_in_a_sentence(watch):
    for script, arguments, port, sentence in (
        ("lambda-watch", [], watch.port, f"port {watch.port} of 127.0.0.1 is taken: stop the program"),
        ("lambda-watch", [], "eighty", "PORT is `eighty`; expected a number between 1 and 65535"),
        ("lambda-invoke", [], "65536", "PORT is `65536`; expected a number between 1 and 65535"),
        ("lambda-invoke", ["nothing"], watch.port, f"the event is `nothing`; expected one of: {EVENTS[0]} "),
    ):
        outcome = run(script, *arguments, port=port)
        assert (outcome.returncode, outcome.stdout) == (1, ""), script
        assert outcome.stderr.startswith(f"{script}: {sentence}"), outcome.stderr
