/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command lines of `fwnmi run` and `fwnmi inject`: what they mean, and that each bad one prints
 * one line on standard error.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "cmd/inject_options.h"
#include "cmd/run_options.h"

#include "unit.h"

#define MAX_ARGS 32

static struct run_options run_options;
static struct inject_options inject_options;
static char message[1000];

/* Splits @line at blanks; '_' means an empty argument. */
static int split(char *line, char **argv)
{
	int argc = 0;

	argv[argc++] = "command";
	for (char *word = strtok(line, " "); word; word = strtok(NULL, " ")) {
		assert_in_range(argc, 1, MAX_ARGS - 1);
		argv[argc++] = strcmp(word, "_") ? word : "";
	}
	return argc;
}

/* Parses, and captures standard error in message[]. */
static enum options_result parse(const char *text, bool inject)
{
	static char line[1000];
	char *argv[MAX_ARGS];
	int argc, saved = dup(STDERR_FILENO);
	FILE *caught = tmpfile();
	size_t n;
	enum options_result result;

	snprintf(line, sizeof(line), "%s", text);
	argc = split(line, argv);
	assert_non_null(caught);
	fflush(stderr);
	dup2(fileno(caught), STDERR_FILENO);
	if (inject) {
		json_decref(inject_options.args);
		result = inject_options_parse(&inject_options, argc, argv);
	} else {
		run_options_free(&run_options);
		result = run_options_parse(&run_options, argc, argv);
	}
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(caught);
	n = fread(message, 1, sizeof(message) - 1, caught);
	message[n] = '\0';
	fclose(caught);
	return result;
}

static void assert_run(const char *text)
{
	if (parse(text, false) != OPTIONS_TAKEN)
		fail_msg("%s: %s", text, message);
	assert_string_equal(message, "");
}

static void assert_refused(const char *text, bool inject, const char *why)
{
	const char *start = inject ? "fwnmi: inject: " : "fwnmi: run: ";
	const char *newline;

	if (parse(text, inject) != OPTIONS_BAD)
		fail_msg("%s was taken", text);
	newline = strchr(message, '\n');
	if (strncmp(message, start, strlen(start)) || !strstr(message, why) || !newline ||
	    newline[1])
		fail_msg("%s: \"%s\" does not say \"%s\" in one line", text, message, why);
}

static void the_defaults_are_a_small_machine(void **state)
{
	assert_run("-kernel k");
	assert_string_equal(run_options.machine.kernel, "k");
	assert_null(run_options.machine.initrd);
	assert_null(run_options.machine.partition.bootargs);
	assert_int_equal(run_options.machine.ram_size, 512 << 20);
	assert_int_equal(run_options.machine.nr_vcpus, 1);
	assert_int_equal(run_options.machine.clock, CLOCK_HOST);
	assert_ptr_equal(run_options.machine.engine, &engine_power);
	assert_string_equal(run_options.serial, "stdio");
	assert_null(run_options.monitor);
	assert_false(run_options.machine.no_reboot);
	assert_null(run_options.machine.debug);
}

