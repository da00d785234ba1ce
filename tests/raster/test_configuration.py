"""Settings from the environment: what is wrong is refused at the start with a sentence, and all of it is documented."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from raster.environment import KNOWN, PREFIXES

PRODUCTION = {
    "RASTER_BASE_URL": "https://raster.example.com",
    "SECRET_KEY": "a secret key that is long enough to be one",
    "RASTER_KEY_PEPPERS": "1:a pepper that is long enough to be one",
}


def start(tmp_path: Path, **environment: str | None) -> str:
    """Read the settings in a fresh process with these variables; return its error's last line, empty if all is well."""
    variables = {"PATH": os.environ["PATH"], "RASTER_DATA_DIR": str(tmp_path / "data"), **PRODUCTION, **environment}
    finished = subprocess.run(
        [sys.executable, "-c", "import raster.settings"],
        cwd=settings.BASE_DIR,
        env={name: value for name, value in variables.items() if value is not None},
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if finished.returncode == 0 else finished.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("RASTER_BASE_URL", None, "RASTER_BASE_URL must be set"),
        ("RASTER_BASE_URL", "http://raster.example.com", "RASTER_BASE_URL must be an https URL"),
        ("RASTER_BASE_URL", "raster.example.com", "RASTER_BASE_URL is 'raster.example.com'; it takes an origin"),
        ("RASTER_BASE_URL", "https://raster.example.com/app", "it takes an origin"),
        ("RASTER_BASE_URL", "https://user@raster.example.com", "it takes an origin"),
        ("RASTER_BASE_URL", "https://raster.example.com?", "it takes an origin"),
        ("RASTER_BASE_URL", "https://raster.example.com:port", "it takes an origin"),
        ("RASTER_DEV", "yes", "RASTER_DEV is 'yes'; it takes 1 or 0"),
        ("RASTER_KEY_PEPPERS", None, "RASTER_KEY_PEPPERS must be set"),
        ("RASTER_KEY_PEPPERS", ",", "RASTER_KEY_PEPPERS must hold at least one pepper"),
        ("RASTER_KEY_PEPPERS", "no-number", "RASTER_KEY_PEPPERS takes pairs such as 1:secret"),
        ("RASTER_KEY_PEPPERS", f"0:{'a' * 32}", "RASTER_KEY_PEPPERS takes pairs such as 1:secret"),
        ("RASTER_KEY_PEPPERS", f"1:{'a' * 32},1:{'b' * 32}", "each number (1-32767) once"),
        ("RASTER_KEY_PEPPERS", "1:short", "pepper 1 is shorter than 32 characters"),
        ("RASTER_MCP_HOST", "https://mcp.example.com", "RASTER_MCP_HOST is 'https://mcp.example.com'; it takes a host"),
        ("RASTER_MEDIA_HOST", "media.example.com/files", "RASTER_MEDIA_HOST is"),
        ("RASTER_ALLOWED_ORIGINS", "app.example.com", "RASTER_ALLOWED_ORIGINS has 'app.example.com'"),
        ("RASTER_TRUSTED_PROXIES", "10.0.0.0/8, proxy", "RASTER_TRUSTED_PROXIES: 'proxy'"),
        ("RASTER_FETCH_ALLOW", "https://id.corp.example", "RASTER_FETCH_ALLOW has 'https://id.corp.example'"),
        ("RASTER_FETCH_ALLOW", "10.0.0.0/33", "RASTER_FETCH_ALLOW has '10.0.0.0/33'; it takes host names and networks"),
        ("RASTER_FETCH_ALLOW", "10.0.0.256", "RASTER_FETCH_ALLOW has '10.0.0.256'"),
        ("RASTER_REDIRECT_SCHEMES", "myeditor, javascript", "RASTER_REDIRECT_SCHEMES has 'javascript'; it takes"),
        ("RASTER_REDIRECT_SCHEMES", "myeditor://", "RASTER_REDIRECT_SCHEMES has 'myeditor://'"),
        ("RASTER_MAX_FILE_SIZE", "big", "RASTER_MAX_FILE_SIZE is 'big'; it takes a size such as 500 MB"),
        ("RASTER_MAX_FILE_SIZE", "0", "RASTER_MAX_FILE_SIZE is '0'; it takes a size"),
        ("RASTER_MAX_FILE_SIZE", "1.5 GB", "RASTER_MAX_FILE_SIZE is '1.5 GB'; it takes a size"),
        ("RASTER_FREE_SPACE", "none", "RASTER_FREE_SPACE is 'none'; it takes a size"),
        ("RASTER_STORAGE_QUOTA", "-1 GB", "RASTER_STORAGE_QUOTA is '-1 GB'; it takes a size"),
        ("RASTER_LIBRARY_QUOTA", "0", "RASTER_LIBRARY_QUOTA is '0'; it takes a whole number from 1"),
        ("RASTER_LIBRARY_QUOTA", "many", "RASTER_LIBRARY_QUOTA is 'many'; it takes a whole number"),
        ("RASTER_LIBRARY_QUOTA", "²", "RASTER_LIBRARY_QUOTA is '²'; it takes a whole number"),
        ("RASTER_WORKER", "none", "RASTER_WORKER is 'none'; it takes one of server, apart"),
        ("RASTER_SIGNUP", "everybody", "RASTER_SIGNUP is 'everybody'; it takes one of invite, open, closed"),
        ("RASTER_SIGNUP", "open", "RASTER_SIGNUP=open needs mail"),
        ("RASTER_SINGUP", "open", "Unknown setting RASTER_SINGUP"),
        ("RASTER_STORAGE", "/srv/files", "RASTER_STORAGE takes local, or s3://BUCKET/PREFIX"),
        ("RASTER_STORAGE", "https://bucket", "RASTER_STORAGE takes local"),
        ("RASTER_STORAGE", "s3://", "RASTER_STORAGE takes local"),
        ("RASTER_STORAGE", "s3://key:hunter2@bucket", "RASTER_STORAGE takes local"),
        ("RASTER_STORAGE", "s3://Bucket", "RASTER_STORAGE takes local"),
        ("RASTER_STORAGE", "s3://bucket/a/../b", "RASTER_STORAGE takes local"),
        ("RASTER_STORAGE", "s3://bucket?endpoint=minio:9000", "RASTER_STORAGE takes local"),
        ("RASTER_STORAGE", "s3://bucket?endpoint=https://s3.example.com/bucket", "RASTER_STORAGE takes local"),
        ("RASTER_STORAGE", "s3://bucket?addressing=both", "RASTER_STORAGE takes local"),
        ("RASTER_STORAGE", "s3://bucket?secret=hunter2", "RASTER_STORAGE takes local"),
        ("SECRET_KEY", None, "SECRET_KEY must be set"),
        ("SECRET_KEY", "short", "SECRET_KEY is shorter than 32 characters"),
        ("DATABASE_URL", "raster.sqlite3", "DATABASE_URL takes sqlite:///PATH or postgresql://"),
        ("DATABASE_URL", "mysql://user@host/raster", "DATABASE_URL takes sqlite:///"),
        ("DATABASE_URL", "postgresql://user:hunter2@host:port/raster", "DATABASE_URL takes sqlite:///"),
        ("RASTER_DATABASE_POOL", "0", "RASTER_DATABASE_POOL is '0'; it takes a whole number from 1."),
        ("RASTER_DATABASE_MCP_POOL", "off", "RASTER_DATABASE_MCP_POOL is 'off'; it takes a whole number from 1."),
        ("EMAIL_PORT", "smtp", "EMAIL_PORT is 'smtp'; it takes a port"),
        ("EMAIL_PORT", "65536", "EMAIL_PORT is '65536'; it takes a port"),
        ("EMAIL_USE_TLS", "true", "EMAIL_USE_TLS is 'true'; it takes 1 or 0"),
        ("EMAIL_USE_SSL", "ssl", "EMAIL_USE_SSL is 'ssl'; it takes 1 or 0"),
        ("EMAIL_HOST_PASWORD", "hunter2", "Unknown setting EMAIL_HOST_PASWORD"),
        ("EMAIL_TIMEOUT", "60", "Unknown setting EMAIL_TIMEOUT"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_a_sentence(
    tmp_path: Path, name: str, value: str | None, sentence: str
) -> None:
    error = start(tmp_path, **{name: value})
    assert error.startswith("django.core.exceptions.ImproperlyConfigured: ")
    assert sentence in error
    assert "hunter2" not in error


def test_mail_is_encrypted_in_one_way(tmp_path: Path) -> None:
    assert "exclude each other" in start(tmp_path, EMAIL_USE_SSL="1", EMAIL_USE_TLS="1")
    assert start(tmp_path, EMAIL_USE_SSL="1") == start(tmp_path, EMAIL_USE_SSL="1", EMAIL_USE_TLS="0") == ""
    assert start(tmp_path, EMAIL="erin@example.com") == ""  # which people's shells may set for other programs


@pytest.mark.parametrize(
    ("environment", "mail"),
    [
        ({}, "587 True False"),
        ({"EMAIL_USE_SSL": "1"}, "465 False True"),
        ({"EMAIL_USE_SSL": "1", "EMAIL_PORT": "1465"}, "1465 False True"),
        ({"EMAIL_USE_TLS": "0"}, "587 False False"),
    ],
)
def test_the_port_and_the_encryption_of_mail_fit_each_other(
    tmp_path: Path, environment: dict[str, str], mail: str
) -> None:
    shown = subprocess.run(
        [sys.executable, "-c", "from raster.settings import *; print(EMAIL_PORT, EMAIL_USE_TLS, EMAIL_USE_SSL)"],
        cwd=settings.BASE_DIR,
        env={"PATH": os.environ["PATH"], "RASTER_DATA_DIR": str(tmp_path / "data"), **PRODUCTION, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.strip() == mail


def test_a_command_tells_what_is_wrong_and_nothing_else(tmp_path: Path) -> None:
    finished = subprocess.run(
        [sys.executable, "manage.py", "migrate"],
        cwd=settings.BASE_DIR,
        env={"PATH": os.environ["PATH"], "RASTER_DATA_DIR": str(tmp_path / "data")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (finished.returncode, finished.stdout) == (1, "")
    assert finished.stderr == "SECRET_KEY must be set. See docs/configuration.md.\n"


@pytest.mark.parametrize("value", ["local", "s3://bucket", "s3://bucket/a/b/?endpoint=http://localhost:9000&region=x"])
def test_files_are_kept_in_a_folder_or_a_bucket(tmp_path: Path, value: str) -> None:
    assert start(tmp_path, RASTER_STORAGE=value) == ""


def test_three_settings_are_enough_for_an_installation(tmp_path: Path) -> None:
    assert start(tmp_path) == ""


def test_development_needs_none_and_keeps_its_secrets_to_itself(tmp_path: Path) -> None:
    assert start(tmp_path, RASTER_DEV="1", **dict.fromkeys(PRODUCTION)) == ""
    assert (tmp_path / "data" / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_every_setting_is_documented_and_nothing_else() -> None:
    documented = set(
        re.findall(r"^\| `([A-Z_]+)`", (settings.BASE_DIR / "docs" / "configuration.md").read_text(), re.MULTILINE)
    )
    source = (settings.BASE_DIR / "raster" / "settings.py").read_text()
    read = set(re.findall(r"""environment\.\w+\(["']([A-Z_]+)["']""", source))
    assert {name for name in documented if name.startswith(PREFIXES)} == KNOWN
    assert documented == read
