/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What was seen of a guest while a case ran: facts only. verdict.h judges them.
 */
#ifndef FWNMI_LAB_OBSERVATION_H
#define FWNMI_LAB_OBSERVATION_H

#include "engine/engine.h"
#include "inject/request.h"
#include "lab/case.h"
#include "lab/kernel_options.h"
#include "machine/machine.h"

#define LAB_MAX_HITS  256 /* of a case */
#define LAB_MAX_PLACE 128

/* One event that reached a vCPU. */
struct lab_hit {
	unsigned step; /* of the case */
	struct injection_report report; /* at the end of the run */
	struct fwnmi_machine_check mc; /* as asked for; not of a system reset */
	struct engine_regs before, after; /* interrupted; and when it came back, if it did */
	struct engine_program_regs more_before, more_after;
	uint8_t soft_mask_before, soft_mask_after; /* Linux's, 0 if unknown */
	/*
	 * A return from interrupt has brought the process that was interrupted back to its
	 * instruction for the first time. Registers that differ then were corrupted.
	 */
	bool came_back;
	/* A system reset in its handler has called ibm,nmi-interlock for it. */
	bool released_by_reset;
	bool guest_asked; /* a system reset by H_SIGNAL_SYS_RESET: Linux's own NMI IPI */
	bool fixup; /* the kernel's __ex_table has an entry for report.nip */
	bool restart; /* its __restart_table has: Linux may go on elsewhere */
	char place[LAB_MAX_PLACE]; /* of report.nip, "symbol+0x10" or "" */
	char process[16]; /* that was interrupted, its comm; "" if unknown */
	bool has_pid;
	uint32_t pid; /* its number */
	uint64_t insns; /* of the machine, since the run's start */
	size_t console_at; /* what had been printed by then: an offset into console */
};

/* A line that the workload has written; see payload/lab/README. */
enum lab_note_type {
	LAB_NOTE_ROUND, /* "round": a workload has verified everything once */
	LAB_NOTE_CORRUPT, /* "corrupt": it has found what should not be: text */
	LAB_NOTE_DIED, /* "died": a process has died of a signal: process, signal */
	LAB_NOTE_FAILED, /* "failed": the workload could not go on: text */
};

struct lab_note {
	enum lab_note_type type;
	char process[16]; /* "victim0": workload and its number */
	int signal;
	char text[128];
	size_t console_at;
	uint64_t insns;
};

/* Why a run ended. */
enum lab_end {
	LAB_END_DONE, /* each workload has verified itself again after the last event */
	LAB_END_MACHINE, /* the machine: machine_end, why */
	LAB_END_PANICKED, /* the kernel has panicked, and the machine goes on */
	LAB_END_BOUND, /* the bound of instructions without progress */
	LAB_END_UNREACHED, /* a trigger did not come true in the bound of instructions */
};

struct lab_observation {
	enum lab_end end;
	enum machine_end machine_end; /* LAB_END_MACHINE */
	char why[256];
	bool os_term; /* the guest has called ibm,os-term; else MACHINE_CRASHED is FWNMI's doing */
	unsigned steps_reached; /* steps delivered, raised or refused by FWNMI */
	struct lab_hit *hits; /* LAB_MAX_HITS at most */
	unsigned nr_hits;
	struct lab_note *notes; /* since the run's start */
	size_t nr_notes;
	unsigned rounds_after; /* rounds of all workloads after the last hit */
	char *console; /* what the guest printed since the run's start, NUL at the end; bounded */
	size_t console_length, console_size;
	bool console_cut; /* more was printed */
	uint64_t insns; /* executed by all vCPUs */
	unsigned nr_vcpus;
	unsigned nr_running; /* at the end: neither stopped nor unsafe */
	/* Where the vCPUs were at the end: of a hang, the first thing to look at. */
	struct lab_position {
		uint64_t nip, lr, msr;
	} positions[ENGINE_MAX_VCPUS];
	unsigned kernel_version; /* 601 for 6.1 */
	struct kernel_options options;
};

#endif
