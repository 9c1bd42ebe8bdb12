/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state in which a kernel starts: registers, device tree, memory, initial RAM disk, clock.
 * LoPAR appendix "LoPAR Binding", Linux Documentation/powerpc/booting.rst. The runner provides 384
 * MiB, three CPUs and a RAM disk with a pattern.
 */
#include "payload.h"

#define REGISTERS \
	"the_kernel_starts_with_r3_device_tree_r4_its_base_r5_0_and_msr_sf_me_in_its_byte_order"
#define TREE	  "the_device_tree_lies_in_memory_and_outside_of_everything_else"
#define MEMORY	  "the_device_tree_says_how_much_memory_there_is"
#define ZERO	  "memory_that_nothing_was_loaded_to_is_zero"
#define BOOTARGS  "the_kernel_command_line_is_in_chosen"
#define INITRD	  "the_initial_ram_disk_is_where_chosen_says_whole_and_aligned"
#define CPU_NODES "there_is_a_cpu_node_for_each_vcpu"
#define RTAS_NODE "the_rtas_node_names_base_entry_size_and_the_error_logs_bound"
#define TOKENS	  "every_rtas_function_has_a_token_of_its_own"
#define VECTOR_5  "architecture_vec_5_offers_xics_and_radix_with_guest_translation_shootdown"
#define CLOCK	  "get_time_of_day_says_what_set_time_of_day_set"
#define PROCESSOR "the_processor_is_a_power9"
#define PARKED	  "the_other_cpus_are_stopped"

const char *const sentences[] = { REGISTERS, TREE,   MEMORY,   ZERO,  BOOTARGS,	 INITRD, CPU_NODES,
				  RTAS_NODE, TOKENS, VECTOR_5, CLOCK, PROCESSOR, PARKED, NULL };

#define INITRD_SIZE 100001

static bool overlap(u64 a, u64 a_size, u64 b, u64 b_size)
{
	return a < b + b_size && b < a + a_size;
}

static void test_initrd(void)
{
	const void *start = fdt_property("/chosen", "linux,initrd-start", NULL);
	const void *end = fdt_property("/chosen", "linux,initrd-end", NULL);
	const u8 *p;
	u64 size;

	if (!check(INITRD, start && end, "there is none"))
		return;
	p = (const u8 *)read_be64(start);
	size = read_be64(end) - read_be64(start);
	check_equal(INITRD, size, INITRD_SIZE, "size");
	check_equal(INITRD, (u64)p & 0xfff, 0, "offset in its page");
	for (unsigned i = 0; i < INITRD_SIZE; i++)
		if (!check(INITRD, p[i] == (u8)(i * 7 + (i >> 8)), "a byte is another"))
			break;
	check_equal(INITRD, p[size], 0, "the byte behind it");
	check(INITRD, !overlap((u64)p, size, 0, (u64)payload_end), "it overlaps the kernel");
	check(INITRD, !overlap((u64)p, size, rtas_base, rtas_size), "it overlaps RTAS");
}

static void test_tree(void)
{
	u32 size = read_be32((u8 *)boot.fdt + 4), len;
	const u8 *vector_5 = fdt_property("/chosen", "ibm,architecture-vec-5", &len);
	const char *text = bootargs(), *wanted = "one two=3";
	unsigned i = 0;

	check(TREE, boot.fdt % 8 == 0 && boot.fdt + size <= memory_size, "it is not");
	check(TREE, !overlap(boot.fdt, size, 0, (u64)payload_end), "it overlaps the kernel");
	check(TREE, !overlap(boot.fdt, size, rtas_base, rtas_size), "it overlaps RTAS");
	check_equal(MEMORY, memory_size, 384 << 20, "size");
	while (text[i] && text[i] == wanted[i])
		i++;
	check_equal(BOOTARGS, (u8)text[i], (u8)wanted[i], "the first character that differs");
	if (check(VECTOR_5, vector_5 && len > 26, "it is not there"))
		check(VECTOR_5,
		      !(vector_5[23] & 0xc0) && vector_5[24] == 0x40 && vector_5[26] & 0x40,
		      "it does not");
	check_equal(CPU_NODES, nr_cpus, 3, "interrupt servers");
	check_equal(CPU_NODES, fdt_u32("/cpus/PowerPC,POWER9", "reg"), 0, "number of the first");
	check(CPU_NODES, fdt_property("/cpus/PowerPC,POWER9", "ibm,pa-features", &len) && len > 2,
	      "it has no features");
}

/* Counts the CPU nodes and adds up their numbers. */
static unsigned count_cpu_nodes(void)
{
	const u8 *fdt = (const u8 *)boot.fdt, *p = fdt + read_be32(fdt + 8),
		 *end = p + read_be32(fdt + 36);
	unsigned count = 0;

	for (; p < end; p += 4)
		if (read_be32(p) == 1 && !memcmp(p + 4, "PowerPC,POWER9@", 15))
			count++;
	return count;
}

