"""Tests of the client that openapi-python-client generates from the OpenAPI document, against a running local server.

The client passes `mypy --strict`, and each route returns what its types promise. `make clients` runs this.
"""

import os
import re
import unittest

import httpx
from emptyclassroom_client import AuthenticatedClient, Client
from emptyclassroom_client.api.classrooms import buildings, calendar, classroom, classroom_days, open_classrooms
from emptyclassroom_client.api.refresh import cooldown_status, last_updated, refresh
from emptyclassroom_client.api.service import (
    app,
    app_file,
    app_slash,
    docs,
    favicon,
    health,
    hello,
    openapi,
    robots,
    room_page,
)
from emptyclassroom_client.models import (
    AppFileFile,
    AppFileResponse200,
    CampusBuildings,
    Classroom,
    ClassroomDays,
    CooldownStatus,
    Health,
    HealthStatus,
    LastUpdate,
    OpenClassrooms,
    OpenClassroomsBuildingItem,
    OpenClassroomsSort,
    Problem,
    ProblemType,
    Refreshed,
)

URL = os.environ["EMPTYCLASSROOM_URL"]
CALLED: set[tuple[str, str]] = set()


def note(request: httpx.Request) -> None:
    CALLED.add((request.method, request.url.path))


HOOKS = {"event_hooks": {"request": [note]}}
client = Client(base_url=URL, raise_on_unexpected_status=True, httpx_args=HOOKS)


def tearDownModule() -> None:
    client.get_httpx_client().close()


class TestClient(unittest.TestCase):
    def test_the_building_parameter_can_be_repeated(self) -> None:
        response = open_classrooms.sync_detailed(
            client=client,
            building=[OpenClassroomsBuildingItem.CGS, OpenClassroomsBuildingItem.CAS],
            from_="10:00",
            to="11:00",
            sort=OpenClassroomsSort.FREE_UNTIL,
        )
        found = response.parsed
        assert isinstance(found, OpenClassrooms)
        self.assertEqual(list(found.buildings.additional_properties), ["CAS", "CGS"])
        for building in found.buildings.additional_properties.values():
            for room in building.classrooms:
                assert isinstance(room.free_minutes, int) and room.free_minutes >= 60
                assert all(slot.duration_minutes > 0 for slot in room.availability)

    def test_a_matching_etag_gets_an_empty_304(self) -> None:
        first = open_classrooms.sync_detailed(client=client)
        second = open_classrooms.sync_detailed(client=client, if_none_match=first.headers["etag"])
        self.assertEqual((second.status_code, second.parsed), (304, None))

    def test_one_room_has_its_slots_its_days_and_its_calendar(self) -> None:
        room = classroom.sync("342", client=client)
        assert isinstance(room, Classroom)
        self.assertEqual((room.id, room.building_code, room.timezone), ("342", "CAS", "America/New_York"))
        assert isinstance(room.free_now, bool)
        days = classroom_days.sync("342", client=client)
        assert isinstance(days, ClassroomDays)
        self.assertIn(room.date, [day.date for day in days.days])
        text = calendar.sync("342", client=client)
        assert isinstance(text, str) and text.startswith("BEGIN:VCALENDAR")

    def test_the_other_routes_return_their_types(self) -> None:
        campus = buildings.sync(client=client)
        assert isinstance(campus, CampusBuildings)
        self.assertEqual([(one.code, one.rooms) for one in campus.buildings], [("CAS", 54), ("CGS", 23)])
        updated = last_updated.sync(client=client)
        assert isinstance(updated, LastUpdate) and updated.last_updated is not None
        assert updated.last_updated.tzinfo is not None
        cooldown = cooldown_status.sync(client=client)
        assert isinstance(cooldown, CooldownStatus) and cooldown.in_cooldown and cooldown.remaining_minutes > 0
        status = health.sync(client=client)
        assert isinstance(status, Health) and status.status is HealthStatus.OK
        greeting = hello.sync(client=client)
        assert greeting is not None and greeting.value == "Hello World"

    def test_the_pages_and_their_files_are_served(self) -> None:
        for page in (app.sync(client=client), docs.sync(client=client), room_page.sync("342", client=client)):
            assert isinstance(page, str) and page.startswith("<!doctype html>")
        self.assertEqual(app_slash.sync_detailed(client=client).headers["location"], "../app")
        manifest = app_file.sync(AppFileFile.MANIFEST_WEBMANIFEST, client=client)
        assert isinstance(manifest, AppFileResponse200) and manifest["short_name"] == "Classrooms"
        self.assertEqual(favicon.sync_detailed(client=client).headers["content-type"], "image/x-icon")
        rules = robots.sync(client=client)
        assert isinstance(rules, str) and rules.startswith("User-agent: *")

    def test_an_error_is_a_problem_with_a_type(self) -> None:
        response = open_classrooms.sync_detailed(client=client, at="noon")
        assert isinstance(response.parsed, Problem)
        self.assertEqual((response.status_code, response.parsed.type_), (400, ProblemType.BAD_PARAMETER))
        missing = classroom.sync("1", client=client)
        assert isinstance(missing, Problem)
        self.assertIs(missing.type_, ProblemType.CLASSROOM_NOT_FOUND)

    def test_a_refresh_during_the_cooldown_needs_the_admin_token(self) -> None:
        # The generator does not support optional authentication: it requires a token, even an invalid one.
        with AuthenticatedClient(base_url=URL, token="none", httpx_args=HOOKS) as anonymous:
            refused = refresh.sync_detailed(client=anonymous)
        assert isinstance(refused.parsed, Problem)
        self.assertEqual((refused.status_code, refused.parsed.type_), (429, ProblemType.REFRESH_COOLDOWN))
        self.assertGreater(int(refused.headers["retry-after"]), 0)
        with AuthenticatedClient(base_url=URL, token=os.environ["ADMIN_TOKEN"]) as operator:
            assert isinstance(refresh.sync(client=operator, invalidate_cache=True), Refreshed)

    def test_z_every_operation_of_the_document_was_called(self) -> None:
        document = openapi.sync(client=client)
        assert document is not None and not isinstance(document, str)
        for path, item in document["paths"].items():
            for method in item:
                pattern = re.sub(r"\{\w+\}", "[^/]+", path)
                called = any(by == method.upper() and re.fullmatch(pattern, to) for by, to in CALLED)
                self.assertTrue(called, f"clients/python/test_client.py never calls {method.upper()} {path}")


if __name__ == "__main__":
    unittest.main()
