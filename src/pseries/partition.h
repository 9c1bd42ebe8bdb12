/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The partition as the guest sees it: hypervisor calls, RTAS, device tree, console, interrupts,
 * NVRAM, clock of day. Follows LoPAR. It knows the engine only through engine.h and the machine
 * only through papr_host.
 */
#ifndef FWNMI_PSERIES_PARTITION_H
#define FWNMI_PSERIES_PARTITION_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/engine.h"
#include "fwnmi/fwnmi.h"
#include "pseries/fwnmi/trampoline.h"

enum papr_event_type {
	PAPR_EVENT_FWNMI_REGISTERED, /* a = system reset routine, b = machine check routine (real
					addresses) */
	PAPR_EVENT_FWNMI_DELIVERED, /* a = vector (0x100/0x200), b = real address in R3 */
	PAPR_EVENT_FWNMI_WAITING, /* another vCPU owns the buffer */
	PAPR_EVENT_FWNMI_INTERLOCK, /* released by cpu */
	PAPR_EVENT_FWNMI_STALE, /* the registered routine is gone; a = vector entered */
	PAPR_EVENT_FWNMI_STOPPED, /* cpu is unsafe and stays stopped until a reset */
	PAPR_EVENT_LOG_FETCHED, /* by event-scan or check-exception; a = bytes of log */
	PAPR_EVENT_FWNMI_ENDED, /* a = enum fwnmi_end_reason; see papr_fwnmi_end() */
	PAPR_EVENT_VCPU_STARTED, /* a = entry */
	PAPR_EVENT_VCPU_STOPPED,
	PAPR_EVENT_PANIC, /* ibm,os-term; text = the guest's string */
};

struct papr_event {
	enum papr_event_type type;
	unsigned cpu;
	uint64_t a, b;
	const char *text;
};

/*
 * Services of the machine. All callbacks run in the machine's own thread, inside a papr_*() call.
 */
struct papr_host {
	void (*console_write)(void *opaque, const void *buf, unsigned len);
	/* up to @len bytes of pending console input; returns the count, 0 when none */
	unsigned (*console_read)(void *opaque, void *buf, unsigned len);
	/* is there no room for output now? NULL: there always is room */
	bool (*console_busy)(void *opaque);
	void (*vcpu_start)(void *opaque, unsigned vcpu); /* registers are set; make it runnable */
	void (*vcpu_wake)(void *opaque,
			  unsigned vcpu); /* end its H_CEDE (H_PROD, interrupt, NMI) */
	void (*event)(void *opaque, const struct papr_event *event);
	/*
	 * --debug output: a line without newline. A guest can cause any number; the host limits
	 * them.
	 */
	void (*debug)(void *opaque, const char *line);
	void (*warning)(void *opaque,
			const char *line); /* the same for what the user is to know in any case */
	void *opaque;
};

/* How machine checks and system resets reach a registered guest. */
enum papr_delivery {
	PAPR_DELIVERY_AUTO, /* directly, if the engine reports machine checks */
	PAPR_DELIVERY_DIRECT,
	PAPR_DELIVERY_TRAMPOLINE,
};

struct papr_config {
	struct guest_memory *memory;
	struct guest_clock *clock;
	const struct engine_ops *engine_ops;
	struct engine *engine;
	struct papr_host host;
	unsigned nr_vcpus;
	const char *bootargs; /* "" when none */
	/* Where the loader put the kernel (real addresses); size 0: there is none. */
	uint64_t kernel_base, kernel_entry, kernel_size;
	bool kernel_little_endian;
	uint64_t bios_size; /* of firmware at 0, which runs instead of the kernel; 0: none */
	uint64_t initrd_base, initrd_size; /* size 0: none */
	const char *nvram_path; /* NULL: NVRAM lives as long as the machine */
	bool fwnmi_strict;
	enum fwnmi_stale_policy stale_handler;
	enum papr_delivery delivery;
	const char *trampoline; /* source for trampoline_load(), or NULL for the embedded one */
};

/* What the machine does with a vCPU after papr_hcall(). */
enum papr_action {
	PAPR_RESUME, /* run on */
	PAPR_CEDE, /* idle until interrupt_pending() or vcpu_wake(); MSR[EE] has been set */
	PAPR_YIELD, /* H_CONFER: give the others a turn */
	PAPR_STOPPED, /* stop-self: stays stopped until vcpu_start() */
	PAPR_POWER_OFF,
	PAPR_REBOOT,
	PAPR_CRASHED, /* ibm,os-term */
	PAPR_FWNMI, /* an event came on top of the call: see papr_outcome() */
};