static void the_processor_has_qemus_names_and_may_be_compatible_with_an_older_one(void **state)
{
	static const struct {
		const char *line, *type, *compat;
	} good[] = {
		{ "-kernel k", "power9_v2.2", "power9_v2.2" },
		{ "-kernel k -cpu power8", "power8_v2.0", "power8_v2.0" },
		{ "-kernel k -cpu POWER9_v2.0", "power9_v2.0", "power9_v2.0" },
		{ "-kernel k -cpu power10,compat=Power9_v2.0", "power10_v2.0", "power9_v2.2" },
		{ "-kernel k -cpu power11,compat=power8nvl", "power11_v2.0", "power8_v2.0" },
		{ "-kernel k -cpu power9,compat=power9", "power9_v2.2", "power9_v2.2" },
		{ "-kernel k -cpu power10,compat=power8 -cpu power11", "power11_v2.0",
		  "power11_v2.0" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_run(good[i].line);
		assert_string_equal(run_options.machine.cpu->type, good[i].type);
		assert_string_equal(run_options.machine.compat->type, good[i].compat);
	}
	assert_run("-cpu help");
	assert_true(run_options.cpu.help);
}

static void a_bios_is_enough(void **state)
{
	assert_run("-bios b");
	assert_string_equal(run_options.machine.bios, "b");
	assert_null(run_options.machine.kernel);
	assert_run("--bios=b -kernel k -initrd i");
	assert_refused("-bios b -initrd i", false, "-initrd i needs a kernel: -kernel FILE");
	assert_refused("-smp 1", false, "no kernel given: -kernel FILE");
	assert_refused("-bios", false, "option -bios needs a value");
}

static void every_option_starts_with_one_dash_or_two(void **state)
{
	static const char *const lines[] = {
		"-kernel k -initrd i -append a -m 1G -smp 2 -cpu power9 -accel emu -serial null "
		"-monitor p -clock insn -nvram n -no-reboot -fwnmi-strict -debug -stats",
		"--kernel k --initrd i --append a --m 1G --smp 2 --cpu POWER9 --accel emu "
		"--serial null --monitor p --clock insn --nvram n --no-reboot --fwnmi-strict "
		"--debug --stats",
		"--kernel=k -initrd=i --append=a -m=size=1G -smp=cpus=2 -cpu=power9 -accel=emu "
		"--serial=null --monitor=p --clock=insn --nvram=n -no-reboot -fwnmi-strict -debug "
		"-stats",
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		assert_run(lines[i]);
		assert_string_equal(run_options.machine.kernel, "k");
		assert_string_equal(run_options.machine.initrd, "i");
		assert_string_equal(run_options.machine.partition.bootargs, "a");
		assert_int_equal(run_options.machine.ram_size, 1 << 30);
		assert_int_equal(run_options.machine.nr_vcpus, 2);
		assert_string_equal(run_options.serial, "null");
		assert_string_equal(run_options.monitor, "p");
		assert_int_equal(run_options.machine.clock, CLOCK_INSN);
		assert_string_equal(run_options.nvram, "n");
		assert_true(run_options.machine.no_reboot);
		assert_true(run_options.machine.partition.fwnmi_strict);
		assert_non_null(run_options.machine.debug);
		assert_true(run_options.stats);
	}
}

static void memory_sizes_are_those_of_qemu(void **state)
{
	static const struct {
		const char *line;
		uint64_t mib;
	} good[] = {
		{ "-kernel k -m 256", 256 },	    { "-kernel k -m 1024", 1024 },
		{ "-kernel k -m 300M", 300 },	    { "-kernel k -m 2g", 2048 },
		{ "-kernel k -m size=1G", 1024 },   { "-kernel k -m 64G", 65536 },
		{ "-kernel k -m512", 512 },	    { "-kernel k --m1G", 1024 },
		{ "-kernel k -m 1G -m 512m", 512 }, { "-kernel k -m 1.5G", 1536 },
		{ "-kernel k -m size=0.25G", 256 }, { "-kernel k -m 2048M", 2048 },
		{ "-kernel k -m 524288K", 512 },    { "-kernel k -m 0.0625T", 65536 },
		{ "-kernel k -m 1.000G", 1024 },
	};
	static const char *const bad[] = {
		"0",
		"255",
		"0G",
		"65G",
		"65537",
		"-1",
		"-512",
		"+512",
		"512K",
		"512MB",
		"1.3G",
		"1.5",
		"1.5M",
		"1.G",
		".5G",
		"1.5.5G",
		"1.0000001G",
		"64.001G",
		"0.125T",
		"1.99999999999999999999G",
		"_",
		"size=",
		"size",
		"G",
		"0x200",
		"99999999999999999999",
		"18446744073709551616",
		"18014398509481985G",
		"1G,slots=2",
	};
	char line[100];

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_run(good[i].line);
		assert_int_equal(run_options.machine.ram_size, good[i].mib << 20);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(line, sizeof(line), "-kernel k -m %s", bad[i]);
		assert_refused(line, false, "bad -m");
	}
}

