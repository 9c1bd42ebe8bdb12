/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Request to inject a machine check or a system reset into a guest, and the report of what came of
 * it. It needs no machine, so monitor clients and attach/ use it too.
 */
#ifndef FWNMI_INJECT_REQUEST_H
#define FWNMI_INJECT_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fwnmi/fwnmi.h"
#include "inject/trigger.h"

#define INJECT_MAX_PLACE (TRIGGER_MAX_SYMBOL + 20)

/* The only limits are instructions: trigger.within. */
#define INJECT_NO_TIMEOUT UINT32_MAX

#define INJECT_MAX_REPEAT 1000000

/* A request, delivered when its trigger comes true for the vCPU. */
struct injection_request {
	uint64_t id; /* chosen by the caller, copied into every report */
	unsigned vcpu;
	bool system_reset; /* else a machine check */
	struct fwnmi_machine_check mc; /* srr1 is set by the machine */
	/*
	 * System reset: SRR0 and SRR1 as some firmware of PowerVM gave them to little-endian guests
	 * (Linux commit bded0706434d): byte-swapped, and SRR1 had little more than SF and DR.
	 */
	bool swapped_srr;
	bool effective_address_is_nip; /* use the interrupted instruction's address */
	struct trigger trigger;
	/*
	 * Requests of one group, not 0, go off together: once one's trigger has come true, the
	 * others only wait for MSR[RI].
	 */
	uint64_t group;
	unsigned timeout_ms; /* host time before it is withdrawn; 0: 10 s */
	/*
	 * A storm: so many events, not 0, one after the other. The next is asked for when the last
	 * one is over, and comes @every instructions of the run later at the earliest.
	 */
	unsigned repeat;
	uint64_t every;
};

/* A range of real memory to poison or to heal. */
struct poison_request {
	uint64_t address, length;
	bool heal_on_write; /* overwriting a whole cache line's poison heals it */
};

/* Errors to plant in what a vCPU has cached of translations, or to end. */
struct plant_request {
	unsigned vcpu;
	bool all_vcpus; /* to end only */
	uint8_t error_type; /* FWNMI_MC_ERAT, FWNMI_MC_TLB, FWNMI_MC_SLB */
	bool multihit; /* else parity */
	bool recovered; /* the hypervisor repairs it before the guest is told */
	bool any_process; /* of the one that uses the entry first; else @pid */
	uint32_t pid; /* PIDR, not the operating system's number */
	uint64_t first, last; /* effective addresses of whole pages of 4 KiB */
};

/* Stages of an injection, in order; it never goes back to an earlier one. */
enum injection_stage {
	INJECTION_NONE,
	INJECTION_PENDING, /* the vCPU has not yet reached a suitable instruction */
	INJECTION_RAISED, /* reached; it takes the architected interrupt, into the trampoline */
	INJECTION_WAITING, /* reached, but another vCPU holds the machine check buffer */
	INJECTION_DELIVERED, /* the vCPU is at the handler */
	INJECTION_INTERLOCKED, /* machine check: the guest has called ibm,nmi-interlock */
	INJECTION_FINISHED, /* returned to the interrupted code, or was not seen to */
	INJECTION_FAILED, /* withdrawn or refused: see reason */
};

/* What the guest was given, read from its copy of the error log. */
struct injection_log {
	bool valid; /* there is a log: a machine check entered a registered routine */
	uint8_t severity, disposition, initiator;
	bool has_mc; /* false after an earlier fatal error: then the log is only a fixed part */
	struct fwnmi_mc_section mc;
};

/* Why the code at an architected vector cannot be the guest's handler. */
enum injection_no_handler {
	INJECTION_HANDLER, /* it may be the handler */
	INJECTION_VECTOR_EMPTY, /* there is no instruction at the vector */
	INJECTION_BYTE_ORDER, /* interrupts do not use the guest's current byte order */
};

/*
 * Report of an injection. Instruction counts are those of its vCPU; times count from the delivery.
 */
struct injection_report {
	uint64_t id;
	unsigned vcpu;
	unsigned number, of; /* of a storm's events, from 1 on; 0: no storm */
	enum injection_stage stage;
	bool system_reset;
	bool ceded; /* the vCPU was idle in H_CEDE */
	bool registered; /* false: no routine; entered the architected vector */
	bool interlocked; /* FINISHED only: it was INTERLOCKED before */
	bool watched; /* the engine can tell if the vCPU returned */
	bool returned; /* FINISHED only: came back to the interrupted instruction */
	bool stopped; /* FINISHED only: stopped as unsafe, not interrupted */
	bool stale; /* not registered: the registered routine is gone */
	uint64_t nip, msr; /* of the interrupted instruction */
	char place[INJECT_MAX_PLACE]; /* of nip, "symbol+0x10"; "": in no known function */
	uint64_t handler, r3; /* NIP and R3 after delivery */
	struct injection_log log;
	enum injection_no_handler no_handler; /* not registered only */
	uint64_t srr1, dar; /* not registered only: as the machine check set them */
	uint32_t dsisr;
	uint8_t error_type, error_subtype; /* not registered only: decoded from its cause bits */
	uint64_t delivered_insns,
		delivered_timebase; /* at delivery: of the vCPU; of the partition */
	uint64_t interlock_insns, interlock_ticks, interlock_host_ns;
	uint64_t return_insns, return_ticks;
	char reason[160]; /* FAILED only */
};

/** injection_log_decode() - read a guest's log; false if it is not a log. */
bool injection_log_decode(struct injection_log *log, const void *bytes, size_t length);

#endif
