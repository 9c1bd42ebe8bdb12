/* SPDX-License-Identifier: BSD-2-Clause */
/* The reader of Linux's lines, on consoles as recorded, in older formats, and on hostile bytes. */
#include "lab/kernel_lines.h"

#include "lab_consoles.h"
#include "unit.h"

static struct kernel_lines lines;

static void read_bytes(const void *bytes, size_t length)
{
	void *copy = exact_copy(bytes, length);

	kernel_lines_read(copy, length, &lines);
	free(copy);
}

static void read_text(const char *text)
{
	read_bytes(text, strlen(text));
}

static void a_report_in_user_mode_is_read_whole(void **state)
{
	(void)state;
	read_text(console_6_1_ue_user);
	assert_int_equal(lines.nr_mces, 1);
	assert_true(lines.mces[0].has_cpu);
	assert_int_equal(lines.mces[0].cpu, 0);
	assert_string_equal(lines.mces[0].severity, "Severe");
	assert_string_equal(lines.mces[0].what, "UE Load/Store");
	assert_false(lines.mces[0].recovered);
	assert_true(lines.mces[0].has_dar);
	assert_int_equal(lines.mces[0].dar, 0x20000000);
	assert_true(lines.mces[0].has_paddr);
	assert_int_equal(lines.mces[0].paddr, 0x1a3e0000);
	assert_true(lines.mces[0].has_nip);
	assert_int_equal(lines.mces[0].nip, 0x10000018);
	assert_true(lines.mces[0].has_process);
	assert_int_equal(lines.mces[0].process.pid, 80);
	assert_string_equal(lines.mces[0].process.comm, "victim");
	assert_string_equal(lines.mces[0].initiator, "CPU");
	assert_true(lines.memory_failure);
	assert_int_equal(lines.nr_killed, 1);
	assert_int_equal(lines.killed[0].how, KERNEL_KILL_SIGNAL);
	assert_string_equal(lines.killed[0].process.comm, "victim");
	assert_int_equal(lines.killed[0].process.pid, 80);
}

static void a_report_in_the_kernel_has_no_process(void **state)
{
	(void)state;
	read_text(console_6_12_slb_kernel);
	assert_int_equal(lines.nr_mces, 1);
	assert_true(lines.mces[0].recovered);
	assert_false(lines.mces[0].has_dar);
	assert_false(lines.mces[0].has_process);
	assert_true(lines.mces[0].has_nip);
	assert_string_equal(lines.mces[0].what, "SLB Multihit");
}

static void a_real_address_beside_nip_is_read(void **state)
{
	(void)state;
	read_text("MCE: CPU3: machine check (Severe)  UE Instruction fetch [Not recovered]\n"
		  "MCE: CPU3: PID: 7 Comm: a b NIP: [0000000010000000] paddr: 0000000000345000\n");
	assert_int_equal(lines.mces[0].cpu, 3);
	assert_true(lines.mces[0].has_paddr);
	assert_int_equal(lines.mces[0].paddr, 0x345000);
	assert_string_equal(lines.mces[0].process.comm, "a b");
}

static void reports_of_two_cpus_may_be_mixed(void **state)
{
	(void)state;
	read_text("MCE: CPU0: machine check (Severe)  SLB Parity [Recovered]\n"
		  "MCE: CPU1: machine check (Fatal)  Unknown  [Not recovered]\n"
		  "MCE: CPU0: NIP: [c000000000000010] f+0x1/0x2\n"
		  "Bus error\n"
		  "MCE: CPU1: NIP: [c000000000000020] g+0x1/0x2\n"
		  "MCE: CPU1: Initiator Memory\n"
		  "MCE: CPU0: Initiator CPU\n");
	assert_int_equal(lines.nr_mces, 2);
	assert_int_equal(lines.mces[0].nip, 0xc000000000000010);
	assert_int_equal(lines.mces[1].nip, 0xc000000000000020);
	assert_string_equal(lines.mces[1].what, "Unknown");
	assert_string_equal(lines.mces[0].initiator, "CPU");
	assert_string_equal(lines.mces[1].initiator, "Memory");
}

static void the_report_of_kernels_before_5_2_is_read(void **state)
{
	(void)state;
	read_text("[    1.5] Severe Machine check interrupt [Not recovered]\n"
		  "[    1.5]   NIP: [0000000010000018] PID: 80 Comm: victim\n"
		  "[    1.5]   Initiator: CPU\n"
		  "[    1.5]   Error type: UE [Load/Store]\n"
		  "[    1.5]     Effective address: 0000000020000000\n");
	assert_int_equal(lines.nr_mces, 1);
	assert_false(lines.mces[0].has_cpu);
	assert_false(lines.mces[0].recovered);
	assert_string_equal(lines.mces[0].severity, "Severe");
	assert_string_equal(lines.mces[0].what, "UE Load/Store");
	assert_int_equal(lines.mces[0].nip, 0x10000018);
	assert_string_equal(lines.mces[0].process.comm, "victim");
	assert_int_equal(lines.mces[0].dar, 0x20000000);
	assert_string_equal(lines.mces[0].initiator, "CPU");
}

