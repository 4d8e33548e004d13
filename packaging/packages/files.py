"""Archives whose bytes depend on nothing but their contents: members have one time and no owner.

On failure: the error of the operating system.
"""

import gzip
import io
import tarfile


def level(release):
    """How strongly gzip and zip compress."""
    return 1 if release.fast else 9


def gzipped(release, data):
    """The data as gzip compresses it, without name and time."""
    return gzip.compress(data, compresslevel=level(release), mtime=0)


def tar_gz(release, members):
    """A compressed archive of `members`, which are pairs of a path and its content or (content, mode)."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path, content in members:
            data, mode = content if isinstance(content, tuple) else (content, 0o644)
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode, entry.mtime = len(data), mode, release.time
            archive.addfile(entry, io.BytesIO(data))
    return gzipped(release, packed.getvalue())


def program(data):
    """A program as a member."""
    return (data, 0o755)