static void test_rtas_node(void)
{
	static const char *const functions[] = { "ibm,nmi-register",
						 "ibm,nmi-interlock",
						 "power-off",
						 "system-reboot",
						 "start-cpu",
						 "stop-self",
						 "query-cpu-stopped-state",
						 "event-scan",
						 "check-exception",
						 "nvram-fetch",
						 "nvram-store",
						 "get-time-of-day",
						 "set-time-of-day",
						 "ibm,os-term",
						 "ibm,set-xive",
						 "ibm,get-xive",
						 "ibm,int-on",
						 "ibm,int-off",
						 "display-character",
						 "ibm,get-system-parameter" };
	u32 tokens[ARRAY_SIZE(functions)];

	check(RTAS_NODE, rtas_base && rtas_base + rtas_size <= memory_size, "it is not in memory");
	check(RTAS_NODE, rtas_entry >= rtas_base && rtas_entry < rtas_base + rtas_size,
	      "the entry is outside");
	check_equal(RTAS_NODE, fdt_u32("/rtas", "rtas-error-log-max"), 2048, "rtas-error-log-max");
	check(RTAS_NODE, rtas_size >= 2048 + 16, "it is too small for a log");
	for (unsigned i = 0; i < ARRAY_SIZE(functions); i++) {
		tokens[i] = rtas_token(functions[i]);
		check(TOKENS, tokens[i] != 0 && tokens[i] != ~0u, functions[i]);
		for (unsigned j = 0; j < i; j++)
			check(TOKENS, tokens[i] != tokens[j], functions[i]);
	}
}

static void test_zero(void)
{
	const struct {
		u64 at, size;
	} taken[] = { { 0, (u64)payload_end },
		      { boot.fdt, read_be32((u8 *)boot.fdt + 4) },
		      { rtas_base, rtas_size },
		      { read_be64(fdt_property("/chosen", "linux,initrd-start", NULL)),
			INITRD_SIZE } };

	for (u64 at = 0; at < memory_size;) {
		u64 stop = (at | 0xffff) + 1;

		for (unsigned i = 0; i < ARRAY_SIZE(taken); i++)
			if (at >= taken[i].at && at < taken[i].at + taken[i].size)
				at = (taken[i].at + taken[i].size + 7) & ~7ull;
			else if (taken[i].at > at && taken[i].at < stop)
				stop = taken[i].at & ~7ull;
		for (; at < stop; at += 8)
			if (*(u64 *)at) {
				check_equal(ZERO, *(u64 *)at, 0, "a doubleword");
				print("# at 0x%lx\n", at);
				return;
			}
	}
	check(ZERO, true, "");
}

static void test_clock(void)
{
	const u32 set[7] = { 2031, 12, 31, 23, 59, 58, 0 };
	u32 got[7];

	check_equal(CLOCK, (u32)rtas("set-time-of-day", 7, 0, set, NULL), 0,
		    "status of set-time-of-day");
	check_equal(CLOCK, (u32)rtas("get-time-of-day", 0, 7, NULL, got), 0,
		    "status of get-time-of-day");
	for (unsigned i = 0; i < 6; i++)
		check_equal(CLOCK, got[i], set[i], "a field");
	/* Three seconds: wait in H_CEDE for the decrementer. */
	mtspr(SPR_DEC, 3 * 512000000);
	hcall4(H_CEDE, 0, 0, 0, 0);
	mtmsr_ri(0);
	check_equal(CLOCK, (u32)rtas("get-time-of-day", 0, 7, NULL, got), 0,
		    "status of get-time-of-day");
	check_equal(CLOCK, got[0], 2032, "the year three seconds later");
	check_equal(CLOCK, got[1] * 100 + got[2], 101, "month and day");
	check_equal(CLOCK, got[3] + got[4], 0, "hour and minute");
	check_equal(CLOCK, got[5], 1, "second");
}

static void set_decrementer(struct frame *frame)
{
	if (frame->vector != 0x900)
		leave_run(frame);
	mtspr(SPR_DEC, 0x7fffffff);
}

void payload(void)
{
	uses_decrementer = true;
	on_interrupt = set_decrementer;
	check_equal(REGISTERS, boot.r4, 0, "R4");
	check_equal(REGISTERS, boot.r5, 0, "R5");
	check_equal(REGISTERS, boot.msr, MSR_BARE, "MSR");
	test_tree();
	check_equal(CPU_NODES, count_cpu_nodes(), 3, "nodes");
	test_rtas_node();
	test_initrd();
	test_zero();
	check_equal(PROCESSOR, mfspr(287) >> 16, 0x4e, "PVR's version");
	for (u32 cpu = 0; cpu < 3; cpu++) {
		u32 stopped = ~0u;

		check_equal(PARKED, (u32)rtas("query-cpu-stopped-state", 1, 1, &cpu, &stopped), 0,
			    "status");
		check_equal(PARKED, stopped, cpu ? 0 : 2, "state");
	}
	interrupts_in_own_endian();
	test_clock();
}
