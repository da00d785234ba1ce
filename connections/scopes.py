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
    """What a client asked for, in our words."""

    write: bool
    all_organizations: bool


def read_scope(text: str | None) -> Asked | None:
    """Return what a ``scope`` parameter asks for; None where it names scopes and knows none of them.

    Unknown scopes are dropped. Without any, a client asks for reading and writing, and the person decides.
    """
    names = (text or "").split()
    if not names:
        return Asked(write=True, all_organizations=False)
    known = {READ, WRITE, OFFLINE, ALL_ORGANIZATIONS}.intersection(names)
    if not known:
        return None
    return Asked(write=WRITE in known, all_organizations=ALL_ORGANIZATIONS in known)


def granted_scope(*, may_write: bool, all_organizations: bool, may_refresh: bool) -> str:
    """Return what was granted, as a token's answer says it."""
    names = [READ]
    if may_write:
        names.append(WRITE)
    if may_refresh:
        names.append(OFFLINE)
    if all_organizations:
        names.append(ALL_ORGANIZATIONS)
    return " ".join(names)
