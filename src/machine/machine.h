/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine: guest RAM, vCPUs, run loop, clock, loader, and the glue between an engine and the
 * partition. One host thread runs it all. vCPUs take turns in a fixed order, so CLOCK_INSN runs are
 * repeatable. Make all calls from that thread unless stated otherwise.
 */
#ifndef FWNMI_MACHINE_MACHINE_H
#define FWNMI_MACHINE_MACHINE_H

#include <poll.h>

#include "engine/engine.h"
#include "pseries/partition.h"

#define MACHINE_MIN_RAM	    (256ull << 20)
#define MACHINE_MAX_RAM	    (64ull << 30)
#define MACHINE_MAX_CLIENTS 4
#define MACHINE_MAX_HOOKS   3
#define MACHINE_MAX_WATCHES 4 /* of a vCPU */
#define MACHINE_MAX_BREAKS  (ENGINE_MAX_WATCHES - MACHINE_MAX_WATCHES)

enum machine_end {
	MACHINE_RUNNING,
	MACHINE_POWERED_OFF,
	MACHINE_REBOOT, /* a reboot is due, under no_reboot or of a machine that can't */
	MACHINE_CRASHED, /* ibm,os-term, or FWNMI ended the partition */
	MACHINE_FAILED, /* the engine or the host failed */
	MACHINE_QUIT, /* machine_quit() */
	MACHINE_STOPPED, /* machine_stop_at(); machine_run() goes on from here */
	MACHINE_STUCK, /* under ends_when_stuck: no vCPU will ever run again */
};

/* What happens to the machine when FWNMI ends the partition. */
enum machine_reboot_policy {
	REBOOT_POLICY_HALT, /* it ends with MACHINE_CRASHED */
	REBOOT_POLICY_REBOOT, /* as if the guest had asked for it */
	REBOOT_POLICY_PAUSE, /* it stops until machine_request_reset() or machine_quit() */
};

struct machine_config {
	const char *bios; /* path of the image that runs first, or NULL: the kernel runs first */
	const char *kernel; /* path, or NULL if there is a bios */
	const char *initrd; /* path or NULL; needs a kernel */
	/*
	 * Instead of these files, of a machine whose state and memory are to be loaded: where they
	 * were in its memory. It can't boot again.
	 */
	const struct boot_image *booted;
	uint64_t ram_size; /* bytes, MACHINE_MIN_RAM..MACHINE_MAX_RAM, a multiple of 1 MiB */
	unsigned nr_vcpus; /* 1..ENGINE_MAX_VCPUS */
	/*
	 * The processor, NULL: POWER9; and the older one that it is compatible with, NULL: none
	 * that is older. A KVM engine takes only POWER9.
	 */
	const struct cpu_model *cpu, *compat;
	enum clock_mode clock;
	const struct engine_ops *engine;
	bool threads; /* one for each vCPU, with an engine that has that choice */
	bool no_reboot;
	/*
	 * CLOCK_INSN: end when all vCPUs are idle and no timer is set, rather than wait for a
	 * client.
	 */
	bool ends_when_stuck;
	/*
	 * Back part of guest memory with a file or a device, to test real machine checks. path
	 * NULL: none.
	 */
	struct machine_mapping {
		const char *path;
		uint64_t address, size, offset; /* multiples of the host's page size */
	} mapping;
	enum engine_jit jit;
	unsigned nr_children; /* see machine_forked() */
	bool no_mc_exit; /* run the engine without ENGINE_CAP_MC_EXIT */
	struct papr_options partition;
	enum machine_reboot_policy reboot_policy;
	/* Called by each thread that the engine starts, if any; may be NULL. */
	void (*thread_begins)(void);
	/* Each gets one line without newline; may be NULL. */
	void (*warn)(const char *line); /* the guest uses a missing feature, or breaks a rule */
	void (*debug)(const char *line); /* from the partition: unknown or refused calls */
};

