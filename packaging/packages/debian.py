"""A package for Debian, Ubuntu and what is made from them, for `apt-get install ./lambkin_*.deb`.

`dpkg-deb` builds it from a folder with the files as they are installed. DEBFULLNAME and DEBEMAIL say who maintains it,
as for Debian's own tools.

On failure: `Refused`, with what `dpkg-deb` said.
"""

import email.utils
import hashlib
import os
import pathlib
import re
import subprocess
import tempfile
import time

from . import files
from .program import Refused
from .release import COMPLETIONS

MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
LONG_DESCRIPTION = """\
 Lambkin starts the functions of a project as native processes, speaks AWS
 Lambda's protocols to them, and imitates the services in front of them:
 API Gateway, function URLs, load balancers, SQS and S3. It needs no Docker,
 no AWS account and no network.
"""
COPYRIGHT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: lambkin

Files: *
Copyright: YEAR the authors of Lambkin
License: Apache-2.0
 On Debian systems, the text is in /usr/share/common-licenses/Apache-2.0.
Comment: The licences of the software of others in the program are in THIRD-PARTY.txt.gz in this folder.
"""


def make(release, program):
    """The package, as pairs of a file name and its bytes."""
    # A pre-release sorts before its release with a tilde.
    version = release.version.replace("-", "~")
    machine = MACHINES[program.machine]
    maintainer = email.utils.formataddr(
        (os.environ.get("DEBFULLNAME", "Lambkin"), os.environ.get("DEBEMAIL", "lambkin@localhost"))
    )
    contents = _contents(release, program, version, maintainer)
    control = _control(release, program, version, machine, maintainer, contents)
    yield f"lambkin_{version}_{machine}.deb", _build(release, contents, control)


def _contents(release, program, version, maintainer):
    """The files by their paths from the root, with their modes."""
    share, doc = "usr/share", "usr/share/doc/lambkin"
    # In Debian's form of a date: `Sun, 29 Nov 2026 12:00:00 +0000`
    date = email.utils.formatdate(release.time).replace("-0000", "+0000")
    changelog = (
        f"lambkin ({version}) unstable; urgency=medium\n\n"
        f"  * Version {release.version}.\n\n"
        f" -- {maintainer}  {date}\n"
    )
    contents = {
        "usr/bin/lambkin": files.program(program.data),
        f"{doc}/copyright": (COPYRIGHT.replace("YEAR", str(time.gmtime(release.time).tm_year)).encode(), 0o644),
        f"{doc}/THIRD-PARTY.txt.gz": (files.gzipped(release, release.notices), 0o644),
        f"{doc}/changelog.gz": (files.gzipped(release, changelog.encode()), 0o644),
    }
    for shell, script in release.completions.items():
        contents[f"{share}/{COMPLETIONS[shell]}"] = (script, 0o644)
    for name, page in release.manual.items():
        contents[f"{share}/man/man1/{name}.gz"] = (files.gzipped(release, page), 0o644)
    if program.glibc is None:
        # Debian's checker takes a static program whose place in memory is random for a library.
        override = b"lambkin: shared-library-lacks-prerequisites [usr/bin/lambkin]\n"
        contents[f"{share}/lintian/overrides/lambkin"] = (override, 0o644)
    return contents


def _control(release, program, version, machine, maintainer, contents):
    depends = sorted(program.libraries - {"libc6"})
    if "libc6" in program.libraries:
        depends.insert(0, f"libc6 (>= 2.{program.glibc})")
    # In KiB, as dpkg counts: each file rounded up.
    size = sum(-(-len(data) // 1024) for data, _ in contents.values())
    # Debian wants no article and no full stop in the first line.
    lines = [
        "Package: lambkin",
        f"Version: {version}",
        f"Architecture: {machine}",
        f"Maintainer: {maintainer}",
        f"Installed-Size: {size}",
        *([f"Depends: {', '.join(depends)}"] if depends else []),
        "Section: devel",
        "Priority: optional",
        *([f"Homepage: {release.repository}"] if release.repository else []),
        f"Description: {release.description}",
    ]
    return "\n".join(lines) + "\n" + LONG_DESCRIPTION


def _build(release, contents, control):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder, "root")
        sums = "".join(f"{hashlib.md5(data).hexdigest()}  {path}\n" for path, (data, _) in sorted(contents.items()))
        everything = contents | {"DEBIAN/control": (control.encode(), 0o644), "DEBIAN/md5sums": (sums.encode(), 0o644)}
        for path, (data, mode) in everything.items():
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
            file.chmod(mode)
        for path in [root, *root.rglob("*")]:
            if path.is_dir():
                path.chmod(0o755)
            os.utime(path, (release.time, release.time))
        package = pathlib.Path(folder, "package.deb")
        # Older versions of dpkg know no other strong compression than xz.
        compression = ["-Zgzip", "-z1"] if release.fast else ["-Zxz", "-z9"]
        command = ["dpkg-deb", "--root-owner-group", *compression, "--build", str(root), str(package)]
        environment = os.environ | {"SOURCE_DATE_EPOCH": str(release.time)}
        try:
            ran = subprocess.run(command, env=environment, capture_output=True, text=True)
        except OSError:
            raise Refused(
                "dpkg-deb is missing: install it (the package dpkg, also of Homebrew), or leave the Debian package "
                "out: --without deb"
            )
        if ran.returncode != 0:
            said = re.sub(re.escape(folder), "", ran.stderr).strip()
            raise Refused(f"dpkg-deb cannot build the Debian package of {release.version}: {said}")
        return package.read_bytes()
