"""Says what is wrong with the credentials of a cloud, and which command repairs it.

Errors of AWS's and Google's own packages are known by their names: importing the packages
would be slow, and they may not be installed.
"""

from __future__ import annotations

import re

import anthropic

from tui.domain.cloud import Cloud
from tui.domain.endpoint import Endpoint
from tui.text.sanitise import clean_line

_RENEW = {
    "bedrock": "Renew them, for example with: aws sso login",
    "vertex": "Run: gcloud auth application-default login",
}
_NAMES = {"bedrock": "The AWS credentials", "vertex": "Google's credentials"}
_AWS_REFUSALS = (
    "ExpiredToken",
    "UnrecognizedClient",
    "InvalidClientTokenId",
    "InvalidSignature",
    "SignatureDoesNotMatch",
    "MissingAuthenticationToken",
    "IncompleteSignature",
)
"""The beginnings of the error types with which AWS refuses credentials."""

_AWS_WORDS = re.compile(
    r"security token .* is (expired|invalid)|signature we calculated|api key .*(not|in)valid",
    re.IGNORECASE,
)
"""The same in the text of a refusal: a proxy may have removed the header with the type."""

_LONGEST = 200


def credentials_problem(error: Exception, endpoint: Endpoint) -> str:
    """Return one line if an error is about the credentials of a cloud; "" if it is not."""
    cloud = endpoint.cloud
    if cloud is None:
        return ""
    if isinstance(error, anthropic.APIStatusError):
        if _is_of_credentials(error, cloud):
            return _refused(error, cloud, has_key=bool(endpoint.api_key))
        return ""
    if "Could not resolve AWS credentials" in str(error):
        return (
            "No AWS credentials were found. Run: aws configure. Or set AWS_PROFILE, or"
            " aws_profile in the profile of config.toml."
        )
    return _of_package(error, cloud)


def _is_of_credentials(error: anthropic.APIStatusError, cloud: Cloud) -> bool:
    if cloud.kind != "bedrock" or error.status_code not in (400, 403):
        return error.status_code == 401
    kind = error.response.headers.get("x-amzn-errortype", "")
    return kind.startswith(_AWS_REFUSALS) or bool(_AWS_WORDS.search(str(error.body)))


def _refused(error: anthropic.APIStatusError, cloud: Cloud, *, has_key: bool) -> str:
    if has_key:
        return f"{cloud.name} refused the key. Check the key and the address, then retry."
    kind = error.response.headers.get("x-amzn-errortype", "")
    is_expired = kind.startswith("ExpiredToken") or "is expired" in str(error.body)
    what = "have expired" if is_expired else "were refused"
    return f"{_NAMES[cloud.kind]} {what}. {_RENEW[cloud.kind]}"


def _of_package(error: Exception, cloud: Cloud) -> str:
    kind, package = type(error).__name__, type(error).__module__.partition(".")[0]
    if package == "google":
        if kind == "DefaultCredentialsError":
            return f"No Google credentials were found. {_RENEW['vertex']}"
        if kind in ("RefreshError", "ReauthFailError"):
            return f"Google's credentials have expired or were refused. {_RENEW['vertex']}"
        return f"Google's credentials could not be read: {_shown(error)}"
    if package not in ("botocore", "boto3"):
        return ""
    if kind == "ProfileNotFound":
        name = cloud.aws_profile or "AWS_PROFILE"
        return f"AWS's files have no profile {name!r}. Correct aws_profile in config.toml."
    if "SSO" in kind or "Token" in kind or "Expired" in kind:
        return f"The login to AWS has expired. {_RENEW['bedrock']}"
    return f"The AWS credentials could not be read: {_shown(error)}"


def _shown(error: Exception) -> str:
    """Return the first sentence of a package's error, as one short line."""
    text = clean_line(str(error)).partition(". ")[0].rstrip(".")
    return f"{text[:_LONGEST]}."
