"""Packages for npm: `lambkin` with a launcher, and one package with the program for each platform.

The launcher's package names the others as optional dependencies, of which npm installs the one whose `os` and `cpu` are
those of the machine. Nothing is downloaded or run on installation.
"""

import json

from . import files

SYSTEMS = {"linux": "linux", "darwin": "darwin"}
MACHINES = {"x86_64": "x64", "aarch64": "arm64"}


def name_of(program):
    """The name of the package with the program: that of its platform in Node.js."""
    return f"@lambkin/{SYSTEMS[program.system]}-{MACHINES[program.machine]}"


def make(release, program):
    """The package of a platform, as pairs of a file name and its bytes."""
    name = name_of(program)
    manifest = _manifest(release, name, f"{release.description}: the program for {program.platform}")
    manifest |= {"os": [SYSTEMS[program.system]], "cpu": [MACHINES[program.machine]]}
    if program.glibc is not None:
        manifest["libc"] = ["glibc"]
    # Yarn would leave it in a zip archive, where it cannot be started.
    manifest["preferUnplugged"] = True
    text = f"The program for {program.platform} of the package `lambkin`, which installs this one.\n".encode()
    members = {"bin/lambkin": files.program(program.data), "THIRD-PARTY.txt": release.notices, "README.md": text}
    yield _pack(release, manifest, members)


def make_launcher(release, programs, launcher):
    """The package that people install; `launcher` is the source of its command."""
    manifest = _manifest(release, "lambkin", release.description)
    manifest |= {
        "keywords": ["aws", "lambda", "emulator", "serverless", "testing"],
        "bin": {"lambkin": "bin/lambkin.js"},
        "man": [f"./man/{name}" for name in release.manual],
        "engines": {"node": ">=16"},
        "optionalDependencies": {name: release.version for name in sorted(map(name_of, programs))},
    }
    members = {"bin/lambkin.js": files.program(launcher), "README.md": release.readme}
    members |= {f"man/{name}": page for name, page in release.manual.items()}
    yield _pack(release, manifest, members)


def _manifest(release, name, description):
    manifest = {"name": name, "version": release.version, "description": description, "license": release.license}
    if release.repository:
        manifest["repository"] = {"type": "git", "url": f"git+{release.repository}"}
    return manifest


def _pack(release, manifest, members):
    members = {
        "package.json": json.dumps(manifest, indent=2).encode() + b"\n",
        "LICENSE": release.license_text,
        **members,
    }
    file = f"{manifest['name'].removeprefix('@').replace('/', '-')}-{release.version}.tgz"
    return file, files.tar_gz(release, [(f"package/{path}", content) for path, content in members.items()])