static void cpus_make_up_cores_and_sockets_as_qemu_says(void **state)
{
	static const struct {
		const char *line;
		unsigned count, threads, cores;
	} good[] = {
		{ "8", 8, 1, 8 },
		{ "64", 64, 1, 64 },
		{ "cpus=2", 2, 1, 2 },
		{ "4,cores=4", 4, 1, 4 },
		{ "4,sockets=1,cores=4,threads=1", 4, 1, 4 },
		{ "cores=2", 2, 1, 2 },
		{ "cpus=4,sockets=2,cores=2,maxcpus=4", 4, 1, 2 },
		{ "4,sockets=2", 4, 1, 2 },
		{ "maxcpus=2", 2, 1, 2 },
		{ "4,threads=2", 4, 2, 2 },
		{ "threads=8,sockets=2,cores=4", 64, 8, 4 },
		{ "16,threads=4,cores=2", 16, 4, 2 },
		{ "16,threads=4,sockets=4,dies=1", 16, 4, 1 },
	};
	static const struct {
		const char *line, *why;
	} bad[] = {
		{ "0", "not 1..64 CPUs" },
		{ "65", "not 1..64 CPUs" },
		{ "-1", "not a number of CPUs" },
		{ "two", "not a number of CPUs" },
		{ "1x", "not a number of CPUs" },
		{ "cpus=", "not a number of CPUs" },
		{ "_", "not a number of CPUs" },
		{ "2,", "not a number of CPUs" },
		{ "4294967297", "not 1..64 CPUs" },
		{ "4,threads=3", "a core has 1, 2, 4 or 8 threads" },
		{ "64,threads=16", "a core has 1, 2, 4 or 8 threads" },
		{ "4,threads=0", "a core has 1, 2, 4 or 8 threads" },
		{ "2,maxcpus=4", "maxcpus must equal cpus" },
		{ "2,books=2", "unknown key books" },
		{ "2,dies=2", "only dies=1" },
		{ "4,cores=3", "sockets, cores and threads do not make 4 CPUs" },
		{ "8,cores=9", "do not make 8 CPUs" },
		{ "6,threads=4", "do not make 6 CPUs" },
		{ "2,threads=4", "do not make 2 CPUs" },
		{ "4,sockets=2,cores=1", "do not make 4 CPUs" },
		{ "4,sockets=3", "do not make 4 CPUs" },
		{ "sockets=4,cores=4,threads=8", "not 1..64 CPUs" },
	};
	char line[100];

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		snprintf(line, sizeof(line), "-kernel k -smp %s", good[i].line);
		assert_run(line);
		assert_int_equal(run_options.machine.nr_vcpus, good[i].count);
		assert_int_equal(run_options.machine.partition.topology.threads, good[i].threads);
		assert_int_equal(run_options.machine.partition.topology.cores, good[i].cores);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(line, sizeof(line), "-kernel k -smp %s", bad[i].line);
		assert_refused(line, false, "bad -smp");
		assert_refused(line, false, bad[i].why);
	}
}

static void bad_run_command_lines_print_one_line(void **state)
{
	assert_refused("", false, "no kernel");
	assert_refused("-kernel", false, "-kernel needs a value");
	assert_refused("-kernel k -frob", false, "unknown option -frob");
	assert_refused("-kernel k ---m", false, "unknown option ---m");
	assert_refused("-kernel k -", false, "unknown option -");
	assert_refused("-kernel k --", false, "unknown option --");
	assert_refused("-kernel k stray", false, "unexpected argument stray: see fwnmi run --help");
	assert_refused("-kernel k -kern=x", false, "unknown option -kern=x");
	assert_refused("-kernel k --debug=1", false, "takes no value");
	assert_refused("-kernel k -cpu power7", false,
		       "bad -cpu power7: there are power8, power8e, power8nvl, power9, power10, "
		       "power11, and those of -cpu help");
	assert_refused("-kernel k -cpu ,compat=power8", false, "there are power8,");
	assert_refused("-kernel k -cpu power9,", false, "there are power8,");
	assert_refused("-kernel k -cpu power9,compat=power10", false,
		       "POWER9 is compatible with power8, power9 only");
	assert_refused("-kernel k -cpu power8e,compat=power9", false,
		       "POWER8E is compatible with power8 only");
	assert_refused("-kernel k -cpu power11,compat=power7", false,
		       "POWER11 is compatible with power8, power9, power10, power11 only");
	assert_refused("-kernel k -cpu power9,htm=off", false,
		       "only compat=NAME can follow the processor");
	assert_refused("-kernel k -cpu power9,compat=power8,x", false, "only compat=NAME");
	assert_refused("-kernel k -accel tcg", false, "not emu, kvm");
	assert_refused("-kernel k -accel kvm:tcg", false, "bad -accel kvm:tcg");
	assert_refused("-kernel k -accel kvm::emu", false, "bad -accel kvm::emu");
	assert_refused("-kernel k -serial tty", false, "bad -serial tty");
	assert_refused("-kernel k -serial file", false, "bad -serial file");
	assert_refused("-kernel k --clock wall", false, "bad --clock wall");
	assert_refused("-kernel k --clock \033[2J\n", false, "bad --clock \\x1b[2J\\x0a");
	assert_refused("-kernel k --jit fast", false,
		       "bad --jit fast: not auto, off, on, force or check");
	assert_refused("-kernel k --jit ON", false, "bad --jit ON: not auto,");
	assert_refused("-kernel k --jit on,off", false, "bad --jit on,off: not auto,");
	assert_refused("-kernel k --jit=", false, "bad --jit : not auto,");
	assert_refused("-kernel k --jit _", false, "bad --jit : not auto,");
	assert_refused("-kernel k --jit", false, "option --jit needs a value");
}

