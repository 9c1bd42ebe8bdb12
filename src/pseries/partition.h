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

#include "devices/nvram.h"
#include "devices/vty.h"
#include "engine/engine.h"
#include "fwnmi/fwnmi.h"
#include "fwnmi/mce.h"
#include "pseries/boot_image.h"

/*
 * A vCPU's run state. The machine's scheduler owns it; the partition asks, and asks for changes,
 * through struct papr_host.
 */
enum vcpu_state {
	VCPU_STOPPED, /* never started, or stop-self */
	VCPU_RUNNABLE,
	VCPU_CEDED, /* in H_CEDE, until an interrupt or H_PROD */
	VCPU_UNSAFE, /* FWNMI stopped it for good (R16) */
};

/* What the guest has done that nobody asked for. */
enum papr_event_type {
	PAPR_EVENT_FWNMI_REGISTERED, /* registered */
	PAPR_EVENT_FWNMI_INTERLOCK, /* cpu has released the machine check buffer */
	PAPR_EVENT_LOG_FETCHED, /* by event-scan or check-exception: log_length */
	PAPR_EVENT_VCPU_STARTED, /* entry */
	PAPR_EVENT_VCPU_STOPPED,
	PAPR_EVENT_PANIC, /* ibm,os-term: text */
	PAPR_EVENT_ERRINJCT, /* ibm,errinjct: errinjct is to be injected, by whoever can */
};

/* LoPAR's abstract errors, as far as the partition does not report them itself. */
enum papr_errinjct_error {
	PAPR_ERRINJCT_FATAL,
	PAPR_ERRINJCT_RECOVERED, /* reported by event-scan */
	PAPR_ERRINJCT_SPECIAL, /* likewise */
	PAPR_ERRINJCT_PAGE, /* address: a real one */
	PAPR_ERRINJCT_SLB, /* address: an effective one */
	PAPR_ERRINJCT_DCACHE,
	PAPR_ERRINJCT_ICACHE,
	PAPR_ERRINJCT_ERAT,
	PAPR_ERRINJCT_TLB,
};

struct papr_errinjct_request {
	enum papr_errinjct_error error;
	uint64_t address;
	bool taken; /* the answer: somebody injects it */
};

struct papr_event {
	enum papr_event_type type;
	unsigned cpu;
	union {
		struct {
			uint64_t system_reset, machine_check; /* real addresses of the routines */
		} registered;
		uint32_t log_length; /* bytes */
		uint64_t entry; /* real address */
		const char *text; /* the guest's own, or NULL */
		struct papr_errinjct_request *errinjct;
	};
};

/* What became of a machine check or a system reset. */
enum papr_result {
	PAPR_NOTHING, /* there was no event */
	PAPR_ROUTINE, /* the vCPU is at the routine that the guest has registered */
	PAPR_VECTOR, /* it has taken the architected interrupt: there is no such routine */
	PAPR_RAISED, /* it has taken the architected interrupt, into its trampoline */
	PAPR_DROPPED, /* it is not told: it is in its handler, and the error is repaired */
	PAPR_WAITING, /* it may not run: another vCPU holds the machine check buffer */
	PAPR_UNSAFE, /* it may never run again (R16) */
	PAPR_ENDED, /* FWNMI has ended the partition: see papr_fwnmi_end() */
	PAPR_REFUSED, /* nothing has changed: see error */
};

struct papr_outcome {
	enum papr_result result;
	unsigned vector; /* of the event: VECTOR_SYSTEM_RESET, VECTOR_MACHINE_CHECK; 0: none */
	bool stale; /* PAPR_VECTOR: the registered routine is gone */
	struct engine_regs regs; /* the vCPU's, after the event */
	enum fwnmi_end_reason end_reason; /* PAPR_ENDED */
	int error; /* PAPR_REFUSED: an enum fwnmi_error */
};

/*
 * Services of the machine. All callbacks run in the machine's own thread, inside a papr_*() call.
 */
