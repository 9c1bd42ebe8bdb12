/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine: guest RAM, vCPUs, run loop, clock, loader, and the glue between an engine and the partition.
 * One host thread runs everything: vCPUs take turns in a fixed order, so CLOCK_INSN runs are repeatable.
 */
#ifndef FWNMI_MACHINE_MACHINE_H
#define FWNMI_MACHINE_MACHINE_H

#include <poll.h>

#include "engine/engine.h"
#include "papr/papr.h"

#define MACHINE_MIN_RAM (256ull << 20)
#define MACHINE_MAX_RAM (64ull << 30)

enum machine_end { MACHINE_RUNNING, MACHINE_POWERED_OFF, MACHINE_REBOOT, MACHINE_CRASHED, MACHINE_FAILED, MACHINE_QUIT };

struct machine_config {
	const char *kernel;	 /* path, required */
	const char *initrd;	 /* path or NULL */
	const char *append;	 /* kernel command line or "" */
	uint64_t ram_size;	 /* bytes */
	unsigned nr_vcpus;
	enum clock_mode clock;
	const struct engine_ops *engine;
	const char *nvram;	 /* path or NULL */
	bool fwnmi_strict, no_reboot, debug;
};

enum inject_context { INJECT_ANY, INJECT_KERNEL, INJECT_USER };

/* A request from the monitor: delivered when the vCPU reaches an instruction that fits. */
struct machine_injection {
	unsigned vcpu;
	bool system_reset;		/* else a machine check */
	struct fwnmi_machine_check mc;
	enum inject_context context;
	bool now;			/* anywhere, MSR[RI]=0 included */
};

struct machine; /* opaque: machine.c */

/* Someone who wants file descriptors watched by the run loop and events seen (console, monitor). */
struct machine_client {
	void (*event)(void *opaque, const struct papr_event *event, uint64_t insns, uint64_t timebase);
	/* fills at most @max entries, returns the count; then poll results are handed to ready() */
	unsigned (*poll_fds)(void *opaque, struct pollfd *fds, unsigned max);
	void (*ready)(void *opaque, struct pollfd *fds, unsigned count);
	void *opaque;
};

struct machine *machine_create(const struct machine_config *config, char *err, size_t err_size);
void machine_destroy(struct machine *machine);
void machine_add_client(struct machine *machine, const struct machine_client *client);
/** machine_set_console() - where the vty's output goes and its input comes from. */
void machine_set_console(struct machine *machine, void (*write)(void *opaque, const void *buf, unsigned len),
			 unsigned (*read)(void *opaque, void *buf, unsigned len), void *opaque);
void machine_console_input(struct machine *machine); /* input is available */
/** machine_run() - run until the partition ends; reboots are carried out inside unless no_reboot. */
enum machine_end machine_run(struct machine *machine, char *why, size_t why_size);
void machine_quit(struct machine *machine);	/* Ctrl-a x, monitor "quit"; async-signal-safe */
void machine_pause(struct machine *machine, bool paused);
void machine_request_reset(struct machine *machine);

/** machine_inject() - queue an injection; 0, or -1 with a reason (no such vCPU, stopped vCPU, one is already pending). */
int machine_inject(struct machine *machine, const struct machine_injection *injection, char *err, size_t err_size);

struct papr *machine_papr(struct machine *machine);
unsigned machine_nr_vcpus(const struct machine *machine);
uint64_t machine_insns(const struct machine *machine);
uint64_t machine_timebase(const struct machine *machine);

#endif
