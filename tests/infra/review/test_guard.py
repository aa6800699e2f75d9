"""Requests that do not come from the page itself get 403 and write nothing."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from infra.review.guard import CONTENT_SECURITY_POLICY
from infra.review.server import application
from tests.infra.review.conftest import HOST, PORT, TOKEN, Laboratory

ORIGIN = f"http://{HOST}"


def visitor(laboratory: Laboratory, cookie: str | None = TOKEN) -> TestClient:
    client = TestClient(application(laboratory.desk(), PORT, TOKEN), base_url=ORIGIN)
    if cookie is not None:
        client.cookies.set(f"cellflag_review_{PORT}", cookie)
    return client


def test_the_address_gives_a_cookie_that_scripts_and_other_sites_cannot_use(folder: Laboratory) -> None:
    client = visitor(folder, None)
    answer = client.get(f"/?token={TOKEN}", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert client.get("/").status_code == 200


@pytest.mark.parametrize(
    "path", ["/", "/?token=wrong", "/?token=", "/api/cells", "/page/review.js", f"/api/cells?token={TOKEN}"]
)
@pytest.mark.parametrize("cookie", [None, "wrong", ""])
def test_who_has_no_token_gets_nothing(folder: Laboratory, path: str, cookie: str | None) -> None:
    folder.add("a")
    answer = visitor(folder, cookie).get(path)
    assert answer.status_code == 403
    assert "cellflag review" in answer.text


@pytest.mark.parametrize(
    "host", ["evil.example", f"evil.example:{PORT}", "127.0.0.1", "127.0.0.1:1", f"[::1]:{PORT}", ""]
)
def test_another_host_is_refused_so_that_no_name_can_be_rebound_to_this_machine(folder: Laboratory, host: str) -> None:
    client = visitor(folder)
    assert client.get("/api/cells", headers={"Host": host}).status_code == 403
    assert client.get(f"/?token={TOKEN}", headers={"Host": host}, follow_redirects=False).status_code == 403


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        JSON,
        JSON | {"Origin": "http://evil.example"},
        JSON | {"Origin": "null"},
        JSON | {"Origin": f"https://{HOST}"},
        JSON | {"Origin": f"http://localhost:{PORT + 1}"},
        {"Origin": ORIGIN, "Content-Type": "text/plain"},
        {"Origin": ORIGIN, "Content-Type": "application/x-www-form-urlencoded"},
    ],
)
def test_a_write_of_another_site_is_refused(folder: Laboratory, headers: dict[str, str]) -> None:
    folder.add("a")
    page = folder.client()
    card = page.card("a")
    body = f'{{"label": "ALL", "version": "{card["version"]}", "seen": null}}'
    answer = page.http.post(f"/api/cells/{card['id']}/answer", content=body, headers=headers)
    assert answer.status_code == 403
    assert folder.label("a") is None
    assert folder.is_flagged("a")


def test_a_read_of_another_site_is_refused(folder: Laboratory) -> None:
    assert visitor(folder).get("/api/cells", headers={"Origin": "http://evil.example"}).status_code == 403


@pytest.mark.parametrize("path", ["/", "/api/cells", "/page/review.css", "/nothing"])
def test_every_answer_forbids_foreign_content_frames_and_copies(folder: Laboratory, path: str) -> None:
    headers = visitor(folder).get(path).headers
    assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("path", ["/page/../desk.py", "/page/%2e%2e/desk.py", "/page/..%2fserver.py"])
def test_only_the_page_is_served(folder: Laboratory, path: str) -> None:
    assert visitor(folder).get(path).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"label": "blast", "version": "v"},
        {"label": None, "version": "v"},
        {"label": "ALL"},
        {"label": "ALL", "version": "v", "choice": "delete"},
        {"label": "ALL", "version": "v", "seen": 3},
        {"label": "ALL", "version": "v", "comment": []},
        [],
        "ALL",
    ],
)
def test_what_is_no_answer_writes_nothing(folder: Laboratory, body: Any) -> None:
    folder.add("a")
    page = folder.client()
    assert page.post(f"/api/cells/{page.desk.id_of('a')}/answer", body).status_code == 400
    assert folder.label("a") is None


def test_addresses_hold_no_key(folder: Laboratory) -> None:
    folder.add("secret name.bmp")
    (cell,) = folder.client().cells()["cells"]
    (again,) = folder.client().cells()["cells"]
    assert "secret" not in cell["id"]
    assert cell["id"] != again["id"]
