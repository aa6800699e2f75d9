"""Errors of AWS, each in one line that says what to do."""

from botocore import exceptions

_LOG_IN = "log in (`aws sso login`, `aws configure`), or name another profile with --profile"
_CREDENTIALS_REFUSED = {
    "ExpiredToken",
    "ExpiredTokenException",
    "RequestExpired",
    "InvalidClientTokenId",
    "InvalidAccessKeyId",
    "UnrecognizedClientException",
    "SignatureDoesNotMatch",
    "AuthFailure",
}
_FORBIDDEN = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"}


def explain(error: Exception) -> str:
    """Explain what is wrong and, if it is known, what to do about it."""
    match error:
        case exceptions.ClientError():
            return _explain_refusal(error)
        case exceptions.NoCredentialsError() | exceptions.PartialCredentialsError():
            return f"there are no credentials for AWS: {_LOG_IN}; for the local cloud add --local."
        case (
            exceptions.SSOError()
            | exceptions.SSOTokenLoadError()
            | exceptions.UnauthorizedSSOTokenError()
            | exceptions.TokenRetrievalError()
        ):
            return "the session of AWS IAM Identity Center has ended: log in again with `aws sso login`."
        case exceptions.NoRegionError():
            return "no region is chosen: name one with --region, or set AWS_REGION."
        case exceptions.HTTPClientError() | exceptions.ConnectionError():
            return f"AWS cannot be reached: {error}".rstrip(".") + "."
    return f"{error}".rstrip(".") + "."


def _explain_refusal(error: exceptions.ClientError) -> str:
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "").rstrip(".")
    if code in _CREDENTIALS_REFUSED:
        return f"AWS does not accept these credentials ({code}): {_LOG_IN}."
    if code in _FORBIDDEN:
        return (
            f"{error.operation_name} is not allowed: {message or code}. Ask whoever manages the account for the right."
        )
    return f"{error.operation_name} failed with {code}: {message}."
