"""Deletes a key: it is refused from this moment on."""

from typing import Any

from apikeys.contracts import DeleteKey
from apikeys.management.base import KeyCommand
from apikeys.operations import delete_key
from raster.contracts import read_json
from raster.errors import ResourceNotFound


class Command(KeyCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        self.principal.organization(options["organization"])
        try:
            delete_key(self.principal, read_json(DeleteKey, self.named_key(options)))
        except ResourceNotFound as absent:
            self.say(absent.message)