static void an_oops_names_its_process(void **state)
{
	(void)state;
	read_text(console_6_1_fatal_user);
	assert_int_equal(lines.nr_oopses, 1);
	assert_string_equal(lines.oopses[0].text, "Machine check");
	assert_string_equal(lines.oopses[0].process.comm, "victim");
	assert_int_equal(lines.oopses[0].process.pid, 80);
	/* Since 6.11 there is a UID as well. */
	read_text(console_6_12_fatal_user);
	assert_int_equal(lines.nr_oopses, 1);
	assert_string_equal(lines.oopses[0].process.comm, "victim");
	assert_false(lines.panicked);
}

static void a_system_reset_ends_in_a_panic(void **state)
{
	(void)state;
	read_text(console_6_12_reset);
	assert_string_equal(lines.oopses[0].text, "System Reset");
	assert_true(lines.oopses[0].has_nip);
	assert_int_equal(lines.oopses[0].nip, 0x10000018);
	assert_true(lines.panicked);
	assert_string_equal(lines.panic, "System Reset");
}

static void those_killed_for_a_page_are_told_apart(void **state)
{
	(void)state;
	read_text(console_6_1_ue_recovered);
	assert_int_equal(lines.nr_killed, 1);
	assert_int_equal(lines.killed[0].how, KERNEL_KILL_POISON);
	assert_string_equal(lines.killed[0].process.comm, "victim");
	read_text("Memory failure: 0x1a3e: Sending SIGBUS to a:b:77 due to hardware memory "
		  "corruption\n"
		  "Memory failure: 0x1a3e: forcibly killing c:9 because of failure to unmap "
		  "corrupted page\n");
	assert_int_equal(lines.nr_killed, 2);
	assert_string_equal(lines.killed[0].process.comm, "a:b");
	assert_int_equal(lines.killed[0].process.pid, 77);
	assert_string_equal(lines.killed[1].process.comm, "c");
}

static void watchdogs_and_bugs_are_heard(void **state)
{
	(void)state;
	read_text("[    9.0] watchdog: CPU 1 self-detected hard LOCKUP @ f+0x1/0x2\n"
		  "[    9.1] rcu: INFO: rcu_sched detected stalls on CPUs/tasks:\n"
		  "[    9.2] BUG: Unable to handle kernel data access on read at 0x10\n");
	assert_string_equal(lines.stall, "watchdog: CPU 1 self-detected hard LOCKUP @ f+0x1/0x2");
	assert_string_equal(lines.bug, "BUG: Unable to handle kernel data access on read at 0x10");
	read_text("FWNMI: corrupt r3 0x0000000000000010\nFWNMI: nmi-interlock failed: -1\n"
		  "NMI backtrace for cpu 1\ncpu 0x0: Vector: 100 (System Reset) at [c0]\n"
		  "kexec: Starting switchover sequence.\n");
	assert_true(lines.corrupt_r3);
	assert_true(lines.interlock_failed);
	assert_int_equal(lines.nmi_backtraces, 1);
	assert_true(lines.in_xmon);
	assert_true(lines.crash_kernel);
	assert_false(lines.check_in_xmon);
	read_text("cpu 0x1: Vector: 200 (Machine Check) at [c0]\n"
		  "cpu 0x1: Vector: 300 (Data Access) at [c0]\n"
		  "Kernel command line: quiet elfcorehdr=77824K\n");
	assert_true(lines.check_in_xmon);
	assert_false(lines.in_xmon);
	assert_string_equal(lines.bug, "cpu 0x1: Vector: 300 (Data Access) at [c0]");
	assert_true(lines.crash_kernel);
	read_text("Kernel command line: quiet\n");
	assert_false(lines.crash_kernel);
}

static void a_line_that_is_nearly_right_is_none(void **state)
{
	(void)state;
	read_text("MCE: CPU: machine check (Severe)  SLB Multihit [Recovered]\n"
		  "MCE: CPU99999999999: machine check (Severe)  SLB Multihit [Recovered]\n"
		  "MCE: CPU0: machine check (Severe)  SLB Multihit [Recov\n"
		  "MCE: CPU0: machine check (Severe\n"
		  "not a MCE: CPU0: machine check (Severe)  SLB Multihit [Recovered]\n"
		  "a very Severe Machine check interrupt [Recovered]\n"
		  "victim[80]: bus error (7)\n"
		  "Oops: Machine check\n");
	assert_int_equal(lines.nr_mces, 0);
	assert_int_equal(lines.nr_oopses, 0);
	assert_int_equal(lines.nr_killed, 0);
}

