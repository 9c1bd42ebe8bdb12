#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes a copy of a kernel with a bug in its machine check or system reset code.

usage: break_kernel.py --list
       break_kernel.py VMLINUX BUG COPY

Places are found by symbols and by patterns of instructions. A pattern that does not match exactly
as often as it should is an error, so that no bug is silently missing in a kernel of another build.
"""

import bisect
import collections
import os
import re
import struct
import subprocess
import sys
import tempfile

PREFIX = "powerpc64le-linux-gnu-"

# Code that never runs on a pseries machine, with room for what a bug adds.
CAVE = "opal_machine_check"
CAVE_OFFSET = 0x20  # behind ftrace's call
CAVE_WORDS = 32


class NotFound(Exception):
    """A kernel does not have what a bug needs."""


class Elf:
    """A little-endian 64-bit ELF file: its symbols, and where addresses are in the file."""

    def __init__(self, data):
        self.data = bytearray(data)
        if data[:6] != b"\x7fELF\2\1":
            raise NotFound("not a little-endian 64-bit ELF file")
        (shoff,) = struct.unpack_from("<Q", data, 0x28)
        shentsize, shnum = struct.unpack_from("<HH", data, 0x3A)
        self.sections = [
            struct.unpack_from("<IIQQQQIIQQ", data, shoff + i * shentsize) for i in range(shnum)
        ]
        self.symbols = {}  # name: address, and that of the local entry
        self.starts = set()
        self.names = {}  # local entry: name
        for section in self.sections:
            if section[1] == 2:  # SHT_SYMTAB
                self.read_symbols(section, self.sections[section[6]])
        self.starts = sorted(self.starts)

    def read_symbols(self, table, strings):
        for offset in range(table[4], table[4] + table[5], 24):
            name, info, other, shndx, value, _ = struct.unpack_from("<IBBHQQ", self.data, offset)
            if info & 0xF > 2 or not 0 < shndx < len(self.sections):
                continue  # neither code nor data, or absolute
            start = strings[4] + name
            text = self.data[start : self.data.index(0, start)].decode()
            # The local entry follows the instructions that set up r2.
            local = (1 << (other >> 5 & 7)) >> 2 << 2
            self.symbols[text] = (value, value + local)
            self.names[value + local] = text
            self.starts.add(value)

    def symbol(self, name):
        if name not in self.symbols:
            raise NotFound(f"no symbol {name}")
        return self.symbols[name][0]

    def entry(self, name):
        self.symbol(name)
        return self.symbols[name][1]

    def end(self, start):
        """Where the next symbol begins."""
        return self.starts[bisect.bisect_right(self.starts, start)]

    def offset(self, address):
        for _, kind, _, start, offset, size, *_ in self.sections:
            if kind == 1 and start <= address < start + size:  # SHT_PROGBITS
                return offset + address - start
        raise NotFound(f"nothing at {address:#x}")


class Kernel(Elf):
    def __init__(self, path):
        with open(path, "rb") as f:
            super().__init__(f.read())
        self.path = path
        self.listings = {}
        self.cave = self.symbol(CAVE) + CAVE_OFFSET

    def listing(self, symbol):
        """The addresses of a symbol's instructions, and their text, a line each.

        "caller>function" is the function of that name that the caller calls: there may be several.
        """
        if symbol not in self.listings:
            self.listings[symbol] = self.disassemble(self.place(symbol))
        return self.listings[symbol]

    def place(self, symbol):
        if ">" not in symbol:
            return self.symbol(symbol)
        caller, name = symbol.split(">")
        start = self.symbol(caller)
        for address in range(start, self.end(start), 4):
            (word,) = struct.unpack_from("<I", self.data, self.offset(address))
            target = address + ((word & 0x3FFFFFC) ^ 0x2000000) - 0x2000000
            if word >> 26 == 18 and self.names.get(target) == name:
                return target
        raise NotFound(f"{caller} does not call {name}")

    def disassemble(self, start):
        out = subprocess.run(
            [
                f"{PREFIX}objdump",
                "-d",
                "--no-show-raw-insn",
                f"--start-address={start:#x}",
                f"--stop-address={self.end(start):#x}",
                self.path,
            ],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        lines = re.findall(r"^(c\w+):\t(.*?)\s*$", out, re.M)
        return [int(a, 16) for a, _ in lines], "\n".join(self.plain(t) for _, t in lines) + "\n"

    def plain(self, text):
        """`bl memset` for a branch to a function, `bne 0xc000...` for others."""
        text = re.sub(r"\s+", " ", re.sub(r"\s*<.*", "", text))
        match = re.fullmatch(r"(b\S* (?:cr\d,)?)(c\w{15})", text)
        if not match:
            return text
        target = int(match[2], 16)
        return match[1] + (
            self.names[target] if match[1] == "bl " and target in self.names else f"{target:#x}"
        )

    def write(self, address, lines):
        for i, word in enumerate(assemble(lines, address, self)):
            struct.pack_into("<I", self.data, self.offset(address + 4 * i), word)

    def patch(self, symbol, pattern, replacement, count=1):
        """Replaces instructions of a symbol, as often as they are there, which is to be `count`."""
        addresses, text = self.listing(symbol)
        matches = list(re.finditer("^" + pattern, text, re.M))
        if len(matches) != count:
            raise NotFound(f"{symbol}: {len(matches)} times {pattern!r}, not {count}")
        for match in matches:
            first = text.count("\n", 0, match.start())
            lines = match.expand(replacement).split("\n")
            if len(lines) != match[0].count("\n") + 1:
                raise NotFound(f"{symbol}: {pattern!r} is replaced by another length")
            self.write(addresses[first], lines)

    def detour(self, symbol, function, code):
        """Has a call of `function` go through code of ours, which ends in a branch."""
        self.patch(symbol, rf"bl {function}$", f"bl {self.cave:#x}")
        lines = code.strip().split("\n")
        if len(lines) > CAVE_WORDS or self.cave + 4 * len(lines) > self.end(self.symbol(CAVE)):
            raise NotFound(f"no room in {CAVE}")
        self.write(self.cave, lines)


def assemble(lines, address, kernel):
    """Words; branches go to addresses, to symbols, or to a number of instructions from there."""
    source = []
    for i, line in enumerate(lines):
        match = re.fullmatch(r"\s*(b\S*) (?:(cr\d),)?(0x\w+|[a-z_]\w*)", line)
        if match:
            target = match[3]
            where = int(target, 16) if target.startswith("0x") else kernel.entry(target)
            field = f"{match[2]}," if match[2] else ""
            line = f"{match[1]} {field}.+({where - address - 4 * i})"
        source.append(line)
    with tempfile.TemporaryDirectory() as directory:
        obj, raw = (os.path.join(directory, name) for name in ("a.o", "a.bin"))
        subprocess.run(
            [f"{PREFIX}as", "-mregnames", "-mpower9", "-o", obj, "-"],
            input="\n".join(source) + "\n",
            check=True,
            text=True,
        )
        subprocess.run([f"{PREFIX}objcopy", "-O", "binary", "-j", ".text", obj, raw], check=True)
        with open(raw, "rb") as f:
            code = f.read()
    if len(code) != 4 * len(lines):
        raise NotFound(f"{lines} are not that many instructions")
    return struct.unpack(f"<{len(lines)}I", code)


# ---- the bugs ----

# Machine checks begin in machine_check_early_common, in real mode. From the kernel, it returns.
# From user mode, mce_deliver goes on to machine_check_common.
EARLY = "machine_check_early_common"
DELIVER = "mce_deliver"
COMMON = "machine_check_common"
REAL = "pseries_machine_check_realmode"
VIRTUAL = "pSeries_machine_check_exception"
RESETS = "pSeries_system_reset_exception"

# How both leave the first stage: SRR1, SRR0.
LEAVE = (
    r"li r9,0\nmtmsrd r9,1\n(lhz .*)\n(addi .*)\n(sth .*)\n(ld r9,.*)\nli r10,0\nmtsrr1 r9\n"
    r"(stb r10,.*)\n(ld r9,.*)\nmtsrr0 r9"
)

# Clears a register of a facility that the handler was not given.
CLEAR = """mfmsr r11
ori r12,r11,{bit_low}
oris r12,r12,{bit_high}
mtmsrd r12
isync
{clear}
mtmsrd r11
isync
b machine_check_early"""

# SIGBUS for the process with the next number.
NEXT_PROCESS = """mflr r0
std r0,16(r1)
stdu r1,-64(r1)
ld r3,{current}(r13)
li r4,0
li r5,0
bl __task_pid_nr_ns
addi r3,r3,1
bl find_task_by_vpid
mr r6,r3
li r3,7
li r4,4
li r5,0
bl force_sig_fault_to_task
addi r1,r1,64
ld r0,16(r1)
mtlr r0
blr"""


# ibm,nmi-interlock in the handler of a system reset. {token} is what loads r4.
RELEASE = """mflr r0
std r0,16(r1)
stdu r1,-240(r1)
std r3,232(r1)
{token}
addi r3,r1,96
li r5,0
li r6,1
li r7,0
bl rtas_call_unlocked
ld r3,232(r1)
addi r1,r1,240
ld r0,16(r1)
mtlr r0
b smp_handle_nmi_ipi"""


def patches(*steps):
    def apply(kernel):
        for step in steps:
            kernel.patch(*step)

    return apply


def clears(clear, bit):
    code = CLEAR.format(clear=clear, bit_low=bit & 0xFFFF, bit_high=bit >> 16)
    return lambda kernel: kernel.detour(EARLY, "machine_check_early", code)


def kills_another(kernel):
    # hardirq code looks at current's preempt count first: that is how to find current.
    _, text = kernel.listing("machine_check_exception_async")
    match = re.search(r"^ld r9,(\d+)\(r13\)\nld r9,8\(r9\)$", text, re.M)
    if not match:
        raise NotFound("current")
    kernel.detour(VIRTUAL, "_exception", NEXT_PROCESS.format(current=match[1]))


def releases_in_reset(kernel):
    _, text = kernel.listing(REAL)
    match = re.search(
        r"^(addis r9,r2,.*)\n(?:.*\n){1,4}(addi r9,r9,.*)\n(?:.*\n)?(lwa r4,0\(r9\))$", text, re.M
    )
    if not match:
        raise NotFound("the token of ibm,nmi-interlock")
    token = "\n".join(match.groups())
    kernel.patch(RESETS, r"bl smp_handle_nmi_ipi", f"bl {kernel.cave:#x}", 2)
    kernel.write(kernel.cave, RELEASE.format(token=token).split("\n"))


def keeps_the_soft_mask(kernel):
    symbol = "machine_check_early>interrupt_nmi_exit_prepare"
    pattern = r"(lbz r\d+,0\(r31\))\nstb r\d+,\d+\(r9\)"
    count = len(re.findall(pattern, kernel.listing(symbol)[1]))
    if not count:
        raise NotFound("where the soft mask is restored")
    kernel.patch(symbol, pattern, r"\1\nnop", count)


USER, KERNEL = "SLB multihit/user", "SLB multihit/kernel"
KILL = "TLB multihit, not recovered/user"
RESET = "system reset/user"
STANDARD = ("--suite", "standard")
# As PowerVM had it: Linux commit bded0706434d.
SWAPPED = ("--scenarios", "- {name: swapped, system-reset: {swapped-srr: true}, at: user}\n")

# What it does, which case shows it, which verdicts name it.
Bug = collections.namedtuple("Bug", "apply case verdicts options", defaults=((),))

BUGS = {
    "gpr_saved_from_another": Bug(
        patches((COMMON, r"std r7,(.*)", r"std r8,\1")), USER, ("corrupted",)
    ),
    "gpr_restored_from_another": Bug(
        patches((EARLY, r"ld r3,(.*)\nld r4,.*", r"ld r3,\1\nld r4,\1")), KERNEL, ("corrupted",)
    ),
    "r3_not_restored": Bug(
        patches((REAL, r"(ldbrx r9,.*)\nstd r9,24\(.*\)", r"\1\nnop")),
        f"@({USER}|{KERNEL})",
        ("corrupted",),
    ),
    "r3_byte_swapped": Bug(
        patches((REAL, r"ldbrx r9,(.*)\n(std r9,24\(.*\))", r"ldx r9,\1\n\2")),
        f"@({USER}|{KERNEL})",
        ("corrupted",),
    ),
    "r1_not_restored": Bug(
        patches((EARLY, r"ld r1,\d+\(r1\)", "nop")), KERNEL, ("corrupted", "oops", "panic", "hang")
    ),
    "r13_restored_from_r12": Bug(
        patches((DELIVER, r"ld r12,(.*)\nld r13,.*", r"ld r12,\1\nld r13,\1")),
        USER,
        ("corrupted",),
    ),
    "cr_restored_but_one_field": Bug(
        patches((DELIVER, r"mtcr r9", "mtcrf 0xbf,r9")), USER, ("corrupted",)
    ),
    "xer_restored_as_zero": Bug(
        patches((DELIVER, r"ld r9,.*\nmtxer r9", "li r9,0\nmtxer r9")), USER, ("corrupted",)
    ),
    "lr_restored_as_zero": Bug(patches((DELIVER, r"mtlr r9", "mtlr r10")), USER, ("corrupted",)),
    "ctr_not_restored": Bug(
        patches((DELIVER, r"mtctr r9", "nop"), (EARLY, r"mtctr r9", "nop")),
        f"@({USER}|{KERNEL})",
        ("corrupted",),
    ),
    "fpr_clobbered": Bug(clears("fsub f7,f7,f7", 1 << 13), USER, ("corrupted",)),
    "vr_clobbered": Bug(clears("vxor v5,v5,v5", 1 << 25), USER, ("corrupted",)),
    "ee_lost": Bug(
        patches(
            (
                EARLY,
                LEAVE,
                r"li r10,0\nmtmsrd r10,1\n\1\n\2\n\3\n\4\nxori r9,r9,0x8000\nmtsrr1 r9\n\5\n\6\n"
                r"mtsrr0 r9",
            )
        ),
        KERNEL,
        ("corrupted",),
    ),
    "instruction_skipped": Bug(
        patches(
            (
                DELIVER,
                LEAVE,
                r"li r10,0\nmtmsrd r10,1\n\1\n\2\n\3\n\4\nmtsrr1 r9\n\5\n\6\naddi r9,r9,4\n"
                r"mtsrr0 r9",
            )
        ),
        USER,
        ("corrupted",),
    ),
    "kernel_instruction_skipped": Bug(
        patches(
            (
                EARLY,
                LEAVE,
                r"li r10,0\nmtmsrd r10,1\n\1\n\2\n\3\n\4\nmtsrr1 r9\n\5\n\6\naddi r9,r9,4\n"
                r"mtsrr0 r9",
            )
        ),
        KERNEL,
        ("corrupted",),
    ),
    "soft_mask_not_restored": Bug(
        keeps_the_soft_mask, "SLB multihit/*", ("corrupted", "oops"), STANDARD
    ),
    "tar_clobbered": Bug(
        lambda kernel: kernel.detour(
            EARLY, "machine_check_early", "mflr r11\nmtspr 815,r11\nb machine_check_early"
        ),
        USER,
        ("corrupted",),
    ),
    "interlock_skipped": Bug(
        patches(
            (
                REAL,
                r"bl rtas_call_unlocked\nnop\n(ld .*)\nlwbrx .*\n(cmpwi .*)\nbne .*",
                r"nop\nnop\n\1\nnop\n\2\nnop",
            )
        ),
        f"@({USER}|{KERNEL})",
        ("checkstop",),
    ),
    "interlock_skipped_in_a_storm": Bug(
        patches(
            (
                REAL,
                r"bl rtas_call_unlocked\nnop\n(ld .*)\nlwbrx .*\n(cmpwi .*)\nbne .*",
                r"nop\nnop\n\1\nnop\n\2\nnop",
            )
        ),
        "SLB multihit/eight",
        ("checkstop",),
        STANDARD,
    ),
    "recoverable_taken_as_not": Bug(
        patches((EARLY, r"andi. r11,r12,2", "andi. r11,r12,0")), KERNEL, ("panic", "oops")
    ),
    "not_recoverable_taken_as_such": Bug(
        patches((EARLY, r"(andi. r11,r12,2)\nbeq .*", r"\1\nnop")),
        "@(SLB|UE)*/ri=0",
        ("oops", "recovered"),
        STANDARD,
    ),
    "reset_releases_the_buffer": Bug(
        releases_in_reset, "system reset during one/in handler", ("corrupted",), STANDARD
    ),
    "another_process_killed": Bug(kills_another, KILL, ("killed-wrong",), ("-smp", "2")),
    "no_process_killed": Bug(patches((VIRTUAL, r"bl _exception$", "nop")), KILL, ("recovered",)),
    "disposition_inverted": Bug(
        patches((VIRTUAL, r"(lbz r9,102\(r1\))\ncmpwi r9,0", r"\1\ncmpwi r9,1")),
        f"@({USER}|{KILL})",
        ("killed", "recovered"),
    ),
    "recovery_claimed": Bug(
        patches((REAL, r"mr r4,r3[01]\nbl save_mce_event", "li r4,1\nbl save_mce_event")),
        "TLB multihit, not recovered/*",
        ("misreported",),
    ),
    "i_cache_told_as_d_cache": Bug(
        patches((REAL, r"(cntlzw .*)\nli (r\d+),9$", r"\1\nli \2,8")), "I-cache/*", ("misreported",)
    ),
    "address_byte_swapped": Bug(
        patches((REAL, r"ldbrx r7,(.*)", r"ldx r7,\1", 2)), USER, ("misreported",)
    ),
    "handler_loops": Bug(patches((REAL, r"bl memset\nnop\nlbz", "b .\nnop\nnop")), USER, ("hang",)),
    "report_not_queued": Bug(
        patches((EARLY, r"bl machine_check_queue_event", "nop")), KERNEL, ("lost",)
    ),
    "report_not_printed": Bug(
        patches((VIRTUAL, r"bl machine_check_print_event_info", "nop")), USER, ("lost",)
    ),
    "nesting_never_ends": Bug(
        patches(
            (EARLY, r"addi r12,r12,-1", "addi r12,r12,0"),
            (DELIVER, r"addi r12,r12,-1", "addi r12,r12,0"),
        ),
        "SLB multihit/eight",
        ("panic", "oops", "checkstop"),
        STANDARD,
    ),
    "reset_taken_as_an_ipi": Bug(
        patches(
            (
                "system_reset_exception",
                r"(beq .*\nmtctr r12\nmr r3,.*\nbctrl\nld r2,24\(r1\)\ncmpwi r3,0)\nbne (.*)",
                r"\1\nb \2",
            )
        ),
        RESET,
        ("lost",),
    ),
    "reset_does_not_panic": Bug(
        patches(("system_reset_exception", r"bl nmi_panic", "nop")), RESET, ("oops",)
    ),
    "reset_believes_a_swapped_srr0": Bug(
        patches((RESETS, r"cmpd r\d+,r\d+\n(bne .*)", r"cmpd r1,r13\n\1")),
        "swapped",
        ("misreported",),
        SWAPPED,
    ),
    "reset_loops": Bug(
        patches(("system_reset_exception", r"bl interrupt_nmi_enter_prepare\nnop", "b .\nnop")),
        RESET,
        ("hang",),
    ),
}


def make(kernel, name, copy):
    """`kernel` is left as it was."""
    whole = bytes(kernel.data)
    try:
        BUGS[name].apply(kernel)
        with open(copy, "wb") as f:
            f.write(kernel.data)
    finally:
        kernel.data[:] = whole


def main(argv):
    if argv[1:] == ["--list"]:
        print("\n".join(BUGS))
        return 0
    if len(argv) != 4 or argv[2] not in BUGS:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        make(Kernel(argv[1]), *argv[2:])
    except (NotFound, OSError) as e:
        print(f"break_kernel.py: {argv[1]}: {e}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
