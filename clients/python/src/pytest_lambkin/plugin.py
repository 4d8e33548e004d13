"""The fixtures for pytest. A project runs once for the whole test run."""

import pytest

from . import Lambkin


@pytest.fixture(scope="session")
def lambkin_project(pytestconfig):
    """The folder or the file of the project; override it to run another one."""
    return pytestconfig.rootpath


@pytest.fixture(scope="session")
def lambkin_arguments():
    """Further arguments for ``lambkin serve``; override it to have some."""
    return []


@pytest.fixture(scope="session")
def lambkin(lambkin_project, lambkin_arguments):
    """The running project."""
    with Lambkin(lambkin_project, lambkin_arguments) as running:
        yield running
