# SPDX-License-Identifier: BSD-2-Clause
# The entry point. Meson builds (meson.build), and the scripts set up. Every target first sets up
# what it needs, unless that is already there.

BUILD	:= build
KERNEL	:= 6.1
SUITE	:=
SANITIZE :=
FUZZ_SECONDS := 60
ISA_INSNS := 1000000
ISA_SEED := 20
FUZZERS	:=
PREFIX	:= /usr/local

# A build with sanitizers has its own directory.
ifneq ($(filter-out 0,$(SANITIZE)),)
BUILD	:= build-sanitize
SETUP	:= -Db_sanitize=address,undefined -Db_lundef=false
# Sanitizers are slow.
CHECK_FLAGS := -t 8
export ASAN_OPTIONS  ?= strict_string_checks=1:detect_stack_use_after_return=1
export UBSAN_OPTIONS ?= print_stacktrace=1:halt_on_error=1
endif

# Only tests that boot Linux need kernels and a userland.
NEEDS_LINUX := $(if $(SUITE),$(filter linux qemu kvm,$(SUITE)),linux)
NEEDS_KVM   := $(if $(SUITE),$(filter kvm,$(SUITE)),kvm)
NEEDS_QEMU10 := $(if $(SUITE),$(filter qemu kvm,$(SUITE)),qemu)
NEEDS_QEMU_USER10 := $(if $(SUITE),$(filter isa aarch64,$(SUITE)),isa)
NEEDS_AARCH64 := $(if $(SUITE),$(filter aarch64,$(SUITE)),aarch64)

.PHONY: build library run test-build check check-jit isa litmus race lab-historic lab-big-endian lab-processors userland valgrind-tests conformance abi-dump fuzz install clean help
.NOTPARALLEL:

build:
	@scripts/setup-packages run
	@if test ! -f $(BUILD)/build.ninja; then meson setup $(BUILD) $(SETUP); fi
	@ninja -C $(BUILD)

# libfwnmi alone, for those who embed it.
library:
	@scripts/setup-packages library
	@if test ! -f build-library/build.ninja; then meson setup build-library -Dlibrary-only=true; fi
	@ninja -C build-library

run:
	@scripts/setup-packages run
	@scripts/guests $(KERNEL) busybox
	@$(MAKE) --no-print-directory build
	@scripts/mkinitramfs $(BUILD)/initramfs.cpio >/dev/null
	@python3 tests/linux/demo.py --kernel $(KERNEL)
	@rm -f $(BUILD)/run.db*
	@echo
	@$(BUILD)/src/fwnmi test -kernel "$$(scripts/guests --path $(KERNEL))" --results $(BUILD)/run.db
	@$(BUILD)/src/fwnmi report --format html --output $(BUILD)/run.html $(BUILD)/run.db
	@echo 'The same as a page: $(BUILD)/run.html'

test-build:
	@scripts/setup-packages run check
	@if test ! -f $(BUILD)/build.ninja; then \
		meson setup $(BUILD) $(SETUP) -Dtests=enabled; \
	elif test ! -f $(BUILD)/.with-tests; then \
		meson setup --reconfigure $(BUILD) -Dtests=enabled; \
	fi
	@touch $(BUILD)/.with-tests
	@ninja -C $(BUILD)

check: test-build
ifneq ($(NEEDS_LINUX),)
	@scripts/guests 6.1 6.12 busybox kexec errinjct $(if $(NEEDS_KVM),host sysroot)
	@scripts/guests newest || echo 'fwnmi: check: the kernel of Debian unstable is not tested' >&2
	@scripts/mkinitramfs $(BUILD)/initramfs.cpio >/dev/null
endif
ifneq ($(NEEDS_QEMU10),)
	@scripts/guests qemu10 || echo 'fwnmi: check: the tests of QEMU 10 are skipped' >&2
endif
ifneq ($(NEEDS_QEMU_USER10),)
	@scripts/guests qemu-user10 || echo 'fwnmi: check: the tests that need a later qemu-user are skipped' >&2
