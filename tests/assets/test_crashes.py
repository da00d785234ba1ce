"""A process that is killed in the middle of an upload leaves nothing half done that the sweep does not find."""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from django.conf import settings
from django.db.models import Sum

from assets import storage
from assets.clean_up import sweep_files
from assets.models import Asset, AssetEvent
from assets.staging import staging_folder
from orgs.models import AuditEntry
from tests.assets.killed import FILES
from tests.assets.stored import sweep_for_days
from tests.factories import Cast
from tests.server import database_url

DAYS = 2 * 24 * 3600


def files() -> set[Path]:
    folders = (Path(settings.MEDIA_ROOT), staging_folder())
    return {path for folder in folders for path in folder.rglob("*") if path.is_file()}


def grow_old(paths: set[Path]) -> None:
    moment = time.time() - DAYS
    for path in paths:
        os.utime(path, (moment, moment))


@pytest.mark.django_db(transaction=True)
def test_a_process_that_is_killed_after_any_step_of_an_upload_leaves_all_or_what_is_swept(
    cast: Cast, own_storage: None
) -> None:
    before = files()
    run = subprocess.run(
        [sys.executable, "-m", "tests.assets.killed"],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DATABASE_URL": database_url()},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr
    ends = [json.loads(line) for line in run.stdout.splitlines()]
    steps = Counter(end["step"] for end in ends)
    # The processes did die after each step that they took; of these, at least.
    for step, times in {
        "open": 4,
        "fsync": 8,  # of two files, and for each the three folders that lead to it
        "rename": 2,
        "chmod": 2,
        "execute": 10,
        "_commit": 1,
        "answer": 1,
    }.items():
        assert steps[step] >= times, steps

    rows = {asset.pk: asset for asset in Asset.objects.all()}
    answered = {asset_id for end in ends for asset_id in end["answered"]}
    assert len(answered) == (steps[None] + steps["answer"]) * len(FILES)
    assert answered <= set(rows)
    digests = {hashlib.sha256(data).hexdigest() for _, data in FILES}
    for asset in rows.values():
        data = storage.local_path(asset.file).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (asset.size, asset.digest)
        assert asset.digest in digests
    # All of an upload or nothing of it: both files, their histories and their bytes.
    assert len(rows) % len(FILES) == 0
    assert AssetEvent.objects.filter(kind="upload").count() == len(rows)
    assert AuditEntry.objects.filter(action="asset.upload").count() == len(rows)
    cast.acme.refresh_from_db()
    assert cast.acme.storage_used == Asset.objects.aggregate(bytes=Sum("size"))["bytes"]

    left = files() - before
    kept = {storage.local_path(asset.file) for asset in rows.values()}
    abandoned = left - kept
    assert any(path.parent == staging_folder() for path in abandoned)
    assert any("originals" in path.parts for path in abandoned)
    assert sweep_files() == {"staged files": 0, "stored files": 0}
    grow_old(left)
    swept = sweep_for_days()
    assert sum(swept.values()) == len(abandoned)
    assert files() - before == kept
