"""Requests with files, as the GraphQL multipart request specification has them.

A form has the fields ``operations`` (the request, with null where files belong) and ``map`` (which part belongs where),
then the files. Whether whoever sends it may upload there is decided when the two are known, before a file is read.
"""

import re
from contextlib import ExitStack
from typing import Any

import anyio.from_thread
import anyio.to_thread
from graphql import FieldNode, IntValueNode, StringValueNode, VariableNode

from api.gate import RequestContext, guarded
from api.graphql.body import Asked, read_request
from api.graphql.schema import Outcome, Request, execute, prepare
from api.multipart import Form
from api.uploads import Body, check_declared_size, under_way
from assets.contracts import MOST_FILES, UploadAssets
from assets.operations.uploads import check_may_upload
from assets.quota import Room
from raster.contracts import read_json, read_strictly
from raster.errors import BadUserInput, RasterError
from raster.logs import RECORD
from raster.workers import fetchers, workers

#: Headers that no page of another origin sends without asking first: a form alone needs no leave.
PREFLIGHTED = (b"apollo-require-preflight", b"x-apollo-operation-name", b"x-requested-with")
UPLOAD_FIELD = "uploadAssets"
#: A place in a list, written in one way only.
NUMBER = re.compile(r"0|[1-9][0-9]?")


class _RequestForm(Form):
    """A form whose files are read once its request was admitted; ``outcome`` is what it ended as before that."""

    field_size = 64 * 1024

    def __init__(self, context: RequestContext) -> None:
        super().__init__(context.transport.headers.get(b"content-type", b""), Room())
        self._context = context
        self._principal = context.principal
        self.request: Request | None = None
        self.outcome: Outcome | None = None
        self.places: dict[str, str] = {}
        self.organization = ""
        self._under_way = ExitStack()

    @property
    def is_admitted(self) -> bool:
        return self.request is not None

    def leave(self) -> None:
        """End its being under way: its body has come."""
        self._under_way.close()

    def before_file(self) -> None:
        if self.request is None:
            self.admit()

    def admit(self) -> None:
        """Find out what is asked, and whether whoever asks may upload there; in a thread, which waits for it."""
        if not {"operations", "map"} <= self.fields.keys():
            raise BadUserInput("A form begins with its fields operations and map; its files come after them.")
        asked = read_request(self.fields["operations"])
        self.places = _read_map(self.fields["map"], asked)

        def admitting() -> tuple[Request | Outcome, Room]:
            request = prepare(*asked)
            if isinstance(request, Outcome):
                return request, Room()
            place = _place(request)
            self.organization = place.organization_id
            return request, check_may_upload(self._principal, place)

        request, self.room = anyio.from_thread.run(lambda: guarded(workers.run(admitting, self._principal.queue_owner)))
        if isinstance(request, Outcome):
            self.outcome = request
            raise request.refusals[0]
        self._under_way.enter_context(under_way(self.organization, self._context.transport.address))
        self._context.scope[RECORD]["tool"] = request.summary
        check_declared_size(self._context.transport, self.room)
        self.request = request

    def filled(self) -> Request:
        """Return the request with its files in their places."""
        if self.request is None:
            self.admit()
        request: Request = self.request  # type: ignore[assignment]  # admit makes it
        if sorted(self.parts) != sorted(self.places):
            raise BadUserInput(("map", "names each file of the form once, and no other"))
        for part, file in zip(self.parts, self.files, strict=True):
            holder, key = _holder(request.variables, self.places[part])
            holder[key] = file
        return request


async def take_form(context: RequestContext) -> Outcome:
    """Run a request that came as a form, from whom is known; storing the files looks the credential up again."""
    if not any(context.transport.headers.get(name) for name in PREFLIGHTED):
        raise BadUserInput("A form needs the header Apollo-Require-Preflight or X-Requested-With, with any value.")
    check_declared_size(context.transport, Room())
    form = _RequestForm(context)
    body = Body(context.receive)
    try:
        await guarded(body.read_into(form))
        request = await anyio.to_thread.run_sync(form.filled)
        return await context.run(lambda principal: execute(request, principal), fetchers)
    except RasterError:
        await body.linger()
        if form.outcome is None:
            raise
        return form.outcome
    finally:
        if not body.is_whole:
            context.headers["Connection"] = "close"
        form.leave()
        await anyio.to_thread.run_sync(form.discard)


def _read_map(text: str, asked: Asked) -> dict[str, str]:
    """Return the place of each part: a path into the variables, where null is."""
    given = read_strictly(text)
    if not isinstance(given, dict) or len(given) > MOST_FILES:
        raise BadUserInput(("map", f"must be an object of at most {MOST_FILES} parts"))
    places: dict[str, str] = {}
    for part, paths in given.items():
        if not isinstance(paths, list) or len(paths) != 1 or not isinstance(paths[0], str):
            raise BadUserInput(("map", "each part has a list of one path"))
        holder, key = _holder(asked.variables, paths[0])
        if holder[key] is not None or paths[0] in places.values():
            raise BadUserInput(("map", "each path is that of another null in the variables"))
        places[part] = paths[0]
    return places


def _holder(variables: dict[str, Any], path: str) -> tuple[Any, Any]:
    """Return what holds the place of a path, and the key or index there."""
    root, *steps = path.split(".")
    holder: Any = variables
    if root == "variables" and len(steps) == 1 and steps[0] in variables:
        return variables, steps[0]
    if root == "variables" and len(steps) == 2 and NUMBER.fullmatch(steps[1]):
        holder = variables.get(steps[0])
        if isinstance(holder, list) and int(steps[1]) < len(holder):
            return holder, int(steps[1])
    raise BadUserInput(("map", "a path is variables.<name> or variables.<name>.<number>"))


def _place(request: Request) -> UploadAssets:
    """Return where a request uploads to."""
    if [field.name.value for field in request.root_fields] != [UPLOAD_FIELD]:
        raise BadUserInput(f"A form asks for {UPLOAD_FIELD}, once, and for nothing else.")
    [field] = request.root_fields
    arguments = {name: _argument(field, request, name) for name in ("organizationId", "libraryId")}
    return read_json(UploadAssets, {name: value for name, value in arguments.items() if value is not None})


def _argument(field: FieldNode, request: Request, name: str) -> Any:
    """Return an argument that is an id, as it will be read."""
    [node] = [argument.value for argument in field.arguments or () if argument.name.value == name]
    if isinstance(node, VariableNode):
        variable = node.name.value
        if variable in request.variables:
            value = request.variables[variable]
            return str(value) if isinstance(value, int) else value
        declared = request.operation.variable_definitions or ()
        defaults = {each.variable.name.value: each.default_value for each in declared}
        node = defaults[variable] or node
    return node.value if isinstance(node, StringValueNode | IntValueNode) else None
