#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Debian's own programs compute what they should on the embedded processor, and on QEMU 10's.

usage: test_debian.py [--build DIRECTORY] [--cpu NAME] [--on fwnmi|qemu] [--jit off|on] [TEST...]

The guest is Debian's 6.1 with the initramfs of `scripts/mkinitramfs --userland`. TESTs are names of
the tests, without the system: all unless named.
"""

import argparse
import contextlib
import os
import re
import subprocess
import sys
import tempfile

import commands
from commands import end_of, harness, lines_of, tap

# Stressors that check their results, with a bound in bogus operations. `all` takes the methods in
# turn: there are enough operations for two rounds.
STRESSORS = {
    "cpu": "--cpu 1 --cpu-method all --cpu-ops 170",
    "matrix": "--matrix 1 --matrix-ops 100",
    "vecmath": "--vecmath 1 --vecmath-ops 50",
    "fp": "--fp 1 --fp-ops 50",
    "atomic": "--atomic 2 --atomic-ops 50",
    "qsort": "--qsort 1 --qsort-ops 2",
    "fork": "--fork 1 --fork-ops 200",
    "switch": "--switch 1 --switch-ops 2000",
    "mmap": "--mmap 1 --mmap-ops 2 --mmap-bytes 4m",
    # It counts signals. On POWER it enables none, so only time can end it.
    "sigfpe": "--sigfpe 1 --timeout 2",
}

DATA = "seq 1 30000"
KEY = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
IV = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"
DIGESTS = """md5 sha1 sha224 sha256 sha384 sha512 sha512-256 sha3-256 sha3-512 shake128
    blake2b512 blake2s256 sm3 ripemd160""".split()
CIPHERS = {
    name: (KEY[: 2 * key], IV[: 2 * iv])
    for name, key, iv in [
        ("aes-128-cbc", 16, 16),
        ("aes-192-cbc", 24, 16),
        ("aes-256-cbc", 32, 16),
        ("aes-128-ctr", 16, 16),
        ("aes-256-ctr", 32, 16),
        ("aes-256-ecb", 32, 0),
        ("aes-256-cfb", 32, 16),
        ("aes-256-ofb", 32, 16),
        ("chacha20", 32, 16),
        ("camellia-256-cbc", 32, 16),
        ("aria-256-ctr", 32, 16),
        ("des-ede3-cbc", 24, 8),
        ("sm4-cbc", 16, 16),
    ]
}
MACS = {
    "gmac": f"-cipher AES-256-GCM -macopt hexkey:{KEY} -macopt hexiv:{IV[:24]} GMAC",
    "cmac": f"-cipher AES-256-CBC -macopt hexkey:{KEY} CMAC",
    "hmac": f"-digest SHA512 -macopt hexkey:{KEY} HMAC",
    "poly1305": f"-macopt hexkey:{KEY} POLY1305",
    "siphash": f"-macopt hexkey:{KEY[:32]} SIPHASH",
}
KDFS = {
    "pbkdf2": "-keylen 32 -kdfopt digest:SHA256 -kdfopt pass:fwnmi -kdfopt salt:fwnmi "
    "-kdfopt iter:2000 PBKDF2",
    "scrypt": "-keylen 32 -kdfopt pass:fwnmi -kdfopt salt:fwnmi -kdfopt n:1024 -kdfopt r:8 "
    "-kdfopt p:1 SCRYPT",
}
# 2^1279-1 is a prime; its neighbour below with the same low bits is none.
PRIME = 2**1279 - 1
OPENSSL = [
    *(f"{DATA} | openssl dgst -{name} -r | cut -d' ' -f1" for name in DIGESTS),
    *(
        f"{DATA} | openssl enc -{name} -K {key} {f'-iv {iv}' if iv else ''} | sha256sum"
        for name, (key, iv) in CIPHERS.items()
    ),
    *(f"{DATA} >data; openssl mac -in data {options}; rm data" for options in MACS.values()),
    *(f"openssl kdf {options}" for options in KDFS.values()),
    f"openssl prime -hex {PRIME:X} | grep -c 'is prime'",
    f"openssl prime -hex {PRIME - 4:X} | grep -c 'is not prime'",
]

# 64 MiB that neither compress to nothing nor not at all: the last 16 are those before, encrypted.
MAKE_BIG = (
    "yes fwnmi 2>/dev/null | head -c 16777216 >part; seq 1 4000000 | head -c 16777216 >>part; "
    f"openssl enc -aes-128-ctr -K {KEY[:32]} -iv {IV} -in part | head -c 33554432 >big; "
    "cat part >>big; wc -c <big; sha256sum <big"
)
BIG_SIZE = 67108864
COMPRESSORS = {"gzip": "gzip -c", "xz": "xz -0 -T1 -c"}

GCC = (
    "gcc -ffp-contract=off -frounding-math -Wall -Werror {options} -o program {source} -lm "
    "&& ./program"
)
# For the guest; the host has another processor.
GCC_OPTIONS = {"-O0": "-O0", "-O2": "-O2", "-O3 -mcpu=power9": "-O3"}
PYTHON_TESTS = ["test_float", "test_math", "test_long"]


def stressor_verifies(system, options):
    timeout = "" if "--timeout" in options else "--timeout 1000000"
    status, output = system().run(f"stress-ng --verify {timeout} {options}")
    yield tap.Check("stress-ng succeeds", status == 0, end_of(output))
    yield tap.Check("it ran to its end", "successful run completed" in output, end_of(output))
    yield tap.Check("no stressor was skipped", "skipped" not in output, end_of(output))


def as_the_host(system, guest_command, host_command=None):
    host = subprocess.run(
        ["sh", "-c", host_command or guest_command],
        text=True,
        capture_output=True,
        check=False,
        timeout=600,
    )
    if host.returncode:
        raise harness.Failure(f"the host cannot run {guest_command}", host.stderr)
    status, output = system().run(guest_command)
    yield tap.Check(f"{guest_command} succeeds", status == 0, end_of(output))
    yield tap.expect(guest_command, lines_of(output), lines_of(host.stdout))


def openssl_knows(system):
    for command in OPENSSL:
        yield from as_the_host(system, command)


def program_prints(system, options, host_options, directory):
    source = os.path.join(commands.TESTS, "userland", "program.c")
    command = GCC.format(options=options, source="/root/program.c")
    on_host = GCC.format(options=host_options, source=source)
    yield from as_the_host(system, command, f"cd {directory} && {on_host}")


def python_passes(system, test):
    status, output = system().run(f"python3.11 -m test {test}")
    yield tap.Check(f"{test} succeeds", status == 0, end_of(output))
    yield tap.Check("it was run", "Tests result: SUCCESS" in output, end_of(output))


def round_trip(system, command):
    status, made = system().run(f"test -e big || {{ {MAKE_BIG}; }} >made; cat made")
    size, digest = lines_of(made)[:2]
    yield tap.Check("the data are made", status == 0 and int(size) == BIG_SIZE, made)
    tool = command.split()[0]
    status, output = system().run(
        f"{command} big >packed && {tool} -dc <packed | sha256sum; rm packed"
    )
    yield tap.Check("it succeeds", status == 0, end_of(output))
    yield tap.expect("what comes back", lines_of(output), [digest])


def tests_of(name, system, scratch):
    """The tests on one system; SYSTEM is called when the first of them needs it."""
    tests = [
        (f"stress_ng_{stressor}_verifies_on_{name}", stressor_verifies, system, options)
        for stressor, options in STRESSORS.items()
    ]
    tests.append((f"openssl_answers_as_on_the_host_on_{name}", openssl_knows, system))
    for test in PYTHON_TESTS:
        tests.append((f"pythons_{test}_passes_on_{name}", python_passes, system, test))
    for tool, command in COMPRESSORS.items():
        tests.append((f"{tool}_gives_back_64_mib_on_{name}", round_trip, system, command))
    for options, host_options in GCC_OPTIONS.items():
        words = re.sub(r"\W+", "_", options.lower()).strip("_")
        tests.append(
            (f"gcc_{words}_makes_what_it_makes_on_the_host_on_{name}", program_prints, system)
            + (options, host_options, scratch)
        )
    return tests


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cpu", default="power9", help="the processor (power9)")
    parser.add_argument("--on", choices=("fwnmi", "qemu"), help="only there")
    args = commands.take_arguments(parser, "userland.cpio")
    tests = []
    with contextlib.ExitStack() as stack:
        build = harness.use_arguments(args).check()
        scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="fwnmi-test-"))
        for name in [args.on] if args.on else ("fwnmi", "qemu"):
            system = commands.boot(name, build, args.cpu, stack, jit=args.jit)
            tests += tests_of(name, system, scratch)
        wanted = [
            t for t in tests if not args.tests or re.sub("_on_[a-z]+$", "", t[0]) in args.tests
        ]
        return tap.run(wanted)


if __name__ == "__main__":
    sys.exit(main())