enum machine_event_type {
	MACHINE_EVENT_PAPR, /* papr */
	MACHINE_EVENT_FWNMI, /* a vCPU has taken a machine check or a system reset: vcpu, outcome */
	/* a vCPU met bad memory and is about to take a machine check: vcpu, nip, machine_check */
	MACHINE_EVENT_MACHINE_CHECK,
	MACHINE_EVENT_RESET, /* the partition is about to restart: guest_asked */
	MACHINE_EVENT_STOP,
	MACHINE_EVENT_RESUME,
	MACHINE_EVENT_SHUTDOWN, /* end, and why (may be "") */
};

struct machine_event {
	enum machine_event_type type;
	const struct papr_event *papr;
	unsigned vcpu;
	const struct papr_outcome *outcome;
	const struct fwnmi_machine_check *machine_check;
	uint64_t nip;
	bool guest_asked;
	enum machine_end end;
	const char *why;
	uint64_t insns, timebase; /* of the machine, at the event */
};

struct machine; /* opaque: machine.c */

/* A client (console, monitor): the run loop watches its file descriptors and sends it events. */
struct machine_client {
	/* May be NULL. May only call machine functions that change nothing. */
	void (*event)(void *opaque, const struct machine_event *event);
	/* Fills at most @max entries and returns the count; ready() gets the poll results. */
	unsigned (*poll_fds)(void *opaque, struct pollfd *fds, unsigned max);
	void (*ready)(void *opaque, struct pollfd *fds, unsigned count);
	void *opaque;
};

#define MACHINE_NEVER UINT64_MAX

/*
 * Whoever looks at vCPUs while they run. Any of these may be NULL. They are called in the machine's
 * thread; the vCPU is not running.
 */
struct machine_hook {
	/*
	 * After how many more instructions of this vCPU is before_block() wanted? MACHINE_NEVER, if
	 * it is not. 0: now, and then before each block, slowly. Only an engine that
	 * machine_can_watch() stops at instructions.
	 */
	uint64_t (*wants)(void *opaque, unsigned vcpu);
	/* May call machine_machine_check() and machine_system_reset(). @ceded: it is in H_CEDE. */
	void (*before_block)(void *opaque, unsigned vcpu, bool ceded);
	void (*ran)(void *opaque, unsigned vcpu); /* it has executed something */
	void (*returned)(void *opaque, unsigned vcpu); /* what machine_watch_return() waited for */
	/*
	 * Its next instruction is one that machine_watch() or machine_watch_state() waits for. May
	 * do as before_block().
	 */
	void (*watched)(void *opaque, unsigned vcpu);
	/* Its next instruction is one that machine_break() waits for: bit n, the nth of them. */
	void (*broke)(void *opaque, unsigned vcpu, uint32_t which);
	void (*idle)(void *opaque, unsigned vcpu); /* it ceded or stopped itself */
	void (*event)(void *opaque, const struct machine_event *event); /* before the clients */
	/* Returns the host time (host_ns()) of the next call at the latest; UINT64_MAX: none. */
	uint64_t (*poll)(void *opaque, uint64_t now_ns);
	/*
	 * What the hook has pending is part of the machine's state: @state describes it; without
	 * a type there is none. loaded(): it was loaded, and the engine watches no address now.
	 */
	struct record_part state;
	void (*loaded)(void *opaque);
	void *opaque;
};

/**
 * machine_create() - allocate guest memory, open and check kernel and initrd, create engine and
 * partition
 * @config: copied; its strings must outlive the machine
 *
 * Returns NULL with a one-line reason in @err on failure.
 */
struct machine *machine_create(const struct machine_config *config, char *err, size_t err_size);
void machine_destroy(struct machine *machine);
/**
 * machine_forked() - this process is a child of fork(), and translates code in memory that was made
 * for children
 * @number: below config.nr_children; only one process of each number may run the machine at a time
 */
void machine_forked(struct machine *machine, unsigned number);
/**
 * machine_add_hook() - false if there are MACHINE_MAX_HOOKS already
 *
 * If it has state: before the machine is saved, loaded, or a snapshot taken of it; and a machine
 * that is loaded must have the same.
 */
bool machine_add_hook(struct machine *machine, const struct machine_hook *hook);
/**
 * machine_add_client() - call before machine_run(); false if there are MACHINE_MAX_CLIENTS already.
 */
