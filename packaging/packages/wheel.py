"""A wheel for pip, pipx and uv: the program is a script of the distribution, so it lands in the environment's `bin`.

It has the form that maturin gives to a program (its bindings `bin`), without Python code, and so fits every version of
Python. The format: <https://packaging.python.org/en/latest/specifications/binary-distribution-format/>.
"""

import base64
import hashlib
import io
import time
import zipfile

from . import files, release as releases


def make(release, program):
    """The wheel, as pairs of a file name and its bytes."""
    version = releases.python_version(release.version)
    tags = [f"py3-none-{platform}" for platform in platforms(program)]
    info = f"lambkin-{version}.dist-info"
    data = f"lambkin-{version}.data"
    members = {f"{data}/scripts/lambkin": files.program(program.data)}
    members |= {f"{data}/data/share/man/man1/{name}": page for name, page in release.manual.items()}
    members |= {
        f"{info}/METADATA": _metadata(release, version),
        f"{info}/WHEEL": _wheel(tags),
        f"{info}/licenses/LICENSE": release.license_text,
        f"{info}/licenses/THIRD-PARTY.txt": release.notices,
    }
    # Installers read METADATA first: it comes last, where they find it without reading the rest.
    yield f"lambkin-{version}-py3-none-{'.'.join(platforms(program))}.whl", _zip(release, members, f"{info}/RECORD")


def platforms(program):
    """The tags of the platforms on which the program runs; a static program runs with any C library."""
    if program.system == "darwin":
        major, minor = program.macos
        machine = "arm64" if program.machine == "aarch64" else program.machine
        # From version 11 on, there are tags of the major versions only.
        return [f"macosx_{major}_{minor if major == 10 else 0}_{machine}"]
    if program.glibc is None:
        return [f"{tag}_{program.machine}" for tag in ("manylinux_2_17", "manylinux2014", "musllinux_1_1")]
    return [f"manylinux_2_{max(program.glibc, 17)}_{program.machine}"]


def _metadata(release, version):
    lines = [
        "Metadata-Version: 2.4",
        "Name: lambkin",
        f"Version: {version}",
        f"Summary: {release.description}",
        f"License-Expression: {release.license}",
        "License-File: LICENSE",
        "License-File: THIRD-PARTY.txt",
        "Keywords: aws,lambda,emulator,serverless,testing",
        "Requires-Python: >=3.7",
        "Classifier: Environment :: Console",
        "Classifier: Intended Audience :: Developers",
        "Classifier: Programming Language :: Rust",
        "Classifier: Topic :: Software Development :: Testing",
        "Description-Content-Type: text/markdown; charset=UTF-8",
    ]
    lines += [f"Project-URL: Source, {release.repository}"] if release.repository else []
    return "\n".join(lines).encode() + b"\n\n" + release.readme


def _wheel(tags):
    lines = ["Wheel-Version: 1.0", "Generator: packaging/pack", "Root-Is-Purelib: false"]
    lines += [f"Tag: {tag}" for tag in tags]
    return "\n".join(lines).encode() + b"\n"


def _zip(release, members, record):
    """An archive with the members, and the list of them with their hashes as its last one."""
    packed, lines = io.BytesIO(), []
    # Zip has no times before 1980.
    date = time.gmtime(max(release.time, 315_532_800))[:6]
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=files.level(release)) as archive:

        def add(path, data, mode):
            entry = zipfile.ZipInfo(path, date)
            entry.external_attr = (0o100000 | mode) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)

        for path, content in members.items():
            data, mode = content if isinstance(content, tuple) else (content, 0o644)
            add(path, data, mode)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            lines.append(f"{path},sha256={digest},{len(data)}")
        lines.append(f"{record},,")
        add(record, ("\n".join(lines) + "\n").encode(), 0o644)
    return packed.getvalue()
