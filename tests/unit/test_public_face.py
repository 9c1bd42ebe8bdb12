#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a VMM author gets: the library's symbols, its dependencies, and the installed files.

usage: test_public_face.py SOURCE BUILD STATIC SHARED EXAMPLE        speaks TAP
"""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import tap  # noqa: E402

SOURCE, BUILD, STATIC, SHARED, EXAMPLE = sys.argv[1:6]
HEADERS = ["errlog.h", "fwnmi.h", "linux_kvm.h", "mce.h"]
TESTS = []

# All that it may call from the C library: no allocation, no I/O, no locks.
ALLOWED = {
    "bcmp",
    "memchr",
    "memcmp",
    "memcpy",
    "memmove",
    "memset",
    "strlen",
    "strnlen",
    "vsnprintf",
}


def test(function):
    TESTS.append(function)
    return function


def run(*command, **kwargs):
    return subprocess.run(command, check=True, capture_output=True, text=True, **kwargs).stdout


def read(*path):
    with open(os.path.join(SOURCE, *path), encoding="utf-8") as f:
        return f.read()


def declared():
    names = set()
    for header in HEADERS:
        text = re.sub(r"/\*.*?\*/", "", read("include", "fwnmi", header), flags=re.DOTALL)
        names |= set(
            re.findall(r"^(?!static)[a-z][\w\s*]*?\b(fwnmi_\w+)\(", text, flags=re.MULTILINE)
        )
    return names


def equal(got, expected):
    assert (
        got == expected
    ), f"only here: {sorted(got - expected)}; missing: {sorted(expected - got)}"


def sanitized():
    for option in json.loads(run("meson", "introspect", "--buildoptions", BUILD)):
        if option["name"] == "b_sanitize":
            return option["value"] != "none"
    return False


def undefined(path):
    symbols = set()
    defined = set()
    for line in run("nm", path).splitlines():
        words = line.split()
        if len(words) == 2 and words[0] == "U":
            symbols.add(words[1])
        elif len(words) == 3:
            defined.add(words[2])
    return symbols - defined


@test
def the_shared_library_exports_the_functions_of_the_headers_and_no_others():
    names = {
        line.split()[2].split("@")[0]
        for line in run("nm", "-D", "--defined-only", SHARED).splitlines()
        if line.split()[1] != "A"
    }
    equal(names, declared())
    equal(
        set(re.findall(r"^\t\t(fwnmi_\w+);", read("lib", "libfwnmi.map"), re.MULTILINE)), declared()
    )


@test
def every_symbol_of_the_static_library_has_the_librarys_name():
    names = {
        line.split()[2]
        for line in run("nm", "-g", "--defined-only", STATIC).splitlines()
        if len(line.split()) == 3
    }
    strange = {name for name in names if not name.startswith("fwnmi_")}
    if not sanitized():
        assert not strange, strange
    assert declared() <= names


@test
def the_library_calls_nothing_that_allocates_waits_or_writes():
    if sanitized():
        raise tap.Missing("a sanitizer adds calls of its own")
    strange = undefined(STATIC) - ALLOWED - {"__stack_chk_fail", "_GLOBAL_OFFSET_TABLE_"}
    strange = {re.sub(r"^__(\w+)_chk$", r"\1", name) for name in strange} - ALLOWED
    assert not strange, strange


@test
def the_headers_have_the_projects_version_and_the_symbols_that_of_the_abi():
    version = json.loads(run("meson", "introspect", "--projectinfo", BUILD))["version"]
    assert f'#define FWNMI_VERSION "{version}"' in read("include", "fwnmi", "fwnmi.h"), version
    for line in run("nm", "-D", "--defined-only", SHARED).splitlines():
        assert line.split()[1] == "A" or line.endswith("@@FWNMI_1"), line


@test
def the_library_has_no_variables():
    if sanitized():
        raise tap.Missing("a sanitizer adds variables of its own")
    for line in run("size", "-A", STATIC).splitlines():
        words = line.split()
        if len(words) == 3 and re.match(r"\.(data|bss|tdata|tbss)(?!\.rel\.ro)", words[0]):
            assert words[1] == "0", line


@test
def the_example_is_short_and_does_what_it_says():
    assert len(read("examples", "minimal-host.c").splitlines()) < 200
    out = run(EXAMPLE)
    assert out.count("in its handler") == 2 and "SLB (1)" in out, out


@test
def every_public_function_is_in_the_man_page():
    page = read("docs", "man", "fwnmi.3").replace("\\-", "-")
    missing = {
        name
        for name in declared()
        if name not in page and not re.search(r"_(name|parse|validate)$", name)
    }
    assert missing <= {"fwnmi_mce_repairable"}, missing


@contextlib.contextmanager
def development_install():
    """Installs the development files alone; yields the root and the directory of fwnmi.pc."""
    if sanitized():
        raise tap.Missing("a program without the sanitizer cannot link a library with it")
    if not shutil.which("pkg-config"):
        raise tap.Missing("no pkg-config")
    with tempfile.TemporaryDirectory(prefix="fwnmi-install-") as root:
        run("meson", "install", "-C", BUILD, "--no-rebuild", "--tags", "devel", "--destdir", root)
        pc = [path for path, _, names in os.walk(root) if "fwnmi.pc" in names]
        assert len(pc) == 1, pc
        yield root, pc[0]


def runs_the_installed_example(root, pkgconfig, *options):
    """Builds and runs the example by pkg-config; returns what readelf says of its libraries."""
    env = {**os.environ, "PKG_CONFIG_PATH": pkgconfig, "PKG_CONFIG_SYSROOT_DIR": root}
    static = ["--static"] if "-static" in options else []
    flags = run("pkg-config", "--cflags", "--libs", *static, "fwnmi", env=env).split()
    program = os.path.join(root, "minimal-host")
    run(
        "cc",
        "-Wall",
        "-Wextra",
        "-Werror",
        *options,
        "-o",
        program,
        os.path.join(SOURCE, "examples", "minimal-host.c"),
        *flags,
        "-pthread",
    )
    out = run(program, env={**os.environ, "LD_LIBRARY_PATH": os.path.dirname(pkgconfig)})
    assert "in its handler" in out, out
    return run("readelf", "-d", program)


@test
def the_development_install_is_complete_and_has_no_program():
    with development_install() as (root, pkgconfig):
        found = {os.path.join(path, name) for path, _, names in os.walk(root) for name in names}
        libdir = os.path.dirname(pkgconfig)
        for header in HEADERS:
            assert any(path.endswith(f"/include/fwnmi/{header}") for path in found), header
        assert any(path.endswith("/man3/fwnmi.3") for path in found), found
        assert os.path.join(libdir, "libfwnmi.a") in found, found
        # The link leads to the file, which is there.
        assert os.path.isfile(os.path.realpath(os.path.join(libdir, "libfwnmi.so"))), found
        assert not [path for path in found if "/bin/" in path or "/man1/" in path], found


@test
def an_installed_shared_library_builds_the_example_by_pkg_config():
    with development_install() as (root, pkgconfig):
        assert "libfwnmi.so.1" in runs_the_installed_example(root, pkgconfig)


@test
def an_installed_static_library_builds_the_example_by_pkg_config():
    with development_install() as (root, pkgconfig):
        assert "NEEDED" not in runs_the_installed_example(root, pkgconfig, "-static")


if __name__ == "__main__":
    sys.exit(tap.run(tap.named(TESTS)))
