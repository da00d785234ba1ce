"""The secrets of a development installation, made once and kept in its data folder."""

import json
import os
import secrets
from pathlib import Path
from typing import TypedDict


class DevelopmentSecrets(TypedDict):
    """What ``secrets.json`` holds."""

    secret_key: str
    key_peppers: str


def development_secrets(data_dir: Path) -> DevelopmentSecrets:
    """Return the secrets in ``data_dir/secrets.json``, making the file, which its owner alone may read, if need be.

    Processes that start at the same time agree: whoever links its file first wins, the others read that one.
    """
    path = data_dir / "secrets.json"
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
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
