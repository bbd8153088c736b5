"""Fetch CommonMark's examples for `test_commonmark.py`. Run this once, with a network.

They are part of the source of markdown-it-py, at the installed version. The script saves
them where git ignores them.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
from importlib.metadata import version
from pathlib import Path

SPEC = Path(__file__).parents[2] / ".cache" / "commonmark-spec.json"
INSIDE = "tests/test_cmark_spec/commonmark.json"


def fetch() -> None:
    """Download the source of the installed markdown-it-py and take the examples from it."""
    wanted = f"markdown-it-py=={version('markdown-it-py')}"
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        subprocess.run([*pip, "--no-binary", ":all:", "--dest", folder, wanted], check=True)
        archive = next(Path(folder).glob("*.tar.gz"))
        with tarfile.open(archive) as source:
            name = next(name for name in source.getnames() if name.endswith(INSIDE))
            examples = source.extractfile(name)
            assert examples is not None
            SPEC.parent.mkdir(exist_ok=True)
            SPEC.write_bytes(examples.read())


if __name__ == "__main__":
    fetch()
