/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest of the lab: somebody's kernel, our userland, and what is done to them. It runs by
 * instructions, so that the same case always gives the same observation.
 */
#ifndef FWNMI_LAB_LAB_GUEST_H
#define FWNMI_LAB_LAB_GUEST_H

#include "isa/model.h"
#include "lab/case.h"
#include "lab/observation.h"
#include "pseries/partition.h"

/* Instructions without a sign of life after which a run ends. */
#define LAB_BOUND	300000000ull
#define LAB_RESET_BOUND 5000000000ull
#define LAB_BOOT_BOUND	20000000000ull

struct lab_guest_config {
	const char *kernel; /* path */
	bool big_endian; /* the kernel, and so its userland */
	const char *initrd; /* path, or NULL: files beside our userland's */
	const char *append; /* or NULL: more words for the kernel's command line */
	uint64_t ram_size; /* bytes */
	unsigned nr_vcpus;
	struct papr_topology topology;
	const struct cpu_model *cpu, *compat; /* as in struct machine_config */
	enum papr_interrupts interrupts;
	enum engine_jit jit;
	unsigned nr_children; /* processes at a time that lab_guest_forked() tells apart */
	bool note_code; /* for lab_guest_code() */
	/*
	 * Asked now and then while the guest boots, with the instructions so far; false ends it.
	 * May be NULL.
	 */
	bool (*goes_on)(void *opaque, uint64_t insns);
	void *opaque;
};

struct lab_guest;

/** lab_guest_create() - NULL with one line in @err: no such kernel, not a kernel, no memory */
struct lab_guest *lab_guest_create(const struct lab_guest_config *config, char *err,
				   size_t err_size);
void lab_guest_destroy(struct lab_guest *guest);

enum lab_boot_stage {
	LAB_REGISTERED, /* the kernel has registered its handlers */
	LAB_READY, /* our userland waits for a command */
};

/**
 * lab_guest_boot() - run the guest until it is so far
 *
 * returns: false, with one line in @err: it crashed, does nothing any more, never registered, or
 * takes more than LAB_BOOT_BOUND instructions
 */
bool lab_guest_boot(struct lab_guest *guest, enum lab_boot_stage stage, char *err, size_t err_size);
/** lab_guest_forked() - as machine_forked() */
void lab_guest_forked(struct lab_guest *guest, unsigned number);
/** lab_guest_release() - the kernel's, as its userland prints it; valid once it is ready */
const char *lab_guest_release(const struct lab_guest *guest);

/**
 * lab_guest_start() - start a workload, and keep the moment that cases begin at
 *
 * The guest is ready; for LAB_BOOT it has registered. Once for each guest: to have another workload
 * as well, fork() first.
 */
bool lab_guest_start(struct lab_guest *guest, enum lab_workload workload, char *err,
		     size_t err_size);

/**
 * lab_guest_run() - run a case from the moment that lab_guest_start() kept
 * @to_delivery: only until the last step's event has been delivered
 * @seen: filled in, to be given to lab_observation_clear()
 *
 * returns: false, with one line in @err, if the case is none for this guest
 */
bool lab_guest_run(struct lab_guest *guest, const struct lab_case *c, bool to_delivery,
		   struct lab_observation *seen, char *err, size_t err_size);
/** lab_guest_reset() - back to that moment, with nothing to be done; @err as above */
bool lab_guest_reset(struct lab_guest *guest, char *err, size_t err_size);
/**
 * lab_guest_code() - what the cases have executed of the kernel's machine check and system reset
 * code since the last call, as coverage_news() has it; NULL: nothing new
 */
json_t *lab_guest_code(struct lab_guest *guest);
/**
 * lab_guest_machine() - as the last case left it; to be run by nobody else, but by instructions
 * between lab_guest_reset() and the next case
 */
struct machine *lab_guest_machine(struct lab_guest *guest);
/**
 * lab_guest_place() - the place in the kernel of a vCPU's next instruction, "symbol+0x10"
 * @out: of @size bytes, at least 1; "" in user mode, or if the kernel has no symbols
 */
char *lab_guest_place(struct lab_guest *guest, const struct engine_regs *regs, char *out,
		      size_t size);
void lab_observation_clear(struct lab_observation *seen);

#endif
