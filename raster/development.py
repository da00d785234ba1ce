"""The secrets of a development installation, made once and kept in its data folder."""

import json
import os
import secrets
from pathlib import Path
from typing import TypedDict

from django.core.exceptions import ImproperlyConfigured


class DevelopmentSecrets(TypedDict):
    """What ``secrets.json`` holds."""

    secret_key: str
    key_peppers: str


def development_secrets(data_dir: Path) -> DevelopmentSecrets:
    """Return the secrets in ``data_dir/secrets.json``, making the file, which its owner alone may read, if need be.

    Processes that start at the same time agree: whoever links its file first wins, the others read that one.

    Raises:
        ImproperlyConfigured: the data folder cannot be read or written.
    """
    try:
        return _read_or_make(data_dir)
    except OSError as error:
        raise ImproperlyConfigured(
            f"RASTER_DATA_DIR: {data_dir} must be a writable folder ({error.strerror})."
        ) from None


def _read_or_make(data_dir: Path) -> DevelopmentSecrets:
    path = data_dir / "secrets.json"
    if not path.exists():
        made = DevelopmentSecrets(secret_key=secrets.token_urlsafe(48), key_peppers=f"1:{secrets.token_urlsafe(32)}")
        draft = data_dir / f".secrets-{os.getpid()}.json"
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(made))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    stored: DevelopmentSecrets = json.loads(path.read_text())
    return stored
