"""The routes of shared/openapi.json, and the function that serves each of them.

Run as a program, it prints the configuration of these routes for `cargo lambda watch`.
"""

import json
from pathlib import Path

DOCUMENT = json.loads((Path(__file__).resolve().parent.parent / "shared/openapi.json").read_text())
# Each operation by its route, such as `GET /api/health`.
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
}
# The package of the function that serves a route.
FUNCTIONS = {route: operation["x-function"] for route, operation in OPERATIONS.items()}
# An HTTP API rejects a route that ends in a slash. Its greedy route serves that path and the page's files.
GREEDY = {"/app/": "/app/{proxy+}", "/app/{file}": "/app/{proxy+}"}


def in_gateway(route):
    """API Gateway's route for a route of the document."""
    method, path = route.split(" ")
    return f"{method} {GREEDY.get(path, path)}"


# The package of the function that serves a route of API Gateway.
IN_GATEWAY = {in_gateway(route): function for route, function in FUNCTIONS.items()}


if __name__ == "__main__":
    print("[watch.router]")
    for path in DOCUMENT["paths"]:
        methods = [route.split(" ")[0] for route in FUNCTIONS if route.endswith(f" {path}")]
        targets = [f'{{ method = "{method}", function = "{FUNCTIONS[f"{method} {path}"]}" }}' for method in methods]
        print(f'"{path}" = [{", ".join(targets)}]')
