#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Ways to build libfwnmi without the rest: alone, cross, as a subproject, by make.

usage: test_library_build.py SOURCE        speaks TAP
"""

import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import tap  # noqa: E402

SOURCE = sys.argv[1]
EXAMPLE = os.path.join(SOURCE, "examples", "minimal-host.c")
PPC64LE = "powerpc64le-linux-gnu-"
TESTS = []
LIMIT = 120  # seconds for one command, which takes a few

# No option of the environment that this build was started from.
ENV = {
    name: value
    for name, value in os.environ.items()
    if name not in ("CC", "CFLAGS", "CPPFLAGS", "LDFLAGS", "DESTDIR", "MAKEFLAGS")
}


def test(function):
    def in_scratch():
        with tempfile.TemporaryDirectory(prefix="fwnmi-library-") as scratch:
            return function(scratch)

    TESTS.append((function.__name__, in_scratch))
    return function


def run(*command, env=None, cwd=None):
    done = subprocess.run(
        command,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=env or ENV,
        cwd=cwd,
        timeout=LIMIT,
    )
    if done.returncode:
        raise tap.Failure(f"{' '.join(command)}: exit {done.returncode}", done.stdout)
    return done.stdout


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise tap.Missing(f"no {program}")


def write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def files(top):
    return {
        os.path.relpath(os.path.join(path, name), top)
        for path, _, names in os.walk(top)
        for name in names
    }


@test
def the_library_alone_needs_a_c_compiler_and_meson_and_nothing_else(scratch):
    bin_dir, build, root = (os.path.join(scratch, name) for name in ("bin", "build", "root"))
    os.mkdir(bin_dir)
    for program in ("cc", "ar", "as", "ld", "meson", "ninja", "rm"):
        os.symlink(shutil.which(program), os.path.join(bin_dir, program))
    env = {"PATH": bin_dir, "PKG_CONFIG_LIBDIR": "/nonexistent", "LC_ALL": "C.UTF-8"}
    run(
        "meson",
        "setup",
        build,
        SOURCE,
        "-Dlibrary-only=true",
        "--prefix=/usr",
        "--libdir=lib",
        env=env,
    )
    assert json.loads(run("meson", "introspect", "--dependencies", build)) == []
    run("ninja", "-C", build, env=env)
    run("meson", "install", "-C", build, "--no-rebuild", "--destdir", root, env=env)
    installed = files(os.path.join(root, "usr"))
    libraries = {name for name in installed if name.startswith("lib/libfwnmi.so.")}
    assert len(libraries) >= 2, installed  # the file, and the link that the soname names
    headers = {
        f"include/fwnmi/{name}" for name in os.listdir(os.path.join(SOURCE, "include/fwnmi"))
    }
    assert installed - libraries == headers | {
        "lib/libfwnmi.a",
        "lib/libfwnmi.so",
        "lib/pkgconfig/fwnmi.pc",
        "share/man/man3/fwnmi.3",
    }, installed


@test
def a_plain_cross_file_builds_the_library_for_ppc64le(scratch):
    need(PPC64LE + "gcc")
    build, cross = os.path.join(scratch, "build"), os.path.join(scratch, "ppc64le.ini")
    write(
        cross,
        f"""
[binaries]
c = '{PPC64LE}gcc'
ar = '{PPC64LE}ar'
strip = '{PPC64LE}strip'