endif
ifneq ($(NEEDS_AARCH64),)
	@scripts/guests sysroot-arm64 || echo 'fwnmi: check: the tests of AArch64 hosts are skipped' >&2
endif
	@scripts/check -C $(BUILD) $(CHECK_FLAGS) $(SUITE)

# The suites once more with the translator in its other modes, each with a build of its own.
JIT_MODES  := off force
JIT_SUITES := isa conformance payload snapshot lab linux
check-jit:
	@for mode in $(JIT_MODES); do \
		$(MAKE) --no-print-directory check BUILD=build-jit-$$mode SETUP=-Djit=$$mode \
			SUITE="$(if $(SUITE),$(SUITE),$(JIT_SUITES))" || exit 1; \
	done

# Random sequences of instructions beside QEMU's user emulations, ISA_INSNS of them.
isa: test-build
	@scripts/guests qemu-user10 || echo 'fwnmi: isa: instructions are not compared with QEMU 10' >&2
	@tests/isa/sequences.py $(BUILD) --insns $(ISA_INSNS) --seed $(ISA_SEED) \
		--coverage $(BUILD)/isa-coverage.txt
	@echo 'How often each row of the table ran: $(BUILD)/isa-coverage.txt'

# Prints the requirements of docs/conformance.md with their tests' results.
conformance: test-build
	@scripts/conformance -C $(BUILD)

# Litmus tests of the order of memory accesses, 10^6 rounds each; `make check` has fewer.
litmus: test-build
	@$(BUILD)/src/fwnmi run -kernel $(BUILD)/payload/litmus_little -append alone -smp 4 \
		--threads many | tee $(BUILD)/litmus.tap
	@grep -q '^1\.\.4' $(BUILD)/litmus.tap && ! grep '^not ok' $(BUILD)/litmus.tap

# Payloads with a thread for each vCPU, under ThreadSanitizer. tests/race.suppressions says what it is
# not to report, and why. Two of them count on a processor that is not that slow.
race:
	@scripts/setup-packages run check
	@if test ! -f build-race/build.ninja; then \
		meson setup build-race -Dtests=enabled -Db_sanitize=thread -Db_lundef=false; \
	fi
	@ninja -C build-race
	@for name in $$(tests/payload/run.py --cases | tr ' ' '\n' | grep _threads | grep -v 'litmus\|smp'); do \
		for jit in off force; do \
			echo "$$name, --jit $$jit:"; \
			TSAN_OPTIONS=suppressions=$(CURDIR)/tests/race.suppressions:exitcode=66 \
				tests/payload/run.py --fwnmi build-race/src/fwnmi \
				--payloads build-race/payload --run-option=--sandbox=off \
				--run-option=--jit=$$jit "$$name" || exit 1; \
		done \
	done

# Bugs that Linux once had, put back into its source: the lab must find them. Compiles Linux, which
# takes an hour at most, once.
lab-historic: test-build
	@scripts/setup-packages linux-from-source
	@scripts/linux-from-source historic
	@python3 tests/lab/test_historic_kernels.py $(BUILD)/src/fwnmi

# A big-endian Linux, which Debian does not ship, is compiled from Debian's source once.
lab-big-endian: test-build
	@scripts/setup-packages linux-from-source
	@scripts/linux-from-source big-endian
	@python3 tests/lab/test_big_endian.py $(BUILD)/src/fwnmi

# The suite quick on every processor, with Debian's stable kernels and unstable's.
lab-processors: test-build
	@scripts/guests 6.1 6.12 newest
	@status=0; for kernel in 6.1 6.12 newest; do \
		python3 tests/lab/test_processors.py $(BUILD)/src/fwnmi $$kernel --quick || status=1; \
	done; exit $$status

# Debian's own programs, from its packages, on the embedded processor and on QEMU 10's.
userland: test-build
	@scripts/setup-packages userland
	@scripts/guests 6.1 busybox userland qemu10
	@scripts/mkinitramfs --userland $(BUILD)/userland.cpio >/dev/null
	@python3 tests/userland/test_debian.py --build $(BUILD)