static void a_monitor_is_a_path_however_qemu_would_say_it(void **state)
{
	static const struct {
		const char *line, *path;
	} good[] = {
		{ "-kernel k -monitor p", "p" },
		{ "-kernel k -monitor /tmp/a:b", "/tmp/a:b" },
		{ "-kernel k -monitor ./stdio", "./stdio" },
		{ "-kernel k -monitor unix:/tmp/p", "/tmp/p" },
		{ "-kernel k -monitor unix:stdio,server=on,wait=off", "stdio" },
		{ "-kernel k -qmp unix:p,server,nowait", "p" },
		{ "-kernel k -qmp unix:p,server,wait=off", "p" },
		{ "-kernel k -monitor none", NULL },
		{ "-kernel k -monitor null", NULL },
		{ "-kernel k -monitor p -monitor none", NULL },
	};
	static const char *const bad[] = {
		"stdio",
		"mon:stdio",
		"vc",
		"vc:80Cx24C",
		"pty",
		"tcp:localhost:444",
		"telnet::1",
		"file:/tmp/x",
		"chardev:c",
		"unix:p,server=off",
		"unix:p,server=on,wait=on",
		"unix:p,server=on",
		"unix:p,",
	};
	char line[100];

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_run(good[i].line);
		if (good[i].path)
			assert_string_equal(run_options.monitor, good[i].path);
		else
			assert_null(run_options.monitor);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(line, sizeof(line), "-kernel k -monitor %s", bad[i]);
		assert_refused(line, false, "bad -monitor");
	}
}

static void options_of_qemu_that_change_nothing_are_accepted(void **state)
{
	assert_run("-nodefaults -no-user-config -nographic -display none -vga none -vnc none "
		   "-net none -nic none -parallel none -rtc base=utc -M pseries -cpu POWER9 "
		   "-serial mon:stdio -kernel k");
	assert_string_equal(run_options.serial, "stdio");
	assert_ptr_equal(run_options.machine.engine, &engine_power);
	assert_run("-machine pseries,usb=off,ic-mode=xics,cap-htm=off,x-vof=on -cpu power9_v2.2 "
		   "-serial none -kernel k");
	assert_string_equal(run_options.serial, "null");
	assert_string_equal(run_options.accel, "emu");
	assert_run("-machine type=pseries,accel=kvm -kernel k");
	assert_string_equal(run_options.accel, "kvm");
	assert_run("-M pseries,cap-dfp=on -kernel k");
	assert_refused("-M pseries,cap-dfp=off -kernel k", false,
		       "the partition has no cap-dfp=off");
	assert_run("-M pseries,ic-mode=dual -kernel k");
	assert_int_equal(run_options.machine.partition.interrupts, PAPR_INTERRUPTS_DUAL);
	assert_run("--interrupts xive -kernel k");
	assert_int_equal(run_options.machine.partition.interrupts, PAPR_INTERRUPTS_XIVE);
	assert_run("-enable-kvm -kernel k");
	assert_string_equal(run_options.accel, "kvm");
}

static void options_of_qemu_that_mean_something_else_are_refused(void **state)
{
	assert_refused("-kernel k -display gtk", false, "bad -display gtk: there is no display");
	assert_refused("-kernel k -vga std", false, "bad -vga std: there is no display");
	assert_refused("-kernel k -nic user", false, "bad -nic user: there is no network");
	assert_refused("-kernel k -net nic", false, "bad -net nic: there is no network");
	assert_refused("-kernel k -M powernv", false, "bad -M powernv: only pseries");
	assert_refused("-kernel k -M pseries-2.12", false, "only pseries");
	assert_refused("-kernel k -M pseries,ic-mode=none", false,
		       "bad -M pseries,ic-mode=none: ic-mode is xics, xive or dual");
	assert_refused("-kernel k -machine pseries,", false, "bad -machine");
	assert_refused("-kernel k -rtc base=localtime", false, "only base=utc");
	assert_refused("-kernel k -nodefaults=yes", false, "-nodefaults takes no value");
}

