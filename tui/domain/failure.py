"""Why a request failed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a request failed: a message for the user, and the API's error."""

    message: str
    """One line that the user can act on."""
    type: str | None = None
    """The API's error type, such as `overloaded_error`."""
    code: str | None = None
    status: int | None = None
    """The HTTP status; 200 for an error in the middle of a stream."""
    request_id: str | None = None


class ReplyFailed(Exception):
    """A reply failed, before or after it began. The text is one line for the user."""

    def __init__(
        self,
        failure: Failure,
        *,
        is_retryable: bool = False,
        retry_after: float | None = None,
        is_truncated: bool = False,
    ) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.is_retryable = is_retryable
        """Whether the same request may succeed later."""
        self.retry_after = retry_after
        """How many seconds the endpoint asks to wait."""
        self.is_truncated = is_truncated
        """Whether the connection ended while the reply was arriving."""
