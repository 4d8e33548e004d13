"""The folder that a container image is built from: the Dockerfile, and the static program of each processor.

BuildKit, buildah and podman give the Dockerfile the name of the processor that they build for, as in `linux/amd64`.
"""

from . import files

MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


def make(release, program):
    """The files of a platform, as pairs of a path and (content, mode)."""
    yield f"image/linux/{MACHINES[program.machine]}/lambkin", files.program(program.data)


def make_context(dockerfile):
    """What all platforms share."""
    yield "image/Dockerfile", dockerfile