/* Results of papr_machine_check() and the like, besides libfwnmi's. */
enum papr_result {
	PAPR_RAISED = 100, /* interrupt raised; the trampoline's call continues from there */
	PAPR_NO_TRAP, /* papr_trap(): not from a trampoline */
};

struct papr;

/** papr_create() - NULL with a one-line reason in @err on failure (RAM too small, NVRAM unreadable,
 * ...). */
struct papr *papr_create(const struct papr_config *config, char *err, size_t err_size);
void papr_destroy(struct papr *papr);

/**
 * papr_reset() - lay out RTAS area and device tree in guest RAM, clear all partition state (FWNMI
 * registration included), and set vCPU 0's registers for the entry of bios or kernel. Called after
 * the loader (re)filled RAM and engine reset. Returns 0, or -1 with a reason in @err.
 */
int papr_reset(struct papr *papr, char *err, size_t err_size);

/** papr_hcall() - carry out the hcall the vCPU exited with: reads and writes its registers. */
enum papr_action papr_hcall(struct papr *papr, unsigned vcpu);

/** papr_outcome() - libfwnmi's result for the event that made papr_hcall() return PAPR_FWNMI. */
int papr_outcome(const struct papr *papr);

/** papr_console_input() - console input is available: raise the vty's interrupt if enabled. */
void papr_console_input(struct papr *papr);

/**
 * papr_machine_check() - report a machine check for a stopped vCPU: to the registered routine
 * through libfwnmi, or, for a guest that has none, to the architected 0x200. The description is
 * taken as it is. Returns libfwnmi's outcome (FWNMI_DELIVERED, ...), or PAPR_RAISED if the event
 * goes by a trampoline.
 */
int papr_machine_check(struct papr *papr, unsigned vcpu, const struct fwnmi_machine_check *mc);
/**
 * papr_hardware_machine_check() - the same for a machine check that the engine reported
 *
 * It is repaired if possible. The architected interrupt takes DSISR and DAR from @cause.
 */
int papr_hardware_machine_check(struct papr *papr, unsigned vcpu,
				const struct fwnmi_machine_check *mc,
				const struct engine_machine_check *cause);
int papr_system_reset(struct papr *papr, unsigned vcpu);
/**
 * papr_trampoline() - a trampoline has handed over its interrupt: R3 in SPRG2, the rest as the
 * interrupt left it
 *
 * papr_hcall() does this for the trampolines' hypervisor calls. This is public for an engine whose
 * hypervisor calls change registers and whose trampolines leave the guest in another way.
 * Returns like papr_machine_check().
 */
int papr_trampoline(struct papr *papr, unsigned vcpu, enum trampoline_vector vector);
/**
 * papr_trap() - a trampoline has left the guest by the engine's trap_code(); R3 held @number before
 *
 * Returns like papr_trampoline(), or PAPR_NO_TRAP if it was not in a trampoline.
 */
int papr_trap(struct papr *papr, unsigned vcpu, uint64_t number);
/**
 * papr_resume() - call this before running a vCPU that vcpu_wake() released: delivers a waiting
 * machine check.
 */
int papr_resume(struct papr *papr, unsigned vcpu);

/** papr_queue_event() - a log for the guest to fetch by event-scan or check-exception: see
 * fwnmi_event_queue(). */
int papr_queue_event(struct papr *papr, enum fwnmi_event_source source, uint32_t event_class,
		     const void *log, size_t length);

/**
 * papr_vcpu_dispatch() - a vCPU was given the host's processor, or has lost it
 *
 * Updates the dispatch count, steal time and dispatch trace in the vCPU's VPA. A guest uses them to
 * tell that the holder of a lock is not running. Call this when another vCPU gets its turn and
 * around the end of a H_CEDE. Calls that change nothing are harmless. Without any call the guest
 * sees its vCPUs as always running.
 */
void papr_vcpu_dispatch(struct papr *papr, unsigned vcpu, bool running);

struct papr_fwnmi_state {
	bool by_trampoline, registered;
	uint64_t system_reset, machine_check; /* real addresses */
	bool interlock_held;
	unsigned owner; /* vCPU, if held */
};
void papr_fwnmi_state(const struct papr *papr, struct papr_fwnmi_state *state);

struct papr_fwnmi_end {
	bool happened;
	unsigned vcpu;
	enum fwnmi_end_reason reason;
	unsigned log_length;
	uint8_t log[FWNMI_ERRLOG_MAX];
};
/**
 * papr_fwnmi_end() - how FWNMI last ended the partition, kept across reboots; NULL if it never did.
 */
const struct papr_fwnmi_end *papr_fwnmi_end(const struct papr *papr);

/** papr_fdt() - the device tree as last given to the guest, for --dumpdtb and tests; valid until
 * the next reset. */
const void *papr_fdt(const struct papr *papr, size_t *size);

#endif
