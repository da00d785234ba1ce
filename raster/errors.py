"""The catalogue of errors: a code, its HTTP status and its message, the same on every face."""

from collections.abc import Sequence
from math import ceil
from typing import Any, ClassVar

#: A field of the input, as callers name it, and what is wrong with it.
Problem = tuple[str, str]


class RasterError(Exception):
    """A failure that a caller is told about.

    ``message`` is safe to show to a person. ``ids`` are the assets and ``library_id`` the library that a call was
    refused for, always as the caller sent them. Subclasses give each code once; a second class with the same code
    fails when it is defined.
    """

    code: ClassVar[str]
    status: ClassVar[int]
    default_message: ClassVar[str]
    catalogue: ClassVar[dict[str, type["RasterError"]]] = {}
    #: Seconds after which the same call may succeed, where that is known.
    retry_after: int | None = None

    def __init_subclass__(cls) -> None:
        if cls.code in RasterError.catalogue:
            raise TypeError(f"The error code {cls.code} is taken by {RasterError.catalogue[cls.code].__name__}.")
        RasterError.catalogue[cls.code] = cls

    def __init__(self, message: str | None = None, *, ids: Sequence[str] = (), library_id: str | None = None) -> None:
        self.message = message or self.default_message
        self.ids = ids
        self.library_id = library_id
        super().__init__(self.message)

    @property
    def subject(self) -> dict[str, Any]:
        """What the call was refused for, as answers name it: ``ids`` and ``libraryId``, each where it is known."""
        named = {"ids": list(self.ids), "libraryId": self.library_id}
        return {name: value for name, value in named.items() if value}

    @property
    def body(self) -> dict[str, Any]:
        """The error as answers in JSON have it."""
        return {"error": {"code": self.code, "message": self.message, **self.subject}}


class Unauthenticated(RasterError):
    code = "UNAUTHENTICATED"
    status = 401
    default_message = "Send a credential: 'Authorization: Bearer <API key>'."


class InvalidAPIKey(RasterError):
    code = "INVALID_API_KEY"
    status = 401
    default_message = "This API key was refused: it is unknown, deleted or was regenerated."


class HTTPSRequired(RasterError):
    code = "HTTPS_REQUIRED"
    status = 403
    default_message = "Use HTTPS. A credential that was sent over plain HTTP should be regenerated."


class LibraryNotAuthorized(RasterError):
    """The library is unknown, or the caller has no level on it: nobody can tell which."""

    code = "API_KEY_NOT_AUTHORIZED_FOR_LIBRARY"
    status = 404
    default_message = "API key not authorized for this library."


class LibraryReadOnly(RasterError):
    code = "API_KEY_READ_ONLY"
    status = 403
    default_message = "Read access only: this needs write access to the library."


class Forbidden(RasterError):
    code = "FORBIDDEN"
    status = 403
    default_message = "Your role does not allow this."


class OrganizationNotFound(RasterError):
    code = "ORGANIZATION_NOT_FOUND"
    status = 404
    default_message = "Organization not found."


class ResourceNotFound(RasterError):
    code = "RESOURCE_NOT_FOUND"
    status = 404
    default_message = "Asset not found."


class VariantNotFound(RasterError):
    code = "NOT_FOUND"
    status = 404
    default_message = "Variant not found."


class EndpointNotFound(RasterError):
    code = "ENDPOINT_NOT_FOUND"
    status = 404
    default_message = "There is nothing at this address."


class APIVersionRequired(RasterError):
    code = "API_VERSION_REQUIRED"
    status = 400
    default_message = "Send the version of the API that you use in the header Api-Version, such as 2026-07-08."


class APIVersionUnsupported(RasterError):
    code = "API_VERSION_UNSUPPORTED"
    status = 400
    default_message = "This version of the API is not served."


class MethodNotAllowed(RasterError):
    code = "METHOD_NOT_ALLOWED"
    status = 405
    default_message = "This address answers POST requests only."

    def __init__(self, *allowed: str) -> None:
        """``allowed`` are the methods that the address answers."""
        self.allowed = ", ".join(allowed or ("POST",))
        super().__init__(f"This address answers {self.allowed} requests only.")


class BadUserInput(RasterError):
    """The input does not fit. ``problems`` has each field with its reason; the field is empty for the whole input."""

    code = "BAD_USER_INPUT"
    status = 400
    default_message = "The input is not valid."

    def __init__(self, *problems: str | Problem) -> None:
        """A problem without a field is its sentence."""
        given = problems or (self.default_message,)
        self.problems: list[Problem] = [("", each) if isinstance(each, str) else each for each in given]
        super().__init__("; ".join(f"{field}: {reason}" if field else reason for field, reason in self.problems))


class LibraryURLTaken(RasterError):
    code = "LIBRARY_URL_TAKEN"
    status = 409
    default_message = "Another library of this organization has this address. Choose another slug."


class Conflict(RasterError):
    code = "CONFLICT"
    status = 409
    default_message = "Another change of this asset is running. Try again in a moment."


class ApprovalRequiresUser(RasterError):
    code = "APPROVAL_REQUIRES_USER"
    status = 403
    default_message = "Only people set approvals: connect by OAuth instead of an API key."


class StorageLimitExceeded(RasterError):
    code = "STORAGE_LIMIT_EXCEEDED"
    status = 403
    default_message = "The organization's storage is used up. Delete assets, or ask an admin for more."


class LibraryLimitExceeded(RasterError):
    code = "LIBRARY_LIMIT_EXCEEDED"
    status = 400
    default_message = "The organization may hold no more libraries."


class EphemeralStorageLimitExceeded(RasterError):
    code = "EPHEMERAL_STORAGE_LIMIT_EXCEEDED"
    status = 403
    default_message = "An organization that nobody has claimed yet holds no more than this. Claim it first."


class EphemeralLibraryLimitExceeded(RasterError):
    code = "EPHEMERAL_LIBRARY_LIMIT_EXCEEDED"
    status = 400
    default_message = "An organization that nobody has claimed yet has one library. Claim it first."


class PayloadTooLarge(RasterError):
    code = "PAYLOAD_TOO_LARGE"
    status = 413
    default_message = "The request is larger than this address accepts."


class InsufficientScope(RasterError):
    """Write was not given to this connection; ``withheld`` by its person, or never asked for by its client."""

    code = "INSUFFICIENT_SCOPE"
    status = 403
    default_message = "This connection was not asked for with write access: connect again and ask for library:write."

    def __init__(self, *, withheld: bool) -> None:
        self.withheld = withheld
        super().__init__(
            "Read only: the person who made this connection withheld write access. They can connect again to give it."
            if withheld
            else None
        )


class RateLimited(RasterError):
    code = "RATE_LIMITED"
    status = 429
    default_message = "Too many requests. Wait before the next one."

    def __init__(self, *, retry_after: float) -> None:
        """``retry_after`` is in seconds: of a part of one, the whole is waited for."""
        self.retry_after: int = max(1, ceil(retry_after))
        super().__init__(f"Too many requests. Try again in {self.retry_after} seconds.")


class InternalServerError(RasterError):
    code = "INTERNAL_SERVER_ERROR"
    status = 500
    default_message = "Something went wrong on the server. It is safe to try again in a moment."


class ServiceUnavailable(RasterError):
    code = "SERVICE_UNAVAILABLE"
    status = 503
    default_message = "The service is briefly out of reach. Try again in a few seconds."
    retry_after = 5
