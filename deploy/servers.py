"""The servers that a function needs, on loopback: Lambda's Runtime API, 25Live, Redis, and moto as a mock of AWS."""

import datetime
import http.server
import json
import os
import queue
import socket
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from contextlib import contextmanager, suppress

# Seconds. Each step takes only a few, but the machine may be slow.
PATIENCE = 60


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def eventually(what, attempt):
    """Waits until `attempt` returns something true, and returns it."""
    deadline = time.monotonic() + PATIENCE
    while not (result := attempt()):
        assert time.monotonic() < deadline, f"timed out after {PATIENCE} s: {what}"
        time.sleep(0.1)
    return result


def _answers(url):
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False


def _listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


@contextmanager
def process(command, **options):
    """Runs a program for as long as the block lasts."""
    child = subprocess.Popen(command, **options)
    try:
        yield child
    finally:
        child.kill()
        child.wait()


@contextmanager
def moto(log):
    """Yields the URL of a moto server. The host is localhost, because bucket hosts are its subdomains."""
    port = free_port()
    command = ["moto_server", "-H", "127.0.0.1", "-p", str(port)]
    with log.open("wb") as output, process(command, stdout=output, stderr=output):
        eventually("moto starts", lambda: _answers(f"http://127.0.0.1:{port}/moto-api/"))
        yield f"http://localhost:{port}"


@contextmanager
def redis(folder):
    """Yields the URL of an empty redis-server."""
    port = free_port()
    command = ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", folder]
    with process(command, stdout=subprocess.DEVNULL):
        eventually("redis-server starts", lambda: _listens(port))
        yield f"redis://127.0.0.1:{port}"


def forget(url, key):
    """Deletes a key of a redis-server, as an operator would."""
    subprocess.run(["redis-cli", "-u", url, "DEL", key], check=True, stdout=subprocess.DEVNULL)


def keys(url):
    """The keys of a redis-server."""
    command = ["redis-cli", "-u", url, "KEYS", "*"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


@contextmanager
def _serving(handler):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def respond(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def twenty_five_live(is_healthy):
    """Yields the URL of a 25Live in which every room is free for a month. It fails unless `is_healthy()`."""

    class Handler(_Handler):
        def do_GET(self):
            if not is_healthy():
                self.respond(500)
                return
            query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
            start = datetime.datetime.fromisoformat(query["start_dt"])
            days = [(start + datetime.timedelta(days=day)).isoformat() for day in range(30)]
            room = int(query["space_id"])
            subjects = [{"itemId": room, "itemName": f"room {room}", "item_date": day, "items": []} for day in days]
            self.respond(200, json.dumps({"subjects": subjects}).encode(), Content_Type="application/json")

    with _serving(Handler) as address:
        yield f"http://{address}/availabilitydata.json"


class RuntimeApi:
    """Passes events to a function, one at a time, and receives its responses."""

    def __init__(self):
        self.events = queue.Queue()
        self.responses = queue.Queue()
        self.child = None

    def invoke(self, event):
        """Returns `response` or `error` with its body. If the function exited, that is Lambda's error."""
        self.events.put(json.dumps(event).encode())

        def outcome():
            # Read before the responses, so that a response sent before the exit counts.
            exit_code = self.child.poll()
            with suppress(queue.Empty):
                return self.responses.get(timeout=0.1)
            if exit_code is not None:
                message = f"Runtime exited with error: exit status {exit_code}"
                return "error", {"errorType": "Runtime.ExitError", "errorMessage": message}
            return None

        return eventually("the function responds", outcome)

    def handler(api):
        """The class of request handlers for this Runtime API."""

        class Handler(_Handler):
            def do_GET(self):
                event = api.events.get()
                deadline = int((time.time() + 30) * 1000)
                arn = "arn:aws:lambda:us-east-1:123456789012:function:under-test"
                self.respond(
                    200,
                    event,
                    Content_Type="application/json",
                    Lambda_Runtime_Aws_Request_Id="8476a536-e9f4-11e8-9739-2dfe598c3fcd",
                    Lambda_Runtime_Deadline_Ms=str(deadline),
                    Lambda_Runtime_Invoked_Function_Arn=arn,
                )

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.respond(202)
                api.responses.put((self.path.rsplit("/", 1)[1], json.loads(body)))

        return Handler


@contextmanager
def function(bootstrap, environment, log):
    """Runs a bootstrap as Lambda does, and yields the RuntimeApi that invokes it."""
    api = RuntimeApi()
    lambdas = {
        "AWS_LAMBDA_FUNCTION_NAME": "under-test",
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "PATH": os.environ["PATH"],
    }
    with _serving(api.handler()) as address, log.open("wb") as output:
        variables = {**lambdas, **environment, "AWS_LAMBDA_RUNTIME_API": address}
        with process([bootstrap], env=variables, stdout=output, stderr=output) as api.child:
            yield api