static void an_unknown_option_names_the_nearest_one(void **state)
{
	static const struct {
		const char *line, *nearest;
		bool inject;
	} typos[] = {
		{ "-kernal k", "-kernel", false },
		{ "-inird i", "-initrd", false },
		{ "--montior m", "-monitor", false },
		{ "-nographics", "-nographic", false },
		{ "--NVRAM n", "--nvram", false },
		{ "--fwnmi-delivry=auto", "--fwnmi-delivery", false },
		{ "--fwnmi", "--fwnmi-strict", false },
		{ "--severty fatal", "--severity", true },
		{ "--timout 3", "--timeout", true },
		{ "--jsn", "--json", true },
		{ "--logical 1", "--logical-address", true },
		{ "--kernal k", "--kernel", true },
		{ "--handler 1,2", "--handlers", true },
		{ "--frobnicate", NULL, true },
		{ "-frob", NULL, false },
		{ "-", NULL, false },
	};
	char why[100];

	for (size_t i = 0; i < ARRAY_SIZE(typos); i++) {
		size_t len = strcspn(typos[i].line, " ");

		if (typos[i].nearest)
			snprintf(why, sizeof(why), "unknown option %.*s: did you mean %s?",
				 (int)len, typos[i].line, typos[i].nearest);
		else
			snprintf(why, sizeof(why), "unknown option %s: see fwnmi %s --help",
				 typos[i].line, typos[i].inject ? "inject" : "run");
		assert_refused(typos[i].line, typos[i].inject, why);
	}
}

static void help_needs_no_kernel(void **state)
{
	assert_int_equal(parse("--help", false), OPTIONS_HELP);
	assert_int_equal(parse("-h --frob", false), OPTIONS_HELP);
	assert_string_equal(message, "");
}

static void assert_inject(const char *text)
{
	if (parse(text, true) != OPTIONS_TAKEN)
		fail_msg("%s: %s", text, message);
	assert_string_equal(message, "");
}

static const char *argument(const char *key)
{
	return json_string_value(json_object_get(inject_options.args, key));
}

static void an_injection_says_only_what_was_given(void **state)
{
	assert_inject("--monitor m machine-check");
	assert_string_equal(inject_options.monitor, "m");
	assert_false(inject_options.system_reset);
	assert_int_equal(json_object_size(inject_options.args), 0);
	assert_int_equal(inject_options.timeout, 10);
	assert_inject("system-reset --monitor=m");
	assert_true(inject_options.system_reset);
}

static void injection_options_become_arguments(void **state)
{
	assert_inject("--monitor m machine-check --type ue --subtype load/store --ea 0x1000 "
		      "--logical-address 4096 --severity error --disposition limited-recovery "
		      "--initiator memory --permanent --cpu 3 --context kernel --timeout 5 --json "
		      "--no-wait");
	assert_string_equal(argument("type"), "ue");
	assert_string_equal(argument("subtype"), "load/store");
	assert_string_equal(argument("effective-address"), "0x1000");
	assert_string_equal(argument("logical-address"), "4096");
	assert_string_equal(argument("severity"), "error");
	assert_string_equal(argument("disposition"), "limited-recovery");
	assert_string_equal(argument("initiator"), "memory");
	assert_string_equal(argument("context"), "kernel");
	assert_true(json_is_false(json_object_get(inject_options.args, "transient")));
	assert_int_equal(json_integer_value(json_object_get(inject_options.args, "cpu-index")), 3);
	assert_int_equal(inject_options.timeout, 5);
	assert_true(inject_options.json);
	assert_true(inject_options.no_wait);
	assert_inject("--monitor m machine-check --now");
	assert_true(json_is_true(json_object_get(inject_options.args, "now")));
}

