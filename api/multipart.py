"""Forms with files, read as they come: each file goes to the disk while the next part is on its way."""

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from assets.contracts import MOST_FILES
from assets.quota import Room
from assets.staging import Arriving, Staged
from raster.errors import BadUserInput

MOST_FIELDS = 100
FIELD_SIZE = 8 * 1024
PART_HEADERS = 8
PART_HEADER_SIZE = 4 * 1024
EPILOGUE_SIZE = 1024
BROKEN = "The form is broken or cut off. Send the files as multipart/form-data."
#: How browsers and curl write what would end a file's name early.
ESCAPES = {"%22": '"', "%0D": "\r", "%0A": "\n"}


class Form:
    """A form that is being read. Whoever makes one ends it by :meth:`discard`, whatever happens.

    ``files`` are those of its parts that have a file name, ``parts`` the names of these parts, ``fields`` the others.
    Files that nobody takes over are removed at the end.
    """

    field_size = FIELD_SIZE

    @property
    def is_admitted(self) -> bool:
        """Whether it is known that who sends it may; whoever reads its fields to find out says so."""
        return True

    def __init__(self, content_type: bytes, room: Room) -> None:
        """Begin, with the value of the request's ``Content-Type`` and what there is room for.

        Raises:
            BadUserInput: it is not that of a form with files.
        """
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary", b"")
        if kind != b"multipart/form-data" or not boundary:
            raise BadUserInput("Send the files as multipart/form-data.")
        self.files: list[Staged] = []
        self.parts: list[str] = []
        self.fields: dict[str, str] = {}
        self.room = room
        self._taken = 0
        self._arriving: Arriving | None = None
        self._field = bytearray()
        self._name = ""
        self._headers: dict[bytes, bytes] = {}
        self._header, self._value = b"", b""
        self._count = 0
        self._is_complete = False
        self._after = 0
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._part_begins,
                    "on_header_field": self._header_name,
                    "on_header_value": self._header_value,
                    "on_header_end": self._header_ends,
                    "on_headers_finished": self._content_begins,
                    "on_part_data": self._content,
                    "on_part_end": self._part_ends,
                    "on_end": self._ends,
                },
                max_header_count=PART_HEADERS,
                max_header_size=PART_HEADER_SIZE,
            )
        except FormParserError:
            raise BadUserInput(BROKEN) from None

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the body.

        Raises:
            BadUserInput: it is no form, or has more parts than it may.
            PayloadTooLarge: a file is over the limit.
            StorageLimitExceeded: the files are larger than the room for them.
        """
        if self._is_complete:
            # Nothing comes after the last boundary but a line break or two.
            self._after += len(chunk)
            if self._after > EPILOGUE_SIZE:
                raise BadUserInput(BROKEN)
        try:
            self._parser.write(chunk)
        except FormParserError:
            raise BadUserInput(BROKEN) from None

    def finish(self) -> None:
        """Make sure that the form came to its end.

        Raises:
            BadUserInput: it did not.
        """
        if not self._is_complete:
            raise BadUserInput(BROKEN)

    def discard(self) -> None:
        """Remove every file of it that nobody has taken over."""
        if self._arriving is not None:
            self._arriving.discard()
            self._arriving = None
        for staged in self.files:
            with staged:
                pass

    def _part_begins(self) -> None:
        self._headers = {}
        self._field = bytearray()
        self._count += 1
        if self._count > MOST_FIELDS + MOST_FILES:
            raise BadUserInput(f"A form may have up to {MOST_FIELDS} fields.")

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_ends(self) -> None:
        self._headers[self._header.lower()] = self._value
        self._header, self._value = b"", b""

    def _content_begins(self) -> None:
        kind, options = parse_options_header(self._headers.get(b"content-disposition"))
        if kind != b"form-data" or b"name" not in options:
            raise BadUserInput(BROKEN)
        self._name = options[b"name"].decode(errors="replace")
        file_name = options.get(b"filename")
        if file_name is None:
            if len(self.fields) >= MOST_FIELDS or self._name in self.fields:
                raise BadUserInput(f"A form may have up to {MOST_FIELDS} fields, each once.")
        elif len(self.files) >= MOST_FILES:
            raise BadUserInput(f"At most {MOST_FILES} files may come at once.")
        else:
            self.before_file()
            self._arriving = Arriving(_unescaped(file_name))

    def before_file(self) -> None:
        """Raise a ``RasterError`` where no file may come after the parts so far. Forms of one kind say what is due."""

    def _content(self, data: bytes, start: int, end: int) -> None:
        if self._arriving is not None:
            self._taken += end - start
            self.room.check(self._taken)
            self._arriving.write(data[start:end])
            return
        self._field += data[start:end]
        if len(self._field) > self.field_size:
            raise BadUserInput(f"A field of a form may have up to {self.field_size} bytes.")

    def _part_ends(self) -> None:
        if self._arriving is None:
            self.fields[self._name] = self._field.decode(errors="replace")
            return
        staged = self._arriving.complete()
        self._arriving = None
        if staged.given_name or staged.size:
            self.files.append(staged)
            self.parts.append(self._name)
        else:  # what browsers send of a choice of files that was left empty
            with staged:
                pass

    def _ends(self) -> None:
        self._is_complete = True


def _unescaped(file_name: bytes) -> str:
    text = file_name.decode(errors="replace")
    for escaped, character in ESCAPES.items():
        text = text.replace(escaped, character)
    return text
