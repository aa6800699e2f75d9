"""The user's settings for AWS never reach the local cloud, and the local cloud's never reach a real account."""

import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from infra.local_cloud.emulator import _environment
from infra.local_cloud.isolation import ACCESS_KEY, environment, exports, session
from infra.tools.cdk import cdk_environment

USERS = {
    "PATH": "/usr/bin",
    "SSL_CERT_FILE": "/etc/ssl/cert.pem",
    "AWS_PROFILE": "hospital",
    "AWS_ACCESS_KEY_ID": "AKIAREAL",
    "AWS_SESSION_TOKEN": "real",
    "AWS_ENDPOINT_URL_S3": "https://s3.example.org",
    "AWS_CA_BUNDLE": "/nowhere",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "CDK_DEFAULT_ACCOUNT": "123456789012",
    "CDK_APP": "theirs",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "http_proxy": "http://127.0.0.1:9",
    "PERSIST_STATE": "1",
    "DOCKER_HOST": "unix:///var/run/docker.sock",
}
ENDPOINT = "http://127.0.0.1:1"


def test_commands_for_the_local_cloud_see_its_credentials_and_no_others() -> None:
    cleaned = environment(ENDPOINT, USERS)
    for name, value in exports(ENDPOINT).items():
        assert cleaned[name] == value
    gone = {"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3", "AWS_CA_BUNDLE", "AWS_USE_FIPS_ENDPOINT"}
    gone |= {"CDK_DEFAULT_ACCOUNT", "CDK_APP", "HTTPS_PROXY", "http_proxy"}
    assert not gone & set(cleaned)
    assert cleaned["AWS_CONFIG_FILE"] == cleaned["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull
    assert (cleaned["PATH"], cleaned["SSL_CERT_FILE"]) == ("/usr/bin", "/etc/ssl/cert.pem")


def test_the_local_cloud_itself_sees_nothing_of_the_users_but_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in USERS.items():
        monkeypatch.setenv(name, value)
    seen = _environment(4566, "/data")
    assert not set(USERS) & set(seen) - {"PATH", "AWS_ACCESS_KEY_ID", "DOCKER_HOST"}
    assert seen["AWS_ACCESS_KEY_ID"] == ACCESS_KEY
    assert seen["DOCKER_HOST"] == "unix:///data/no-docker"
    assert seen["BIND_HOST"] == "127.0.0.1"


def test_the_cdk_on_aws_keeps_the_users_credentials_and_app() -> None:
    passed = cdk_environment(USERS)
    assert {name: passed[name] for name in USERS if name != "PATH"} == {n: v for n, v in USERS.items() if n != "PATH"}
    assert passed["PATH"].endswith(f"{os.pathsep}/usr/bin")


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    class EmptyBucket(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.server.authorization = self.headers["Authorization"]  # type: ignore[attr-defined]
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<ListBucketResult/>")

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), EmptyBucket) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield listening
        listening.shutdown()
        thread.join()


def test_the_s3_client_reaches_the_local_cloud_whatever_the_user_has_set(
    server: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in USERS.items():
        monkeypatch.setenv(name, value)
    s3 = session().client("s3", endpoint_url=f"http://127.0.0.1:{server.server_port}")
    s3.list_objects_v2(Bucket="images")
    assert f"Credential={ACCESS_KEY}/" in server.authorization  # type: ignore[attr-defined]
