"""Build the extension once, with the sample module as its entry point, and open hosts with it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lix_vtab.loadable import build

SAMPLE = Path(__file__).parent / "sample"
if str(SAMPLE) not in sys.path:
    sys.path.append(str(SAMPLE))

import loadable_hosts  # noqa: E402
import loadable_sample  # noqa: E402


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """A directory with both files of the extension, without settings."""
    directory = tmp_path_factory.mktemp("built")
    try:
        build.build(directory)
    except build.BuildUnavailable as problem:
        pytest.skip(str(problem))
    return directory


@pytest.fixture(scope="session")
def extension(built):
    """The extension whose entry point registers the sample tables."""
    build.write_settings(
        built, entry="loadable_sample:initialise", paths=[SAMPLE, *build.package_paths()]
    )
    return built / build.bootstrap_name()


@pytest.fixture(params=["apsw", "loaded", "system"])
def host(request, extension):
    """One way after the other to have the sample tables."""
    opened = open_host(request.param, extension)
    yield opened
    opened.close()


@pytest.fixture(params=["loaded", "system"])
def loaded_host(request, extension):
    """One host after the other that has loaded the extension."""
    opened = open_host(request.param, extension)
    yield opened
    opened.close()


@pytest.fixture
def system_host(extension):
    """The stock library of the machine."""
    opened = open_host("system", extension)
    yield opened
    opened.close()


@pytest.fixture
def pair(extension):
    """The same SQLite twice: with APSW's own virtual tables, and with the extension's."""
    reference = loadable_hosts.ApswHost()
    loaded = loadable_hosts.LoadedApswHost(extension)
    yield reference, loaded
    reference.close()
    loaded.close()


def open_host(kind, extension):
    loadable_sample.connections.clear()
    if kind == "apsw":
        return loadable_hosts.ApswHost()
    if kind == "loaded":
        return loadable_hosts.LoadedApswHost(extension)
    if loadable_hosts.system_sqlite() is None:
        pytest.skip("no SQLite library >= 3.40 with extension loading on this machine")
    return loadable_hosts.SystemHost(extension)
