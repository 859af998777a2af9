"""What OpenAPI has no words for: which parameters go with which.

Each parameter of GET /api/open-classrooms by itself is described by its schema. The rules between them stand in their
descriptions alone, and whoever breaks one is refused with 400. A request that is meant to be right keeps them here; one
that is meant to be wrong is left as it is. So no check is left out.
"""

import schemathesis
from schemathesis import GenerationMode


@schemathesis.hook.apply_to(path="/api/open-classrooms")
def map_case(context, case):
    is_meant_to_be_right = case.meta is None or case.meta.generation.mode == GenerationMode.POSITIVE
    query = case.query
    if not is_meant_to_be_right or not query:
        return case
    # A range has two ends, the later one behind, and `at` is no part of one.
    if "at" in query or "from" not in query or "to" not in query or query["to"] <= query["from"]:
        query.pop("from", None)
        query.pop("to", None)
    # Now is today.
    if query.get("at") == "now":
        query.pop("date", None)
    # Until when a room is free is known from a moment on.
    if query.get("sort") == "free_until" and not {"at", "from"} & query.keys():
        query.pop("sort")
    return case
