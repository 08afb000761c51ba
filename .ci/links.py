#!/usr/bin/env python3
"""Whether what Markdown links to in this repository is there: `.ci/links.py`. Not looked at: addresses of other sites, and places
within a file. Links in documentation comments are for rustdoc to check."""

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"\[[^\]]*\]\(([^()\s]+)\)|^\[[^\]]+\]: *(\S+)", re.MULTILINE)
BLOCK = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)


def main():
    files = subprocess.run(["git", "ls-files", "-z", "*.md"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    links = missing = 0
    for name in filter(None, files.split("\0")):
        for match in LINK.finditer(BLOCK.sub("", (ROOT / name).read_text())):
            target = unquote((match[1] or match[2]).partition("#")[0])
            if not target or re.match(r"[a-z+]+:", target):
                continue
            links += 1
            if not (ROOT / name).parent.joinpath(target).exists():
                missing += 1
                print(f"{name}: there is no {target}")
    print(f"{links} links within the repository, {missing} of them to nothing")
    sys.exit(1 if missing or not links else 0)


if __name__ == "__main__":
    main()
