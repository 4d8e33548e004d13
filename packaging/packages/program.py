"""What a built program is: the system, the processor and the libraries that it is for, read from the file itself.

On failure: `Refused`, with the file and what is wrong with it. Nothing is run to find out, so that a program for
another machine can be packed.
"""

import dataclasses
import pathlib
import re
import struct

# Each processor by its number in ELF and Mach-O.
ELF_MACHINES = {62: "x86_64", 183: "aarch64"}
MACH_MACHINES = {0x0100_0007: "x86_64", 0x0100_000C: "aarch64"}
OTHER_ELF_MACHINES = {8: "MIPS", 21: "PowerPC", 22: "S/390", 243: "RISC-V", 258: "LoongArch"}
SUPPORTED = "packages are made for Linux and macOS on x86_64 and aarch64"

# Debian's package of each library that the program may need; all of them are on every Linux with glibc.
LIBRARIES = {
    "ld-linux-aarch64.so.1": "libc6",
    "ld-linux-x86-64.so.2": "libc6",
    "libc.so.6": "libc6",
    "libdl.so.2": "libc6",
    "libgcc_s.so.1": "libgcc-s1",
    "libm.so.6": "libc6",
    "libpthread.so.0": "libc6",
    "librt.so.1": "libc6",
}


class Refused(Exception):
    """A message for the user: what cannot be packed, why, and what to do."""


@dataclasses.dataclass(frozen=True)
class Program:
    """A program and what it is for."""

    path: pathlib.Path
    data: bytes
    # `linux` or `darwin`
    system: str
    # `x86_64` or `aarch64`
    machine: str
    # Linux: the minor version of the glibc 2 that it needs; None for a static program.
    glibc: int | None = None
    # Linux: Debian's packages with the libraries that it needs.
    libraries: frozenset[str] = frozenset()
    # macOS: the oldest version on which it runs.
    macos: tuple[int, int] = (0, 0)

    @property
    def target(self):
        """Rust's name of the platform."""
        if self.system == "darwin":
            return f"{self.machine}-apple-darwin"
        return f"{self.machine}-unknown-linux-{'musl' if self.glibc is None else 'gnu'}"

    @property
    def platform(self):
        """The platform without the libraries, for messages: two programs for the same one cannot be packed together."""
        return f"{self.system} {self.machine}"


def read(path):
    """The program in a file."""
    path = pathlib.Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        advice = "`packaging/static` builds a program and prints its path"
        raise Refused(f"{path}: cannot be read: {error.strerror}; {advice}")
    try:
        if data[:4] == b"\x7fELF":
            return _elf(path, data)
        if data[:4] == b"\xcf\xfa\xed\xfe":
            return _mach(path, data)
    except (struct.error, IndexError, ValueError):
        raise Refused(f"{path}: the file ends too early, or its header is damaged; copy or build it again")
    if data[:2] == b"MZ":
        raise Refused(f"{path}: is for Windows; {SUPPORTED}")
    if data[:4] in (b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf"):
        raise Refused(f"{path}: is for several processors at once; `lipo -thin` takes one of them out")
    raise Refused(f"{path}: is no program of Linux or macOS (neither ELF nor Mach-O)")


def _elf(path, data):
    if data[4] != 2 or data[5] != 1 or data[7] not in (0, 3):
        raise Refused(f"{path}: is for a 32-bit or big-endian processor, or another system than Linux; {SUPPORTED}")
    kind, machine = struct.unpack_from("<HH", data, 16)
    if machine not in ELF_MACHINES:
        name = OTHER_ELF_MACHINES.get(machine, f"a processor with ELF's number {machine}")
        raise Refused(f"{path}: is for {name}; {SUPPORTED}")
    if kind not in (2, 3):
        raise Refused(f"{path}: is an object file or a core dump, no program")
    segments = _segments(data)
    program = Program(path, data, "linux", ELF_MACHINES[machine])
    interpreters = [data[offset : offset + size].rstrip(b"\0") for kind, offset, _, size in segments if kind == 3]
    if not interpreters:
        return program
    interpreter = interpreters[0].decode()
    if "/ld-linux" not in interpreter:
        raise Refused(
            f"{path}: needs {interpreter}, which most distributions lack; `packaging/static` builds a program that "
            "needs nothing"
        )
    needed, versions = _dynamic(data, segments)
    unknown = sorted(needed - LIBRARIES.keys())
    if unknown:
        raise Refused(f"{path}: needs {', '.join(unknown)}, which other machines may not have")
    return dataclasses.replace(
        program, glibc=max(versions, default=17), libraries=frozenset(LIBRARIES[name] for name in needed)
    )


def _segments(data):
    """Type, offset, address and size in the file of each segment of an ELF file."""
    (table,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    found = []
    for index in range(count):
        kind, _, offset, address, _, length = struct.unpack_from("<IIQQQQ", data, table + index * size)
        if offset + length > len(data):
            raise ValueError("a segment beyond the end")
        found.append((kind, offset, address, length))
    return found


def _dynamic(data, segments):
    """The libraries that an ELF file needs, and the minor versions of glibc 2 whose symbols it uses."""
    entries = []
    for kind, offset, _, size in segments:
        if kind == 2:
            entries = [struct.unpack_from("<QQ", data, offset + at) for at in range(0, size - 15, 16)]
    tags = dict(entries)
    start = next(
        offset + tags[5] - address
        for kind, offset, address, size in segments
        if kind == 1 and address <= tags.get(5, -1) < address + size
    )
    strings = data[start : start + tags.get(10, 0)]
    needed = {strings[at : strings.index(b"\0", at)].decode() for tag, at in entries if tag == 1}
    versions = {int(minor) for minor in re.findall(rb"\0GLIBC_2\.(\d+)(?=[.\0])", b"\0" + strings)}
    return needed, versions


def _mach(path, data):
    (machine,) = struct.unpack_from("<I", data, 4)
    kind, commands = struct.unpack_from("<II", data, 12)
    if machine not in MACH_MACHINES:
        raise Refused(f"{path}: is for another processor of macOS; {SUPPORTED}")
    if kind != 2:
        raise Refused(f"{path}: is a library or an object file, no program")
    at, version = 32, None
    for _ in range(commands):
        command, size = struct.unpack_from("<II", data, at)
        # LC_BUILD_VERSION and its predecessor LC_VERSION_MIN_MACOSX
        if command in (0x32, 0x24):
            (version,) = struct.unpack_from("<I", data, at + (12 if command == 0x32 else 8))
        at += max(size, 8)
    if version is None:
        raise Refused(f"{path}: does not say which version of macOS it needs")
    return Program(path, data, "darwin", MACH_MACHINES[machine], macos=(version >> 16, version >> 8 & 0xFF))
