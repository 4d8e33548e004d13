"""The licences of the crates whose code is in the program and its plugins, which have to be given away with it.

The texts are those in the crates' folders, each once, with the crates that have it. A crate without a text in its
folder is listed with the licence that its manifest names.

On failure: `Refused`, with what cargo said.
"""

import json
import pathlib
import re
import subprocess

from .program import Refused

# Sources in C that crates bring with them have their licences in folders of their own.
NAMES = re.compile(r"(?i)(licen[cs]e|copying|copyright|notice|unlicense)([-_.].*)?")
HEADING = "This program contains the following software of others.\n"


def collect(root, targets):
    """The text of the file, for programs of these platforms, in Rust's names."""
    plugins = sorted(path.parent.name for path in (root / "plugins").glob("*/Cargo.toml"))
    arguments = [part for name in ["lambkin", *plugins] for part in ("--package", name)]
    arguments += ["--edges", "normal", "--prefix", "none", "--format", "{p}"]
    arguments += [part for target in targets for part in ("--target", target)]
    used = {tuple(line.split()[:2]) for line in _cargo(root, "tree", *arguments).splitlines() if line}
    platforms = [part for target in targets for part in ("--filter-platform", target)]
    metadata = json.loads(_cargo(root, "metadata", "--format-version", "1", *platforms))
    texts, without = {}, []
    for package in metadata["packages"]:
        # Packages without a source are the repository's own.
        if (package["name"], f"v{package['version']}") not in used or package["source"] is None:
            continue
        name = f"{package['name']} {package['version']}"
        found = list(_texts(pathlib.Path(package["manifest_path"]).parent))
        for text in found:
            texts.setdefault(text, []).append(name)
        if not found:
            without.append(f"{name}: {package['license']}")
    parts = [HEADING]
    parts += ["\n".join(["Their manifests name these licences:", *sorted(without)]) + "\n"] if without else []
    for text, names in sorted(texts.items(), key=lambda entry: entry[1]):
        parts.append(f"{', '.join(sorted(names))}:\n\n{text}\n")
    return ("\n" + "-" * 80 + "\n\n").join(parts).encode()


def _texts(folder):
    """The texts of licences in a crate's folder and in those one and two levels below it, without duplicates."""
    seen = set()
    for pattern in ("*", "*/*", "*/*/*"):
        for path in sorted(folder.glob(pattern)):
            if NAMES.fullmatch(path.name) and path.suffix not in (".rs", ".c", ".h", ".py", ".sh") and path.is_file():
                text = path.read_text(errors="replace").replace("\r\n", "\n").strip()
                if text and text not in seen:
                    seen.add(text)
                    yield text


def _cargo(root, *arguments):
    try:
        ran = subprocess.run(["cargo", *arguments, "--locked"], cwd=root, capture_output=True, text=True)
    except OSError as error:
        raise Refused(f"cargo cannot be run, which lists the licences of the dependencies: {error.strerror}")
    if ran.returncode != 0:
        raise Refused(f"`cargo {arguments[0]}` cannot list the dependencies and their licences: {ran.stderr.strip()}")
    return ran.stdout
