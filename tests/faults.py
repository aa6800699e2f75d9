"""All ways in which a call of boto3 to S3 can fail."""

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

# Error codes of S3 and their HTTP status.
REFUSALS = (
    ("SlowDown", 503),
    ("InternalError", 500),
    ("AccessDenied", 403),
    ("InvalidObjectState", 403),
    ("ExpiredToken", 400),
    ("RequestTimeout", 400),
    ("ConditionalRequestConflict", 409),
)

# Errors that boto3 raises if it gets no answer.
BROKEN_LINES: tuple[Callable[[], Exception], ...] = (
    lambda: ConnectTimeoutError(**_URL),
    lambda: ReadTimeoutError(**_URL),
    lambda: EndpointConnectionError(**_URL),
    lambda: ConnectionClosedError(**_URL),
    lambda: SSLError(**_URL, error=OSError("eof")),
    lambda: NoCredentialsError(),
    lambda: OSError("connection reset by peer"),
)

# Errors that boto3 raises while it reads the body of an answer.
BROKEN_BODIES: tuple[Callable[[], Exception], ...] = (
    lambda: IncompleteReadError(actual_bytes=1, expected_bytes=2),
    lambda: ResponseStreamingError(error="reset"),
)