bool machine_add_client(struct machine *machine, const struct machine_client *client);
/** machine_set_console() - set where the vty's output goes and its input comes from. */
void machine_set_console(struct machine *machine,
			 void (*write)(void *opaque, const void *buf, unsigned len),
			 unsigned (*read)(void *opaque, void *buf, unsigned len), void *opaque);
/** machine_nvram() - NVRAM's contents, to be filled before machine_run() */
uint8_t *machine_nvram(struct machine *machine, size_t *size);
/** machine_keep_nvram() - set where changes of NVRAM go; write() returns false if it fails. */
void machine_keep_nvram(struct machine *machine,
			bool (*write)(void *opaque, uint32_t offset, const void *buf, uint32_t len),
			void *opaque);
void machine_console_input(struct machine *machine); /* input is available */
/**
 * machine_console_full() - tell whether the console can take more output now
 *
 * While it cannot, the guest is told that its terminal is busy. With CLOCK_INSN the partition stops
 * instead, because the guest must not see how fast somebody reads. Called from inside the console's
 * write() or the client's ready().
 */
void machine_console_full(struct machine *machine, bool full);
/**
 * machine_run() - run until the partition ends; handles reboots itself unless no_reboot.
 * @why: set to one line that explains CRASHED, FAILED and a REBOOT that can't be, else ""
 */
enum machine_end machine_run(struct machine *machine, char *why, size_t why_size);
void machine_quit(struct machine *machine); /* Ctrl-a x, monitor "quit"; async-signal-safe */
/**
 * machine_stop_at() - have machine_run() end with MACHINE_STOPPED between two instructions, when
 * machine_insns() is exactly @insns, if it is not past that; ENGINE_NO_STOP: don't
 *
 * What runs is the same as without. False if the engine can't.
 */
bool machine_stop_at(struct machine *machine, uint64_t insns);
void machine_pause(struct machine *machine, bool paused);
bool machine_paused(const struct machine *machine);
/** machine_partition_ended() - under REBOOT_POLICY_PAUSE: nothing runs before a reset. */
bool machine_partition_ended(const struct machine *machine);
void machine_request_reset(struct machine *machine);

/**
 * machine_machine_check() - report a machine check that somebody made up to a vCPU that is not
 * running
 * @regs: its registers, as machine_get_regs() has read them
 *
 * What becomes of it is told by MACHINE_EVENT_FWNMI before the call returns.
 */
void machine_machine_check(struct machine *machine, unsigned vcpu, const struct engine_regs *regs,
			   const struct fwnmi_machine_check *mc);
void machine_system_reset(struct machine *machine, unsigned vcpu, const struct engine_regs *regs);
/**
 * machine_watch_return() - call the hooks' returned() once when a return from interrupt has brought
 * the vCPU to @ea; ENGINE_NO_WATCH: no longer. False if the engine cannot.
 */
bool machine_watch_return(struct machine *machine, unsigned vcpu, uint64_t ea);
/** machine_can_watch() - can the engine stop a vCPU at any instruction? */
bool machine_can_watch(const struct machine *machine);
/**
 * machine_watch() - call the hooks' watched() before each instruction of the vCPU that makes one of
 * these accesses; @count 0: no longer. Only if machine_can_watch().
 */
void machine_watch(struct machine *machine, unsigned vcpu, const struct engine_watch *watches,
		   unsigned count);
/**
 * machine_break() - call the hooks' broke() before each instruction of any vCPU that makes one of
 * these accesses; @count 0: no longer. For a debugger. Only if machine_can_watch().
 */
void machine_break(struct machine *machine, const struct engine_watch *breaks, unsigned count);
/**
 * machine_watch_state() - call the hooks' watched() before the vCPU's first instruction after each
 * change of one of these MSR bits, or of PIDR if @pid; 0 and false: no longer. False if the engine
 * cannot.
 */
bool machine_watch_state(struct machine *machine, unsigned vcpu, uint64_t msr_bits, bool pid);
/**
 * machine_note_executed() - set @words[(ra - @first) / 4] to 1 for each instruction word in
 * [@first, @last] of real memory that is executed from now on, to a basic block; @words NULL: no
 * longer. False if the engine cannot.
 */