static void a_prefix_of_any_length_is_harmless(void **state)
{
	(void)state;
	for (size_t length = 0; length < strlen(console_6_12_ue_user); length++)
		read_bytes(console_6_12_ue_user, length);
	for (size_t length = 0; length < strlen(console_6_1_ue_recovered); length++)
		read_bytes(console_6_1_ue_recovered, length);
}

static void bytes_that_are_no_text_are_harmless(void **state)
{
	static const char head[] = "[ 1.0] MCE: CPU0: machine check (";
	uint32_t random = 1;
	char bytes[512];

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		memcpy(bytes,
		       console_6_1_ue_user + round % (sizeof(console_6_1_ue_user) - sizeof(bytes)),
		       sizeof(bytes));
		memcpy(bytes, head, sizeof(head) - 1);
		for (unsigned i = 0; i < 8; i++) {
			random = random * 1664525 + 1013904223;
			bytes[random >> 16 & 511] = (char)(random >> 8);
		}
		read_bytes(bytes, sizeof(bytes));
	}
}

static void more_reports_than_there_is_room_for_are_counted(void **state)
{
	static const char line[] = "MCE: CPU0: machine check (Severe)  SLB Multihit [Recovered]\n"
				   "MCE: CPU0: Initiator CPU\n"
				   "Oops: a, sig: 7 [#1]\nCPU: 0 PID: 1 Comm: a Not tainted x\n"
				   "a[1]: bus error (7) at 0\n";
	char *text = malloc(200 * sizeof(line));
	size_t length = 0;

	(void)state;
	assert_non_null(text);
	for (unsigned i = 0; i < 200; i++, length += sizeof(line) - 1)
		memcpy(text + length, line, sizeof(line) - 1);
	read_bytes(text, length);
	free(text);
	assert_int_equal(lines.nr_mces, 200);
	assert_int_equal(lines.nr_oopses, 200);
	assert_int_equal(lines.nr_killed, 200);
}

static void printks_first_line_stands_behind_what_rtas_displayed(void **state)
{
	static const char *const yes[] = {
		"#1 SMP Sat Nov 2[    0.010073] Kernel panic - not syncing: x",
		"[x [ 1.2] [   10.010073] Kernel panic - not syncing: x"
	};
	static const char *const no[] = {
		"#1 SMP Sat Nov 2[    0.01] Kernel panic - not syncing: x",
		"#1 SMP Sat Nov 2[    0.010073 Kernel panic - not syncing: x",
		"[    0.010073] said: [    0.010074] Kernel panic - not syncing"
	};
	/* It came when printk wrote it, not when RTAS began the line. */
	static const char mce[] = "Linux\n#1 SMP[    0.010073] MCE: CPU0: machine check (Severe)  "
				  "SLB Multihit [Recovered]\n";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
		assert_true(kernel_lines_next(yes[i], strlen(yes[i]), 0, &lines));
	for (size_t i = 0; i < ARRAY_SIZE(no); i++)
		assert_false(kernel_lines_next(no[i], strlen(no[i]), 0, &lines));
	kernel_lines_read(mce, strlen(mce), &lines);
	assert_int_equal(lines.nr_mces, 1);
	assert_int_equal(lines.mces[0].at, strlen("Linux\n#1 SMP"));
}

static void what_a_person_would_read_is_told_from_the_rest(void **state)
{
	static const char *const yes[] = { "[    1.0] RTAS: event: 1, Type: Platform Error (224)",
					   "MCE: limited recovery, system may be degraded",
					   "Machine check interrupt is fatal",
					   "[ 1.0][   T80] Kernel panic - not syncing: x" };
	static const char *const no[] = { "[    1.0] systemd[1]: Started", "",
					  "Modules linked in:" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
		assert_true(kernel_lines_next(yes[i], strlen(yes[i]), 0, &lines));
	for (size_t i = 0; i < ARRAY_SIZE(no); i++)
		assert_false(kernel_lines_next(no[i], strlen(no[i]), 0, &lines));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_report_in_user_mode_is_read_whole),
		cmocka_unit_test(a_report_in_the_kernel_has_no_process),
		cmocka_unit_test(a_real_address_beside_nip_is_read),
		cmocka_unit_test(reports_of_two_cpus_may_be_mixed),
		cmocka_unit_test(the_report_of_kernels_before_5_2_is_read),
		cmocka_unit_test(an_oops_names_its_process),
		cmocka_unit_test(a_system_reset_ends_in_a_panic),
		cmocka_unit_test(those_killed_for_a_page_are_told_apart),
		cmocka_unit_test(watchdogs_and_bugs_are_heard),
		cmocka_unit_test(a_line_that_is_nearly_right_is_none),
		cmocka_unit_test(a_prefix_of_any_length_is_harmless),
		cmocka_unit_test(bytes_that_are_no_text_are_harmless),
		cmocka_unit_test(more_reports_than_there_is_room_for_are_counted),
		cmocka_unit_test(printks_first_line_stands_behind_what_rtas_displayed),
		cmocka_unit_test(what_a_person_would_read_is_told_from_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
