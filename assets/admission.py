"""Who may upload where, by something other than a credential in a header: an upload link, or a page's ticket."""

from dataclasses import dataclass

from orgs.access import Principal


@dataclass(frozen=True, slots=True)
class Admission:
    """A caller that may write to a library at this moment."""

    principal: Principal
    organization_id: str
    library_id: str