bool machine_note_executed(struct machine *machine, uint8_t *words, uint64_t first, uint64_t last);
/** machine_pid() - the vCPU's process ID register; false if the engine cannot tell. */
bool machine_pid(const struct machine *machine, unsigned vcpu, uint32_t *pid);
void machine_get_regs(const struct machine *machine, unsigned vcpu, struct engine_regs *regs);
/* For a debugger, which may change what it likes. Only if machine_can_watch(). */
void machine_set_regs(struct machine *machine, unsigned vcpu, const struct engine_regs *regs);
void machine_get_program_regs(const struct machine *machine, unsigned vcpu,
			      struct engine_program_regs *regs);
void machine_set_program_regs(struct machine *machine, unsigned vcpu,
			      const struct engine_program_regs *regs);
/** machine_look_up() - what @ea means to the vCPU's kernel; nothing changes. False: nothing. */
bool machine_look_up(const struct machine *machine, unsigned vcpu, uint64_t ea, uint64_t *ra);
/** machine_write() - change RAM as a debugger does. False: none there, or it is poisoned. */
bool machine_write(struct machine *machine, uint64_t ra, const void *bytes, uint64_t length);

enum vcpu_state machine_vcpu_state(const struct machine *machine, unsigned vcpu);
/** machine_vcpu_waits() - does FWNMI keep it from running, although the guest has started it? */
bool machine_vcpu_waits(const struct machine *machine, unsigned vcpu);

/**
 * machine_save() - the machine's state, its memory apart
 *
 * Not from inside a hook's or the engine's callback; a client may call it. What the machine does
 * afterwards is what another one does that loads the state and has the same memory, instruction for
 * instruction with CLOCK_INSN.
 *
 * returns: the state, to be given to free(), and its size in @size; NULL, with the reason in @err,
 * if the engine can't be saved
 */
void *machine_save(struct machine *machine, size_t *size, char *err, size_t err_size);
/**
 * machine_load() - set the machine's state, its memory apart
 *
 * Not from inside a hook's or the engine's callback; a client may call it.
 *
 * returns: false, with the machine as it was and the reason in @err, if the state is damaged or of
 * a machine with another configuration
 */
bool machine_load(struct machine *machine, const void *state, size_t size, char *err,
		  size_t err_size);

const struct guest_memory *machine_memory(const struct machine *machine);
/**
 * machine_poison() - make an access to [address, address + length) an uncorrectable error
 * @heal_on_write: overwriting a cache line's poison heals it
 *
 * A reset of the machine heals all memory. No vCPU may be running: this is for clients and hooks.
 * false: @err says why not, and nothing has changed.
 */
bool machine_poison(struct machine *machine, uint64_t address, uint64_t length, bool heal_on_write,
		    char *err, size_t err_size);
/** machine_heal() - the reverse */
bool machine_heal(struct machine *machine, uint64_t address, uint64_t length, char *err,
		  size_t err_size);
/**
 * machine_plant() - make cached translations of a vCPU bad: see struct engine_planted
 *
 * No vCPU may be running. A reset of the machine ends it. false: @err says why not, and nothing has
 * changed.
 */
bool machine_plant(struct machine *machine, const struct engine_planted *planted, char *err,
		   size_t err_size);
/** machine_unplant() - end it for a range of @vcpu, or of all if there is no such vCPU. */
void machine_unplant(struct machine *machine, unsigned vcpu, uint64_t first, uint64_t last);
/** machine_planted() - what is planted: returns how many, the first of them in *@list */
unsigned machine_planted(const struct machine *machine, const struct engine_planted **list);
/** machine_pvr() - the processor version register of its vCPUs. */
uint32_t machine_pvr(const struct machine *machine);
struct papr *machine_papr(struct machine *machine);
unsigned machine_nr_vcpus(const struct machine *machine);
uint64_t machine_insns(const struct machine *machine);
uint64_t machine_vcpu_insns(const struct machine *machine, unsigned vcpu);
uint64_t machine_timebase(const struct machine *machine);

#endif