struct papr_host {
	enum vcpu_state (*vcpu_state)(void *opaque, unsigned vcpu);
	void (*vcpu_start)(void *opaque, unsigned vcpu); /* registers are set; make it runnable */
	void (*vcpu_wake)(void *opaque, unsigned vcpu); /* an interrupt ends its H_CEDE, if any */
	void (*vcpu_prod)(void *opaque, unsigned vcpu); /* end this H_CEDE, or else the next */
	void (*vcpu_kick)(void *opaque, unsigned vcpu); /* call papr_resume() before it runs on */
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

/* How the guest translates addresses, as ibm,client-architecture-support would settle it. */
enum papr_mmu {
	/*
	 * By radix trees if the engine can, but by a hash table if bootargs has disable_radix and
	 * the engine leaves the table to us.
	 */
	PAPR_MMU_AUTO,
	PAPR_MMU_RADIX,
	PAPR_MMU_HASH,
	PAPR_MMU_EITHER, /* the guest says so by H_REGISTER_PROCESS_TABLE */
};

/* The interrupt controller, as ibm,client-architecture-support would settle it. */
enum papr_interrupts {
	PAPR_INTERRUPTS_XICS,
	PAPR_INTERRUPTS_XIVE,
	PAPR_INTERRUPTS_DUAL, /* XIVE if it can be had, unless bootargs has xive=off */
};

/* How vCPUs make up cores, and cores sockets. */
struct papr_topology {
	unsigned threads; /* of a core: 1, 2, 4 or 8; 0: 1 */
	unsigned cores; /* of a socket; 0: all */
};
#define PAPR_MAX_THREADS 8u /* any mode of these processors has that many */

/** papr_topology() - what is given for so many vCPUs, with numbers in place of the zeros */
struct papr_topology papr_topology(struct papr_topology given, unsigned nr_vcpus);

/* What the user chooses for the partition. */
struct papr_options {
	struct papr_topology topology;
	enum papr_mmu mmu;
	enum papr_interrupts interrupts;
	const char *bootargs; /* kernel command line; NULL: empty */
	bool fwnmi_strict;
	enum fwnmi_stale_policy stale_handler;
	enum fwnmi_nested_policy nested_machine_check;
	enum papr_delivery delivery;
	const char *trampoline; /* see trampoline_load(); NULL: the embedded one */
	bool errinjct; /* offer the error injection option */
};

struct papr_config {
	struct guest_memory *memory;
	struct guest_clock *clock;
	const struct engine_ops *engine_ops;
	struct engine *engine;
	struct papr_host host;
	struct vty_console console;
	unsigned nr_vcpus;
	/* What the device tree says of the processor: as in struct engine_config. */
	const struct cpu_model *cpu, *compat;
	struct boot_image image;
	struct papr_options options;
};

/* What the machine does with a vCPU after papr_hcall(). */
enum papr_action {
	PAPR_RESUME, /* run on */
	PAPR_CEDE, /* idle until interrupt_pending(), vcpu_wake() or vcpu_prod(); MSR[EE] is set */
	PAPR_YIELD, /* H_CONFER: give the others a turn */
	PAPR_AWAIT_PROD, /* H_CONFER to itself: the same, unless vcpu_prod() has been called */
	PAPR_STOP, /* stop-self: stays stopped until vcpu_start() */
	PAPR_POWER_OFF,
	PAPR_REBOOT,
	PAPR_CRASHED, /* ibm,os-term */
	PAPR_FWNMI, /* a trampoline has handed an event over: see the outcome */
};

struct papr;

/** papr_hypervisor_memory() - guest_memory.hypervisor_size for so many bytes of RAM */
uint64_t papr_hypervisor_memory(uint64_t ram);

/** papr_create() - NULL with a one-line reason in @err on failure (RAM too small, ...). */
struct papr *papr_create(const struct papr_config *config, char *err, size_t err_size);
void papr_destroy(struct papr *papr);

/**
 * papr_reset() - lay out RTAS area and device tree in guest RAM, clear all partition state (FWNMI
 * registration included), and set vCPU 0's registers for the entry of bios or kernel. Called after
 * the loader (re)filled RAM and engine reset. Returns 0, or -1 with a reason in @err.
 */
int papr_reset(struct papr *papr, char *err, size_t err_size);

/**
 * papr_hcall() - carry out the hcall the vCPU exited with: reads and writes its registers
 * @outcome: set if the result is PAPR_FWNMI
 */
enum papr_action papr_hcall(struct papr *papr, unsigned vcpu, struct papr_outcome *outcome);

/**
 * papr_nvram() - its NVRAM, formatted by papr_create(). It lives as long as the partition, unless
 * somebody gives it a store.
 */
struct nvram *papr_nvram(struct papr *papr);

/** papr_console_input() - console input is available: raise the vty's interrupt if enabled. */
void papr_console_input(struct papr *papr);

/*
 * Events. Each call takes the registers of a stopped vCPU, writes its new ones to the engine, and
 * says in @outcome what became of the event. A guest that has not registered gets the architected
 * interrupt.
 */

/**
 * papr_machine_check() - report a machine check
 * @regs: the vCPU's registers, NIP at the interrupted instruction
 * @may_repair: the error is the engine's own, and is repaired if possible; else @mc was made up,
 * and must arrive as it is
 */
void papr_machine_check(struct papr *papr, unsigned vcpu, const struct engine_regs *regs,
			const struct fwnmi_machine_check *mc, bool may_repair,
			struct papr_outcome *outcome);
void papr_system_reset(struct papr *papr, unsigned vcpu, const struct engine_regs *regs,
		       struct papr_outcome *outcome);
/** papr_resume() - call this before a vCPU runs again that vcpu_kick() has named. */
void papr_resume(struct papr *papr, unsigned vcpu, struct papr_outcome *outcome);
/**
 * papr_trap() - a trampoline has left the guest by the engine's trap_code; R3 held @number before
 *
 * papr_hcall() does the same for trampolines that make hypervisor calls. Returns false if the vCPU
 * was not in a trampoline.
 */
bool papr_trap(struct papr *papr, unsigned vcpu, uint64_t number, struct papr_outcome *outcome);
/**
 * papr_withdraw() - take back a machine check that waits for the buffer
 *
 * The vCPU is kicked and goes on where it was interrupted. Returns false if none waits.
 */
bool papr_withdraw(struct papr *papr, unsigned vcpu);
/** papr_may_run() - false if FWNMI holds the vCPU: it waits, is unsafe, or the partition ended. */
bool papr_may_run(const struct papr *papr, unsigned vcpu);
/** papr_ended() - has FWNMI ended the partition since the last reset? */
bool papr_ended(const struct papr *papr);
/** papr_translates_by_hash() - by a hash table, and not by radix trees? */
bool papr_translates_by_hash(const struct papr *papr);
/**
 * papr_slb_repaired() - the hypervisor has repaired an error in the vCPU's SLB: what the guest has
 * not in its shadow buffer is gone
 */
void papr_slb_repaired(struct papr *papr, unsigned vcpu);
/** papr_pvr() - the processor version register of the partition's vCPUs. */
uint32_t papr_pvr(const struct papr *papr);

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

/** papr_rtas_code() - real addresses of the first and the last byte of RTAS's code */
void papr_rtas_code(const struct papr *papr, uint64_t *first, uint64_t *last);

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

/*
 * Saving and loading. A partition can be loaded into another one of the same configuration and
 * layout; what the host was told of before is not told again.
 */

/**
 * papr_parts() - the state of the partition and of its devices, FWNMI's apart
 * @parts: room for PAPR_MAX_PARTS
 *
 * returns: how many
 */
unsigned papr_parts(struct papr *papr, struct record_part *parts);
#define PAPR_MAX_PARTS 8

size_t papr_fwnmi_record_size(const struct papr *papr);
/** papr_fwnmi_save() - write FWNMI's record; returns its bytes, or 0 if they are more than @size */
size_t papr_fwnmi_save(const struct papr *papr, void *buf, size_t size);
/** papr_fwnmi_load() - see fwnmi_load(). False, with the reason in @err, if it is refused. */
bool papr_fwnmi_load(struct papr *papr, const void *record, size_t size, char *err,
		     size_t err_size);
/** papr_loaded() - the parts were loaded: bring in line what follows from them. */
void papr_loaded(struct papr *papr);

/** papr_fdt() - the device tree as last given to the guest, for --dumpdtb and tests; valid until
 * the next reset. */
const void *papr_fdt(const struct papr *papr, size_t *size);

#endif
