"""Every way in which a call of boto3 to S3 can fail."""

from collections.abc import Callable

from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    IncompleteReadError,
    NoCredentialsError,
    ReadTimeoutError,
    ResponseStreamingError,
    SSLError,
)

_URL = {"endpoint_url": "https://s3"}

REFUSALS = (
    ("SlowDown", 503),
    ("InternalError", 500),
    ("AccessDenied", 403),
    ("InvalidObjectState", 403),
    ("ExpiredToken", 400),
    ("RequestTimeout", 400),
    ("ConditionalRequestConflict", 409),
)
"""Error codes of S3 and their HTTP status."""

BROKEN_LINES: tuple[Callable[[], Exception], ...] = (
    lambda: ConnectTimeoutError(**_URL),
    lambda: ReadTimeoutError(**_URL),
    lambda: EndpointConnectionError(**_URL),
    lambda: ConnectionClosedError(**_URL),
    lambda: SSLError(**_URL, error=OSError("eof")),
    lambda: NoCredentialsError(),
    lambda: OSError("connection reset by peer"),
)
"""What is raised in place of an answer."""

BROKEN_BODIES: tuple[Callable[[], Exception], ...] = (
    lambda: IncompleteReadError(actual_bytes=1, expected_bytes=2),
    lambda: ResponseStreamingError(error="reset"),
)
"""What is raised while the answer's body is read."""
