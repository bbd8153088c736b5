"""Says what is wrong with the credentials of a cloud, and which command repairs it.

Errors of AWS's and Google's own packages are known by their names: importing the packages
would be slow, and they may not be installed.
"""

from __future__ import annotations

import re

import anthropic

from tui.domain.cloud import Cloud
from tui.domain.endpoint import Endpoint

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
    r"security token .* is (expired|invalid)|signature we calculated|authentication failed",
    re.IGNORECASE,
)
"""The same in the text of a refusal: a proxy may have removed the header with the type."""

_EXPIRED_LOGINS = {"SSOError", "TokenRetrievalError", "LoginError"}
"""The errors of botocore for a login that has ended."""


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
    package = type(error).__module__.partition(".")[0]
    kinds = {each.__name__ for each in type(error).__mro__}
    # The texts of these errors are not shown: they may quote a helper that prints a secret.
    unread = f"could not be read ({type(error).__name__})"
    if package == "google":
        if "DefaultCredentialsError" in kinds:
            return f"No Google credentials were found. {_RENEW['vertex']}"
        is_refused = kinds & {"RefreshError", "OAuthError"}
        what = "have expired or were refused" if is_refused else unread
        return f"Google's credentials {what}. {_RENEW['vertex']}"
    if package not in ("botocore", "boto3"):
        return ""
    if "ProfileNotFound" in kinds:
        name = repr(cloud.aws_profile) if cloud.aws_profile else "of the name in AWS_PROFILE"
        return f"AWS's files have no profile {name}. Correct the name."
    if kinds & _EXPIRED_LOGINS:
        return "The login to AWS has expired. Run: aws sso login. Or without SSO: aws login"
    return f"The AWS credentials {unread}. Check them with: aws sts get-caller-identity"
