"""Gives a key a new value and prints it; the old one is refused from this moment on."""

from typing import Any

from apikeys.contracts import RegenerateKey
from apikeys.management.base import KeyCommand
from apikeys.operations import regenerate_key
from raster.contracts import read_json


class Command(KeyCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        command = read_json(RegenerateKey, self.named_key(options))
        self.stdout.write(regenerate_key(self.principal, command).secret)
