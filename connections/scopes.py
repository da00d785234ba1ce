"""What a client may ask for."""

from dataclasses import dataclass

READ = "library:read"
WRITE = "library:write"
OFFLINE = "offline_access"
ALL_ORGANIZATIONS = "organizations:all"
#: Those that clients are told of. ``organizations:all`` is for clients whose makers read the documentation.
LISTED = (READ, WRITE, OFFLINE)
#: Those that the work of every tool needs: named in each challenge, so that a client asks once.
CHALLENGED = f"{READ} {WRITE}"


@dataclass(frozen=True, slots=True)
class Asked:
    """The scopes that a client asked for. ``write`` includes reading; ``read`` is whether it was named."""

    read: bool = False
    write: bool = False
    offline: bool = False
    all_organizations: bool = False

    @property
    def text(self) -> str:
        """The same as a ``scope`` parameter."""
        asked = {READ: self.read, WRITE: self.write, OFFLINE: self.offline, ALL_ORGANIZATIONS: self.all_organizations}
        return " ".join(name for name, is_asked in asked.items() if is_asked)


#: Without any scope, a client asks for reading and writing, and the person decides.
DEFAULT = Asked(read=True, write=True)


def read_scope(text: str | None) -> Asked | None:
    """Return what a ``scope`` parameter asks for; None where it names scopes and knows none of them.

    Unknown scopes are dropped.
    """
    names = (text or "").split()
    if not names:
        return DEFAULT
    asked = Asked(
        read=READ in names,
        write=WRITE in names,
        offline=OFFLINE in names,
        all_organizations=ALL_ORGANIZATIONS in names,
    )
    return asked if asked.text else None


def granted_scope(asked: Asked, *, may_write: bool, all_organizations: bool, may_refresh: bool) -> str:
    """Return what was granted of what a client asked for (RFC 6749, section 5.1).

    A scope that was not asked for is not named, though it may be included or given anyway: several clients take any
    difference from what they asked for as an error. Reading is the exception where it is all that was granted.
    """
    granted = Asked(
        read=asked.read or not may_write,
        write=may_write,
        offline=asked.offline and may_refresh,
        all_organizations=all_organizations,
    )
    return granted.text
