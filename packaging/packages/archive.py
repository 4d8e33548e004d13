"""An archive for people, `cargo binstall` and the GitHub Action: the program with everything that belongs to it.

Its name and its folder are those that `[package.metadata.binstall]` in the program's manifest says.
"""

from . import files


def make(release, program):
    """The archive, as pairs of a file name and its bytes."""
    folder = folder_of(release, program.target)
    members = {
        "lambkin": files.program(program.data),
        "LICENSE": release.license_text,
        "THIRD-PARTY.txt": release.notices,
        "README.md": release.readme,
    }
    members |= {f"completions/lambkin.{shell}": script for shell, script in release.completions.items()}
    members |= {f"man/{name}": page for name, page in release.manual.items()}
    packed = files.tar_gz(release, [(f"{folder}/{path}", content) for path, content in sorted(members.items())])
    yield name_of(release, program.target), packed


def name_of(release, target):
    """The name of the archive for a platform."""
    return _expand(release, target, release.binstall["pkg-url"]).rsplit("/", 1)[-1]


def folder_of(release, target):
    """The folder in the archive."""
    return _expand(release, target, release.binstall["bin-dir"]).rsplit("/", 1)[0]


def _expand(release, target, template):
    values = {
        "name": "lambkin",
        "version": release.version,
        "target": target,
        "archive-suffix": ".tar.gz",
        "bin": "lambkin",
        "binary-ext": "",
    }
    for name, value in values.items():
        template = template.replace(f"{{ {name} }}", value)
    return template
