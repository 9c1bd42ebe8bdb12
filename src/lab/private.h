/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the lab's guest share: lab_guest.c (what it is made of, how it boots),
 * guest_console.c (what it says), guest_events.c (what reaches it), guest_cases.c (how it is run).
 */
#ifndef FWNMI_LAB_PRIVATE_H
#define FWNMI_LAB_PRIVATE_H

#include "inject/injector.h"
#include "lab/coverage.h"
#include "lab/current_task.h"
#include "lab/kernel_tables.h"
#include "lab/lab_guest.h"
#include "lab/notes.h"
#include "lab/soft_mask.h"
#include "lab/step.h"
#include "machine/snapshot.h"

#define CONSOLE_SIZE	 (64u << 10)
#define CONSOLE_OF_EVENT 512u /* more than Linux's report of a machine check */
#define MAX_NOTES	 4096
#define MAX_PROCESSES	 (8 * ENGINE_MAX_VCPUS)
/* Where the kernel is linked to. Its code in real mode is there without the top bits. */
#define KERNEL_BASE	 0xc000000000000000ull

/* A process of the workload. */
struct process {
	char name[16];
	unsigned rounds; /* since the last event, or its own death */
};

struct lab_guest {
	struct lab_guest_config config;
	struct machine *machine;
	struct injector *injector;
	struct symbols *symbols; /* NULL: the kernel's file has none, because of no_symbols */
	char no_symbols[256];
	struct coverage *coverage; /* NULL: nobody wants to know */
	struct coverage_watch *watch; /* NULL: the workload has not started */
	struct current_task current;
	struct kernel_tables tables;
	unsigned soft_mask; /* its offset in the PACA, or SOFT_MASK_UNKNOWN */
	struct snapshot *snapshot;
	char append[1024];
	struct kernel_options options; /* what append, and how the kernel was built, say */
	int initrd_fd; /* -1: none */
	char initrd[32]; /* its path */

	char input[64]; /* typed, not yet read */
	size_t input_length, input_at;
	char line[NOTES_LINE_MAX]; /* the console's last, as far as it goes */
	size_t line_length;
	char last_line[NOTES_LINE_MAX]; /* the last whole one that is not empty */
	uint64_t spoke; /* instructions at the console's last output */

	bool registered, ready, steady;
	unsigned nr_cpus; /* that Linux uses, once it is ready */
	char release[64];
	struct process processes[MAX_PROCESSES];
	unsigned nr_processes;

	/* Of the snapshot. */
	enum lab_workload workload;
	struct {
		char line[NOTES_LINE_MAX];
		size_t line_length;
		uint64_t insns;
	} start;

	/* The case that runs; seen is NULL while none does. */
	struct lab_observation *seen;
	struct lab_step steps[LAB_MAX_STEPS];
	unsigned nr_steps, step; /* the next to begin */
	unsigned nr_events; /* of all steps */
	unsigned awaited; /* events of the last step that have not arrived */
	bool to_delivery; /* the run ends there */
	uint64_t progress; /* instructions at the last one */
};

/* guest_console.c */
/** guest_stop_now() - have the machine stop before its next instruction. */
void guest_stop_now(struct lab_guest *guest);
void guest_type(struct lab_guest *guest, const char *text);
void guest_console_write(void *opaque, const void *buf, unsigned length);
unsigned guest_console_read(void *opaque, void *buf, unsigned length);

/* guest_events.c: for the machine's hook and the injector */
void guest_on_event(void *opaque, const struct machine_event *event);
void guest_on_returned(void *opaque, unsigned vcpu);
void guest_on_ended(void *opaque, const struct injection_report *report);
void guest_tell_process(void *opaque, const struct engine_regs *regs,
			struct trigger_process *process);
/** guest_soft_mask() - Linux's, of the vCPU that has these registers; 0 if unknown */
uint8_t guest_soft_mask(const struct lab_guest *guest, const struct engine_regs *regs);

/* lab_guest.c */
/** guest_go() - type the command that starts a workload. */
void guest_go(struct lab_guest *guest, enum lab_workload workload);
/** guest_keep_moment() - take the snapshot that cases begin at; false: @err says why */
bool guest_keep_moment(struct lab_guest *guest, char *err, size_t err_size);

#endif
