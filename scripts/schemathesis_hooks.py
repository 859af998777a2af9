"""Applies the rules between query parameters, which OpenAPI cannot express.

The schema describes each parameter of GET /api/open-classrooms separately. The rules between parameters are only in
their descriptions, and the server rejects a request that breaks one with 400. This hook makes valid requests follow the
rules, and does not change invalid ones. So no check has to be turned off.
"""

import schemathesis
from schemathesis import GenerationMode


@schemathesis.hook.apply_to(path="/api/open-classrooms")
def map_case(context, case):
    is_valid = case.meta is None or case.meta.generation.mode == GenerationMode.POSITIVE
    query = case.query
    if not is_valid or not query:
        return case
    # A range has two ends in order, and excludes `at`.
    if "at" in query or "from" not in query or "to" not in query or query["to"] <= query["from"]:
        query.pop("from", None)
        query.pop("to", None)
    # `now` is today, so it excludes `date`.
    if query.get("at") == "now":
        query.pop("date", None)
    # `free_until` needs a time of day to start from.
    if query.get("sort") == "free_until" and not {"at", "from"} & query.keys():
        query.pop("sort")
    return case