# Valgrind's tests of instructions, whose expected outputs come from IBM's machines.
valgrind-tests: test-build
	@scripts/guests 6.1 busybox valgrind
	@scripts/mkinitramfs --with "$$(scripts/valgrind-tests)" $(BUILD)/valgrind.cpio >/dev/null
	@python3 tests/userland/test_valgrind.py --build $(BUILD) --json $(BUILD)/valgrind.json

# Records the binary interface of libfwnmi. `make check` compares each build with it.
abi-dump: library
	@scripts/setup-packages check
	@scripts/abi-dump build-library/lib/libfwnmi.so include tests/abi

# Runs each fuzzer for FUZZ_SECONDS, with address and undefined-behaviour sanitizers; `make fuzz-NAME`
# runs one.
fuzz:
	@scripts/setup-packages run check fuzz
	@if test ! -f build-fuzz/build.ninja; then \
		CC=clang meson setup build-fuzz -Dfuzz=true -Dtests=enabled \
			-Db_sanitize=address,undefined -Db_lundef=false; \
	fi
	@ninja -C build-fuzz fuzzers
	@scripts/fuzz build-fuzz $(FUZZ_SECONDS) $(FUZZERS)

fuzz-%:
	@$(MAKE) --no-print-directory fuzz FUZZERS=$*

ifneq ($(wildcard bench/bench.py),)
.PHONY: bench
bench:
	@scripts/setup-packages run bench
	@scripts/guests 6.1 6.12 newest busybox qemu10
	@$(MAKE) --no-print-directory build
	@scripts/mkinitramfs $(BUILD)/initramfs.cpio >/dev/null
	@python3 bench/bench.py
endif

# Meson remembers the prefix of an earlier install, so always set it.
install: build
	@meson configure $(BUILD) "--prefix=$(PREFIX)"
	@ninja -C $(BUILD)
	@meson install -C $(BUILD) --no-rebuild

clean:
	rm -rf build build-library build-sanitize build-fuzz build-race build-jit-*

help:
	@echo 'make run [KERNEL=6.1|6.12]   boot a Debian guest, inject errors, show its recovery'
	@echo 'make check [SUITE=unit|conformance|payload|snapshot|lab|linux|isa|qemu|kvm|aarch64] [SANITIZE=1]'
	@echo '                             run every test, or one suite; with address and'
	@echo '                             undefined-behaviour sanitizers'
	@echo 'make check-jit [SUITE=...]   the suites without translated code, and with all translated'
	@echo 'make isa [ISA_INSNS=1000000] [ISA_SEED=20]'
	@echo '                             compare random sequences of instructions with QEMU'
	@echo 'make litmus                  the order of memory accesses with threads, 10^6 rounds'
	@echo 'make race                    payloads with a thread for each vCPU, under ThreadSanitizer'
	@echo 'make lab-historic            compile kernels with bugs that Linux once had, and find them'
	@echo 'make lab-big-endian          compile a big-endian kernel, and test it'
	@echo 'make lab-processors          test kernels, with unstable'\''s, on every processor'
	@echo 'make userland                run stress-ng, openssl, Python, gcc and others from Debian'
	@echo 'make valgrind-tests          run valgrind'\''s tests of POWER instructions'
	@echo 'make conformance             print the test results of each FWNMI requirement'
ifneq ($(wildcard bench/bench.py),)
	@echo 'make bench                   measure against QEMU; writes build/bench.json'
endif
	@echo 'make fuzz [FUZZ_SECONDS=60]  run each fuzzer for that many seconds; make fuzz-NAME, one'
	@echo 'make build                   build into build/ (or build-sanitize/)'
	@echo 'make library                 build libfwnmi alone, into build-library/'
	@echo 'make abi-dump                record the binary interface of libfwnmi for `make check`'
	@echo 'make install [PREFIX=/usr/local] [DESTDIR=]'
	@echo 'make clean                   remove the build directories'
	@echo
	@echo 'Every target first installs the Debian packages it lacks (as root) and fetches the'
	@echo 'guests it boots into $${XDG_CACHE_HOME:-~/.cache}/fwnmi.'