[host_machine]
system = 'linux'
cpu_family = 'ppc64'
cpu = 'ppc64le'
endian = 'little'
""",
    )
    run("meson", "setup", build, SOURCE, "-Dlibrary-only=true", "--cross-file", cross)
    run("ninja", "-C", build)
    archive = os.path.join(build, "lib", "libfwnmi.a")
    for library in archive, os.path.join(build, "lib", "libfwnmi.so"):
        lines = run("readelf", "-h", library).splitlines()
        kinds = {
            tuple(line.split(":", 1)[1].split())
            for line in lines
            if line.split(":")[0].strip() in ("Class", "Data", "Machine")
        }
        assert kinds == {
            ("ELF64",),
            ("2's", "complement,", "little", "endian"),
            ("PowerPC64",),
        }, kinds
    if not shutil.which("qemu-ppc64le"):
        raise tap.Missing("no qemu-ppc64le to run the example with; the library is as it should be")
    program = os.path.join(scratch, "minimal-host")
    run(
        PPC64LE + "gcc",
        "-static",
        "-I",
        os.path.join(SOURCE, "include"),
        "-o",
        program,
        EXAMPLE,
        archive,
        "-pthread",
    )
    assert "in its handler" in run("qemu-ppc64le", program)


def has_a_subproject(scratch, *options):
    """Builds and runs somebody's monitor; returns the libraries that the program asks for."""
    os.mkdir(os.path.join(scratch, "subprojects"))
    os.symlink(SOURCE, os.path.join(scratch, "subprojects", "fwnmi"))
    shutil.copy(EXAMPLE, os.path.join(scratch, "monitor.c"))
    write(
        os.path.join(scratch, "meson.build"),
        f"""
project('monitor', 'c', version: '3')
executable('monitor', 'monitor.c',
  dependencies: [dependency({', '.join(("'fwnmi'", "fallback: 'fwnmi'") + options)}),
    dependency('threads')])
""",
    )
    build = os.path.join(scratch, "build")
    run("meson", "setup", build, scratch, "--wrap-mode=forcefallback")
    found = json.loads(run("meson", "introspect", "--dependencies", build))
    assert {dependency["name"] for dependency in found} <= {"fwnmi", "threads"}, found
    run("ninja", "-C", build)
    program = os.path.join(build, "monitor")
    assert "in its handler" in run(program)
    return run("readelf", "-d", program)


@test
def a_meson_project_has_it_as_a_subproject_inside_its_program(scratch):
    assert "libfwnmi" not in has_a_subproject(scratch)


@test
def a_meson_project_can_ask_its_subproject_for_the_shared_library(scratch):
    assert "libfwnmi.so." in has_a_subproject(scratch, "static: false")


@test
def plain_make_builds_it_from_its_sources_and_headers_alone(scratch):
    """As C11, without warnings, and without anything that Meson generates or defines."""
    need("make", "cc", "ar")
    for name in "include", "lib":
        shutil.copytree(
            os.path.join(SOURCE, name),
            os.path.join(scratch, name),
            ignore=shutil.ignore_patterns("meson.build", "*.map"),
        )
    shutil.copy(EXAMPLE, scratch)
    write(
        os.path.join(scratch, "Makefile"),
        """
CFLAGS := -O2 -Wall -Wextra -Wpedantic -Wno-unused-parameter -Werror
CPPFLAGS := -Iinclude
objects := $(patsubst %.c,%.o,$(wildcard lib/*.c))

$(objects): CFLAGS += -std=c11
minimal-host: CFLAGS += -pthread
minimal-host: minimal-host.o libfwnmi.a
libfwnmi.a: $(objects)
	$(AR) rcs $@ $^
""",
    )
    run("make", "-C", scratch)
    assert "in its handler" in run(os.path.join(scratch, "minimal-host"))


@test
def each_public_header_is_pedantic_c11_and_cxx11_on_its_own(_):
    known = [("gcc", "c"), ("clang", "c"), ("g++", "c++"), ("clang++", "c++")]
    known.append((PPC64LE + "gcc", "c"))  # linux_kvm.h has functions there
    compilers = [(name, language) for name, language in known if shutil.which(name)]
    if not compilers:
        raise tap.Missing("neither gcc nor clang")
    headers = glob.glob(os.path.join(SOURCE, "include", "fwnmi", "*.h"))
    assert headers
    for name, language in compilers:
        for header in headers:
            # Twice: the second time it is to be nothing.
            run(
                name,
                "-x",
                language,
                f"-std={language}11",
                "-Wall",
                "-Wextra",
                "-Wpedantic",
                "-Wconversion",
                "-Werror",
                "-fsyntax-only",
                "-I",
                os.path.join(SOURCE, "include"),
                "-include",
                header,
                "-include",
                header,
                os.devnull,
            )


if __name__ == "__main__":
    sys.exit(tap.run(TESTS))
