"""A keyring in a file, for `PYTHON_KEYRING_BACKEND`; it fails as `KEYRING_FAULT` says."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, NoKeyringError

NAME = f"{__name__}.FileKeyring"


class FileKeyring(KeyringBackend):
    """Keeps passwords as JSON in the file that `KEYRING_FILE` names."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def get_password(self, service: str, username: str) -> str | None:
        found = self._read().get(f"{service} {username}")
        return None if found is None else str(found)

    def set_password(self, service: str, username: str, password: str) -> None:
        self._write(self._read() | {f"{service} {username}": password})

    def delete_password(self, service: str, username: str) -> None:
        kept = self._read()
        del kept[f"{service} {username}"]
        self._write(kept)

    @property
    def _file(self) -> Path:
        return Path(os.environ["KEYRING_FILE"])

    def _read(self) -> dict[str, str]:
        match os.environ.get("KEYRING_FAULT"):
            case "locked":
                raise KeyringLocked("sk-in-an-error")
            case "absent":
                raise NoKeyringError("sk-in-an-error")
            case "broken":
                raise RuntimeError("sk-in-an-error")
            case "silent":
                threading.Event().wait()
            case _:
                pass
        if not self._file.exists():
            return {}
        kept: dict[str, str] = json.loads(self._file.read_text(encoding="utf-8"))
        return kept

    def _write(self, kept: dict[str, str]) -> None:
        self._file.write_text(json.dumps(kept), encoding="utf-8")
