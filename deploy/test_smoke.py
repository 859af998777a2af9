"""scripts/smoke-test, against servers that are well, unwell, slow to become well, and rude."""

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
# As API Gateway and the functions answer: status, X-Cache, body.
WELL = {
    "/": (200, None, "Hello World"),
    "/api/open-classrooms": (200, "HIT", CLASSROOMS),
    "/api/last-updated": (200, None, {"last_updated": CLASSROOMS["last_updated"]}),
    "/api/cooldown-status": (200, None, {"in_cooldown": False, "remaining_minutes": 0}),
}
NOT_FOUND = (404, None, {"message": "Not Found"})


class Service(http.server.ThreadingHTTPServer):
    """Answers as it is told to, on a port of its own."""

    daemon_threads = True

    def __init__(self, answers, unwell_for=0, origin="*", drips=False):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers, self.unwell_for, self.origin, self.drips = answers, unwell_for, origin, drips
        self.asked = []

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    def handle_error(self, *_):
        """Who is dripped on hangs up."""

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        service = self.server
        service.asked.append(self.path)
        status, cache, body = service.answers.get(self.path, NOT_FOUND)
        if len(service.asked) <= service.unwell_for:
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
    """The good answer, of which one thing is changed."""
    body = copy.deepcopy(CLASSROOMS)
    body.update(changes)
    return body


def with_room(**changes):
    building = {"code": "CAS", "name": "College of Arts & Sciences", "classrooms": [{**ROOM, **changes}]}
    return classrooms(buildings={"CAS": building})


class SmokeTest(unittest.TestCase):
    def test_a_service_that_is_well_passes_and_is_asked_for_no_refresh(self):
        with Service(WELL) as service:
            run = smoke_test(service.url + "/")
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        self.assertIn("GET /api/open-classrooms: well (HIT, 1 of 1 classrooms known", run.stdout)
        self.assertEqual(set(service.asked), {*WELL, "/api/there-is-no-such-path"})

    def test_stale_answers_are_answers(self):
        with Service({**WELL, "/api/open-classrooms": (200, "STALE", classrooms(stale=True))}) as service:
            self.assertEqual(smoke_test(service.url).returncode, 0)

    def test_a_service_that_becomes_well_is_waited_for(self):
        with Service(WELL, unwell_for=2) as service:
            run = smoke_test(service.url, "--seconds", "20")
        self.assertEqual((run.returncode, run.stderr), (0, ""))

    def test_whatever_is_wrong_is_told_in_a_sentence(self):
        slot = {name: value for name, value in SLOT.items() if name != "end_time"}
        for path, answer, sentence in [
            ("/", (200, None, "Hello"), 'should say "Hello World", but answered 200 "Hello"'),
            ("/", (200, None, b"<html>"), "answered 200 with what is no JSON: b'<html>'"),
            ("/api/open-classrooms", (503, None, {"detail": "Cache unavailable"}), "should be 200, but answered 503"),
            ("/api/open-classrooms", (200, None, CLASSROOMS), "X-Cache should be HIT, MISS or STALE, but is None"),
            ("/api/open-classrooms", (200, "STALE", CLASSROOMS), "X-Cache is STALE, but `stale` is False"),
            ("/api/open-classrooms", (200, "HIT", []), "the answer should be an object, but is []"),
            ("/api/open-classrooms", (200, "HIT", classrooms(date=3)), "`date` of the answer should be a str"),
            ("/api/open-classrooms", (200, "HIT", classrooms(buildings={})), "there is not one classroom"),
            ("/api/open-classrooms", (200, "HIT", with_room(name=None)), "`name` of a classroom should be a str"),
            ("/api/open-classrooms", (200, "HIT", with_room(availability=[slot])), "`end_time` of a slot of room 342"),
            ("/api/open-classrooms", (200, "HIT", with_room(status="unknown")), "has answered for none of the 1"),
            ("/api/last-updated", (200, None, {"last_updated": None}), "should tell when the last sweep was"),
            ("/api/cooldown-status", (200, None, {"in_cooldown": 0}), "should tell of the cooldown"),
            ("/api/cooldown-status", (302, None, {}), "should tell of the cooldown, but answered 302 {}"),
            ("/api/there-is-no-such-path", (200, None, {}), "should be 404, but answered 200 {}"),
        ]:
            with self.subTest(path=path, sentence=sentence), Service({**WELL, path: answer}) as service:
                run = smoke_test(service.url)
                self.assertEqual(run.returncode, 1)
                self.assertIn(f"smoke test: GET {path} ", run.stderr)
                self.assertIn(sentence, run.stderr)

    def test_a_server_that_is_not_there_or_never_ends_its_answer_is_told_in_time(self):
        with Service(WELL, drips=True) as service:
            run = smoke_test(service.url)
        self.assertIn("gave no whole answer within 1 s", run.stderr)
        run = smoke_test(service.url)
        self.assertEqual(run.returncode, 1)
        self.assertIn("Connection refused", run.stderr)

    def test_a_frontend_that_may_not_read_the_answers_is_told(self):
        with Service(WELL, origin="https://rooms.example.edu") as service:
            self.assertEqual(smoke_test(service.url, "--origin", "https://rooms.example.edu").returncode, 0)
            run = smoke_test(service.url, "--origin", "https://other.example.edu")
        self.assertEqual(run.returncode, 1)
        self.assertIn("pages of https://other.example.edu may not read it", run.stderr)

    def test_what_is_no_url_is_told(self):
        run = smoke_test("rooms.example.edu")
        self.assertEqual(run.returncode, 2)
        self.assertIn("`rooms.example.edu` should begin with https:// or http://", run.stderr)


if __name__ == "__main__":
    unittest.main()
