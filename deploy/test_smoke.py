"""Tests of scripts/smoke-test against servers that are healthy, unhealthy, slow to become healthy, or unresponsive."""

import copy
import http.server
import json
import pathlib
import subprocess
import sys
import threading
import time
import unittest

SMOKE_TEST = pathlib.Path(__file__).parent.parent / "scripts" / "smoke-test"
SLOT = {"start": "07:00:00", "end": "09:04:00", "start_time": "07:00", "end_time": "09:04", "duration_minutes": 124}
ROOM = {"id": "342", "name": "116", "status": "ok", "availability": [SLOT]}
CLASSROOMS = {
    "buildings": {"CAS": {"code": "CAS", "name": "College of Arts & Sciences", "classrooms": [ROOM]}},
    "last_updated": "2026-03-03T10:00:00.123456-05:00",
    "date": "2026-03-03",
    "timezone": "America/New_York",
    "stale": False,
}
# The responses of API Gateway and the functions: status, X-Cache, body.
HEALTHY = {
    "/": (200, None, "Hello World"),
    "/api/open-classrooms": (200, "HIT", CLASSROOMS),
    "/api/last-updated": (200, None, {"last_updated": CLASSROOMS["last_updated"]}),
    "/api/cooldown-status": (200, None, {"in_cooldown": False, "remaining_minutes": 0}),
}
NOT_FOUND = (404, None, {"message": "Not Found"})


class Service(http.server.ThreadingHTTPServer):
    """A server with given responses, on a free port."""

    daemon_threads = True

    def __init__(self, responses, unhealthy_for=0, origin="*", drips=False):
        super().__init__(("127.0.0.1", 0), Handler)
        self.responses, self.unhealthy_for, self.origin, self.drips = responses, unhealthy_for, origin, drips
        self.requests = []

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    def handle_error(self, *_):
        """Ignores clients that disconnect while a response drips."""

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        service = self.server
        service.requests.append(self.path)
        status, cache, body = service.responses.get(self.path, NOT_FOUND)
        if len(service.requests) <= service.unhealthy_for:
            status, cache, body = 503, None, {"message": "Service Unavailable"}
        self.send_response(status)
        self.send_header("Access-Control-Allow-Origin", service.origin)
        if status == 302:
            self.send_header("Location", "/api/last-updated")
        if cache:
            self.send_header("X-Cache", cache)
        self.end_headers()
        while service.drips:
            self.wfile.write(b" ")
            time.sleep(0.1)
        self.wfile.write(body if isinstance(body, bytes) else json.dumps(body).encode())

    def log_message(self, *_):
        pass


def smoke_test(url, *arguments):
    command = [sys.executable, SMOKE_TEST, url, "--seconds", "0", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def classrooms(**changes):
    """The healthy response with some fields changed."""
    body = copy.deepcopy(CLASSROOMS)
    body.update(changes)
    return body


def with_room(**changes):
    building = {"code": "CAS", "name": "College of Arts & Sciences", "classrooms": [{**ROOM, **changes}]}
    return classrooms(buildings={"CAS": building})


class SmokeTest(unittest.TestCase):
    def test_a_healthy_service_passes_and_no_refresh_is_requested(self):
        with Service(HEALTHY) as service:
            run = smoke_test(service.url + "/")
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        self.assertIn("GET /api/open-classrooms: ok (HIT, 1 of 1 classrooms known", run.stdout)
        self.assertEqual(set(service.requests), {*HEALTHY, "/api/there-is-no-such-path"})

    def test_stale_responses_pass(self):
        with Service({**HEALTHY, "/api/open-classrooms": (200, "STALE", classrooms(stale=True))}) as service:
            self.assertEqual(smoke_test(service.url).returncode, 0)

    def test_the_smoke_test_waits_until_the_service_is_healthy(self):
        with Service(HEALTHY, unhealthy_for=2) as service:
            run = smoke_test(service.url, "--seconds", "20")
        self.assertEqual((run.returncode, run.stderr), (0, ""))

    def test_each_wrong_response_is_reported_in_a_sentence(self):
        slot = {name: value for name, value in SLOT.items() if name != "end_time"}
        for path, response, sentence in [
            ("/", (200, None, "Hello"), 'the response is 200 "Hello"; expected 200 "Hello World"'),
            ("/", (200, None, b"<html>"), "the response is 200 with a body that is not JSON: b'<html>'"),
            ("/api/open-classrooms", (503, None, {"detail": "Cache unavailable"}), 'unavailable"}; expected 200'),
            ("/api/open-classrooms", (200, None, CLASSROOMS), "X-Cache is None; expected HIT, MISS or STALE"),
            ("/api/open-classrooms", (200, "STALE", CLASSROOMS), "X-Cache is STALE, but `stale` is False"),
            ("/api/open-classrooms", (200, "HIT", []), "the body is []; expected an object"),
            ("/api/open-classrooms", (200, "HIT", classrooms(date=3)), "`date` of the body is 3; expected a string"),
            ("/api/open-classrooms", (200, "HIT", classrooms(buildings={})), "the body has no classrooms"),
            ("/api/open-classrooms", (200, "HIT", with_room(name=None)), "`name` of a classroom is null; expected"),
            ("/api/open-classrooms", (200, "HIT", with_room(availability=[slot])), "`end_time` of a slot of room 342"),
            ("/api/open-classrooms", (200, "HIT", with_room(status="unknown")), "none of the 1 classrooms has data"),
            ("/api/last-updated", (200, None, {"last_updated": None}), "expected the time of the last sweep"),
            ("/api/cooldown-status", (200, None, {"in_cooldown": 0}), "expected the state of the cooldown"),
            ("/api/cooldown-status", (302, None, {}), "the response is 302 {}; expected the state of the cooldown"),
            ("/api/there-is-no-such-path", (200, None, {}), "the response is 200 {}; expected 404"),
        ]:
            with self.subTest(path=path, sentence=sentence), Service({**HEALTHY, path: response}) as service:
                run = smoke_test(service.url)
                self.assertEqual(run.returncode, 1)
                self.assertIn(f"smoke test: GET {path}: ", run.stderr)
                self.assertIn(sentence, run.stderr)

    def test_a_missing_server_or_an_endless_response_is_reported_in_time(self):
        with Service(HEALTHY, drips=True) as service:
            run = smoke_test(service.url)
        self.assertIn("no complete response within 1 s", run.stderr)
        run = smoke_test(service.url)
        self.assertEqual(run.returncode, 1)
        self.assertIn("Connection refused", run.stderr)

    def test_an_origin_that_cors_does_not_allow_is_reported(self):
        with Service(HEALTHY, origin="https://rooms.example.edu") as service:
            self.assertEqual(smoke_test(service.url, "--origin", "https://rooms.example.edu").returncode, 0)
            run = smoke_test(service.url, "--origin", "https://other.example.edu")
        self.assertEqual(run.returncode, 1)
        self.assertIn("pages of https://other.example.edu cannot read the response", run.stderr)

    def test_an_invalid_url_is_rejected(self):
        run = smoke_test("rooms.example.edu")
        self.assertEqual(run.returncode, 2)
        self.assertIn("the URL is `rooms.example.edu`; expected one that begins with https:// or http://", run.stderr)


if __name__ == "__main__":
    unittest.main()