static void bad_inject_command_lines_print_one_line(void **state)
{
	static const struct {
		const char *line, *why;
	} bad[] = {
		{ "", "no event given" },
		{ "machine-check", "no machine given" },
		{ "--monitor m", "no event given" },
		{ "--monitor", "needs a value" },
		{ "--monitor m bit-flip", "cannot inject bit-flip" },
		{ "--monitor m machine-check system-reset", "only one event can be given" },
		{ "--monitor m machine-check --frob", "unknown option --frob" },
		{ "--monitor m machine-check --now=1", "takes no value" },
		{ "--monitor m machine-check --json=1", "takes no value" },
		{ "--monitor m machine-check --cpu", "needs a value" },
		{ "--monitor m machine-check --cpu x", "not a number" },
		{ "--monitor m machine-check --cpu -1", "not a number" },
		{ "--monitor m machine-check --cpu 99999999999", "not a number" },
		{ "--monitor m machine-check --timeout 0", "bad timeout" },
		{ "--monitor m machine-check --ea top", "not an address" },
		{ "--monitor m machine-check --ea 0x", "not an address" },
		{ "--monitor m machine-check --now --context user", "contradicts" },
		{ "--monitor m machine-check --context moon", "bad context" },
		{ "--monitor m machine-check --type moon", "there is no type moon" },
		{ "--monitor m machine-check --type slb --subtype ifetch", "no subtype" },
		{ "--monitor m machine-check --type dcache --subtype parity", "which has none" },
		{ "--monitor m machine-check --type slb --logical-address 1", "only a UE" },
		{ "--monitor m machine-check --type slb --permanent", "only a UE" },
		{ "--monitor m machine-check --type icache --ea 1", "reports none" },
		{ "--monitor m machine-check --severity fatal --disposition fully-recovered",
		  "contradicts" },
		{ "--monitor m system-reset --type slb", "not for a system reset" },
		{ "--monitor m system-reset --ea 1", "not for a system reset" },
		{ "--monitor m \033[2J", "cannot inject \\x1b[2J" },
		{ "--monitor m machine-check --\033[2J", "unknown option --\\x1b[2J" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_refused(bad[i].line, true, bad[i].why);
}

static void numbers_are_decimal_or_hexadecimal_and_never_octal(void **state)
{
	static const struct {
		const char *text;
		uint64_t value;
	} good[] = {
		{ "0", 0 },
		{ "08", 8 },
		{ "010", 10 },
		{ "0x10", 16 },
		{ "0X1f", 0x1f },
		{ "0x08", 8 },
		{ "0xDEADbeef", 0xdeadbeef },
		{ "18446744073709551615", UINT64_MAX },
		{ "0xffffffffffffffff", UINT64_MAX },
	};
	static const char *const bad[] = { "",
					   "x",
					   "0x",
					   "-1",
					   "+1",
					   " 1",
					   "1 ",
					   "1f",
					   "0b1",
					   "0x1g",
					   "1e3",
					   "18446744073709551616",
					   "0x10000000000000000" };
	uint64_t value;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_true(number_parse(good[i].text, strlen(good[i].text), &value));
		assert_true(value == good[i].value);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (number_parse(bad[i], strlen(bad[i]), &value))
			fail_msg("\"%s\" is no number", bad[i]);
	assert_inject("--monitor m machine-check --cpu 08");
	assert_int_equal(json_integer_value(json_object_get(inject_options.args, "cpu-index")), 8);
	assert_run("-kernel k --map-memory address=0x1000,size=0004096,file=f");
	assert_int_equal(run_options.machine.mapping.size, 4096);
	free((char *)run_options.machine.mapping.path);
}

static int free_arguments(void **state)
{
	json_decref(inject_options.args);
	run_options_free(&run_options);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_defaults_are_a_small_machine),
		cmocka_unit_test(
			the_processor_has_qemus_names_and_may_be_compatible_with_an_older_one),
		cmocka_unit_test(a_bios_is_enough),
		cmocka_unit_test(every_option_starts_with_one_dash_or_two),
		cmocka_unit_test(memory_sizes_are_those_of_qemu),
		cmocka_unit_test(cpus_make_up_cores_and_sockets_as_qemu_says),
		cmocka_unit_test(bad_run_command_lines_print_one_line),
		cmocka_unit_test(a_monitor_is_a_path_however_qemu_would_say_it),
		cmocka_unit_test(options_of_qemu_that_change_nothing_are_accepted),
		cmocka_unit_test(options_of_qemu_that_mean_something_else_are_refused),
		cmocka_unit_test(an_unknown_option_names_the_nearest_one),
		cmocka_unit_test(help_needs_no_kernel),
		cmocka_unit_test(an_injection_says_only_what_was_given),
		cmocka_unit_test(injection_options_become_arguments),
		cmocka_unit_test(numbers_are_decimal_or_hexadecimal_and_never_octal),
		cmocka_unit_test(bad_inject_command_lines_print_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, free_arguments);
}
