"""What all packages of a release have in common: its version, texts, completions, manual pages and time.

Everything comes from the repository's manifests, its files, and one program that runs on this machine.

On failure: `Refused`, with the file or command and what is wrong with it.
"""

import dataclasses
import os
import pathlib
import platform
import re
import subprocess
import tempfile
import tomllib

from . import notices
from .program import Refused

# Where shells look for completions below /usr/share, by the name that `lambkin completions` has for the shell.
COMPLETIONS = {
    "bash": "bash-completion/completions/lambkin",
    "fish": "fish/vendor_completions.d/lambkin.fish",
    "zsh": "zsh/vendor-completions/_lambkin",
}


@dataclasses.dataclass(frozen=True)
class Release:
    """What every package is made from, besides the program."""

    version: str
    description: str
    license: str
    # The public address of the repository, if the manifest has one.
    repository: str | None
    # `[package.metadata.binstall]`
    binstall: dict
    readme: bytes
    license_text: bytes
    # The licences of the crates in the program.
    notices: bytes
    # By shell and by file name.
    completions: dict[str, bytes]
    manual: dict[str, bytes]
    # What files are dated with, in seconds since 1970.
    time: int
    # Compress weakly, for tests.
    fast: bool = False


def read(root, runnable, targets, fast):
    """The release of the repository in the folder `root`.

    `runnable` is a program that runs on this machine, `targets` are Rust's names of the platforms of all programs.
    """
    workspace = _manifest(root / "Cargo.toml")["workspace"]["package"]
    package = _manifest(root / "host/cli/Cargo.toml")["package"]
    version = workspace["version"]
    said = _run(runnable, "--version").decode().strip()
    if said != f"lambkin {version}":
        raise Refused(f"{runnable}: says {said!r}, and Cargo.toml says version {version}; build the program again")
    with tempfile.TemporaryDirectory() as folder:
        _run(runnable, "man", folder)
        manual = {page.name: page.read_bytes() for page in sorted(pathlib.Path(folder).iterdir())}
    return Release(
        version=version,
        description=package["description"],
        license=workspace["license"],
        repository=workspace.get("repository"),
        binstall=package["metadata"]["binstall"],
        readme=(root / "README.md").read_bytes(),
        license_text=(root / "LICENSE").read_bytes(),
        notices=notices.collect(root, targets),
        completions={shell: _run(runnable, "completions", shell) for shell in COMPLETIONS},
        manual=manual,
        time=_time(root),
        fast=fast,
    )


def runs_here(program):
    """Whether this machine can run the program."""
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    return (program.system, program.machine) == (platform.system().lower(), machine)


def python_version(version):
    """A version as PEP 440 writes it: `1.0.0-rc.1` is `1.0.0rc1`."""
    matched = re.fullmatch(r"(\d+\.\d+\.\d+)(?:-(alpha|beta|rc)\.?(\d+))?", version)
    if not matched:
        raise Refused(
            f"Cargo.toml: version {version} has no counterpart in Python; there are X.Y.Z, X.Y.Z-alpha.N, X.Y.Z-beta.N "
            "and X.Y.Z-rc.N"
        )
    number, stage, count = matched.groups()
    return number if stage is None else number + {"alpha": "a", "beta": "b", "rc": "rc"}[stage] + count


def _manifest(path):
    try:
        return tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise Refused(f"{path}: cannot be read: {error}")


def _run(program, *arguments):
    """What the program prints to standard output."""
    command = [str(pathlib.Path(program).resolve()), *arguments]
    try:
        ran = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True)
    except OSError as error:
        raise Refused(f"{program}: cannot be run: {error.strerror}; is it executable, and for this machine?")
    if ran.returncode != 0:
        said = ran.stderr.decode(errors="replace").strip()
        raise Refused(f"{program}: `lambkin {' '.join(arguments)}` failed with status {ran.returncode}: {said}")
    return ran.stdout


def _time(root):
    """SOURCE_DATE_EPOCH of <https://reproducible-builds.org>, else the time of the commit, else of the manifest."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given:
        if not given.isdecimal():
            raise Refused(f"SOURCE_DATE_EPOCH is {given!r}; it must be a number of seconds since 1970")
        return int(given)
    try:
        command = ["git", "-C", str(root), "log", "-1", "--format=%ct"]
        return int(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    except (OSError, subprocess.CalledProcessError, ValueError):
        return int((root / "Cargo.toml").stat().st_mtime)
