/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interface between the machine and an engine, which executes guest instructions. An engine
 * knows nothing of PAPR: it runs a vCPU until something happens and reports what. The machine knows
 * nothing of engines: it reads and writes architected registers. Bits of MSR, SRR1 and DSISR are as
 * in the Power ISA.
 */
#ifndef FWNMI_ENGINE_ENGINE_H
#define FWNMI_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/record.h"
#include "engine/clock.h"
#include "engine/memory.h"
#include "isa/model.h"
#include "isa/msr.h"
#include "isa/slb.h"
#include "isa/vector.h"

#define ENGINE_MAX_VCPUS 64
#define ENGINE_MAX_PARTS (ENGINE_MAX_VCPUS + 1)

enum engine_cap {
	ENGINE_CAP_MC_EXIT =
		1 << 0, /* machine checks come to the VMM as ENGINE_EXIT_MACHINE_CHECK */
	ENGINE_CAP_INSN_CLOCK = 1 << 1, /* CLOCK_INSN is exact */
	ENGINE_CAP_SINGLE_BLOCK = 1 << 2, /* max_insns is honoured to a basic block */
	ENGINE_CAP_AIL = 1 << 3, /* engine_partition.ail may be 3 */
	ENGINE_CAP_FLUSH_TLB = 1 << 4, /* a guest may ask the hypervisor to drop translations */
	ENGINE_CAP_THREADS =
		1 << 5, /* vCPUs run beside the machine: see run(). The time base is the engine's */
	ENGINE_CAP_RADIX = 1 << 6, /* engine_partition.radix may be true; otherwise only hash
				      guests work */
	ENGINE_CAP_POISON = 1 << 7, /* an access to poisoned memory is a machine check */
	ENGINE_CAP_WINDOWS = 1 << 8, /* an access to a memory_window reaches the device */
	ENGINE_CAP_PLANT = 1 << 9, /* plant() */
	ENGINE_CAP_HASH_TABLE = 1 << 10, /* hash guests need engine_partition.hash_table; else the
					    engine has a table of its own */
	ENGINE_CAP_DOORBELL = 1 << 11, /* vCPUs may be threads of one core */
	ENGINE_CAP_AIL_2 = 1 << 12, /* engine_partition.ail may be 2 */
};

enum engine_exit_reason {
	ENGINE_EXIT_BUDGET, /* max_insns instructions were executed */
	ENGINE_EXIT_HCALL, /* sc 1: number in r3, arguments in r4.., NIP after the sc */
	ENGINE_EXIT_MACHINE_CHECK, /* see engine_exit.machine_check; NIP/MSR are the interrupted
				      ones */
	ENGINE_EXIT_KICKED, /* engine_ops.kick() was called */
	ENGINE_EXIT_DOORBELL, /* a message for engine_exit.rings, another thread of its core */
	ENGINE_EXIT_DEBUG, /* the event that watch_return() waited for */
	ENGINE_EXIT_STOPPED, /* insns() has reached what stop_at() asked for */
	ENGINE_EXIT_WATCHED, /* the instruction at NIP would do what set_watches() watches for, or
				is the first in a state that watch_state() watches for */
	ENGINE_EXIT_YIELD, /* the vCPU waits for others: see set_patience() */
	ENGINE_EXIT_FAILED, /* the engine can't go on; engine_exit.message says why */
	ENGINE_EXIT_RUNNING, /* ENGINE_CAP_THREADS: not an exit, the vCPU is executing */
	ENGINE_EXIT_TRAP, /* the trap_code at NIP has ended; or a similar store, then
			     machine_check describes it */
};

/*
 * An error in what a vCPU has cached of the translations of a range: each use of them is a machine
 * check on the access itself, until they are flushed.
 */
struct engine_planted {
	uint64_t first, last; /* effective addresses of whole 4 KiB pages */
	uint32_t pid; /* radix: process, as in PIDR; 0 for addresses of quadrant 3 */
	/*
	 * Hash, where no register tells the process: the virtual segment of the first use, as the
	 * engine numbers them; 0: not used yet
	 */
	uint64_t segment;
	uint8_t vcpu;
	uint8_t where; /* enum engine_translation_cache */
	bool multihit; /* else parity */
	/* The hypervisor flushes the vCPU's caches before it tells the guest of the error. */
	bool recovered;
};

enum engine_translation_cache {
	ENGINE_ERAT,
	ENGINE_TLB,
	ENGINE_SLB, /* hash guests alone have one */
};

#define ENGINE_ANY_PID	   UINT32_MAX /* of the process that uses the entry first */
#define ENGINE_MAX_PLANTED 16

struct engine_machine_check {
	uint64_t srr1; /* cause bits only */
	uint64_t dsisr;
	uint64_t dar;
	uint64_t address; /* real address, if known */
	bool dar_valid, address_valid;
	bool recovered; /* the hypervisor has repaired the fault */
	bool met_planted; /* the access to planted_ea used an entry with the error planted */
	uint64_t planted_ea;
	struct engine_planted planted;
};

struct engine_exit {
	enum engine_exit_reason reason;
	struct engine_machine_check machine_check;
	/*
	 * ENGINE_EXIT_STOPPED, ENGINE_EXIT_WATCHED: the next run() goes on in a block, before whose
	 * end no interrupt is taken, and no other vCPU may have a turn if it is to be the same run.
	 */
	bool in_block;
	unsigned rings; /* ENGINE_EXIT_DOORBELL: a vCPU */
	uint64_t trap; /* ENGINE_EXIT_TRAP: R3 before the trap_code */
	/* ENGINE_EXIT_WATCHED: bit n, the vCPU's nth watch; 0: what watch_state() waits for */
	uint32_t watched;
	char message[160];
};

/* The architected registers that the machine reads and writes. */
struct engine_regs {
	uint64_t gpr[32];
	uint64_t nip, msr, lr, ctr;
	uint32_t cr, dsisr;
	uint64_t xer;
	uint64_t srr0, srr1, dar;
	uint64_t sprg[4];
};

/* More registers that programs have. */
struct engine_program_regs {
	/* Doublewords 0 and 1. FPR n is doubleword 0 of VSR n, and VR n is VSR 32 + n. */
	uint64_t vsr[64][2];
	uint64_t fpscr, tar, dscr, ppr, amr;
	uint32_t vscr, vrsave;
};

/* Settings the hypervisor makes for the whole partition (bits of LPCR, partition table entry). */
struct engine_partition {
	bool interrupt_little_endian; /* LPCR[ILE] */
	unsigned ail; /* LPCR[AIL]: 0, or with relocation on vectors are at 2 = 0x18000,
			 3 = 0xc000000000004000 */
	bool radix; /* guest translation mode */
	bool gtse; /* radix, LPCR[GTSE]: the guest may execute tlbie */
	uint64_t process_table; /* real address of the process table, 0: none */
	uint64_t process_table_size; /* bytes */
	unsigned hash_table_order; /* !radix: log2 of the bytes of the hash table, 18..46 */
	/*
	 * ENGINE_CAP_HASH_TABLE, !radix: the entries, two doublewords each (isa/hpte.h), big-endian
	 * as architected, so that they are saved as they stand. They belong to the partition, which
	 * changes them between two run()s. The engine sets R and C in the second doubleword,
	 * atomically, and tells memory_mark() of it: the table is in the hypervisor's memory behind
	 * RAM. NULL: no address is translated.
	 */
	uint64_t *hash_table;
	/*
	 * !radix: what code without relocation reaches, in bytes from 0: the first element of
	 * /memory. In memory beyond it the virtual real mode area has no entry, so the access is a
	 * data or instruction storage interrupt, with "no translation found" in DSISR or SRR1. 0:
	 * no limit.
	 */
	uint64_t real_mode_size;
};

/* An entry of the segment lookaside buffer, as slbmte takes it: isa/slb.h. */
struct engine_slb_entry {
	uint64_t esid; /* RB without the index: bit 36 says whether it is valid */
	uint64_t vsid; /* RS */
};

/* The guest's own breakpoint and watchpoints, which it sets by hypervisor calls. */
enum engine_debug_register {
	ENGINE_CIABR,
	ENGINE_DAWR0, /* with DAWRX0 */
	ENGINE_DAWR1, /* with DAWRX1 */
};

/* Does the embedded engine translate code to the host's? The guest cannot tell. */
enum engine_jit {
	ENGINE_JIT_AUTO, /* as it was built to, where it can */
	ENGINE_JIT_OFF,
	ENGINE_JIT_ON, /* what is executed often */
	ENGINE_JIT_FORCE, /* all */
	ENGINE_JIT_CHECK, /* all, and the interpreter must come to the same at each block */
};

struct engine_config {
	struct guest_memory *memory;
	struct guest_clock *clock;
	unsigned nr_vcpus; /* 1..ENGINE_MAX_VCPUS */
	unsigned core_threads; /* with ENGINE_CAP_DOORBELL; 0: 1 */
	/*
	 * The processor, and the older one that it is compatible with (PCR), or NULL: all that the
	 * processor has is there. KVM's is the host's, compatible with POWER9.
	 */
	const struct cpu_model *cpu, *compat;
	enum engine_jit jit; /* not of KVM */
	unsigned nr_children; /* that have memory for translated code after forked() */
	bool no_mc_exit; /* disable ENGINE_CAP_MC_EXIT: machine checks go to the guest's 0x200 */
	bool threads; /* each vCPU gets one, if the engine has run_beside(); not with CLOCK_INSN */
	/* Called with one line, without newline, on noteworthy guest behaviour. May be NULL. */
	void (*debug)(void *opaque, const char *line);
	/*
	 * ENGINE_CAP_THREADS: called from any thread when a vCPU's run() would return an exit. May
	 * be NULL.
	 */
	void (*exited)(void *opaque);
	/* Each thread that the engine starts has called it when create() returns. May be NULL. */
	void (*thread_begins)(void);
	void *opaque;
};

/* What an engine is, and can do on this host. */
struct engine_description {
	unsigned capabilities; /* ENGINE_CAP_* */
	uint32_t pvr; /* what the guest reads from the processor version register */
	/*
	 * Instructions that leave the guest in real mode and keep every register but R3. They end
	 * in ENGINE_EXIT_TRAP; R3 is a 16-bit number, at least 0x100. Length 0: `sc 1` does it, and
	 * gives ENGINE_EXIT_HCALL.
	 */
	const uint32_t *trap_code;
	unsigned trap_code_length; /* instructions */
};

/* What an instruction does, to be or-ed. */
enum engine_access {
	ENGINE_FETCH = 1, /* it is fetched from the range: the first word of it counts */
	ENGINE_READ = 2,
	ENGINE_WRITE = 4,
};

/* An access of a vCPU to a byte of [first, last]. */
struct engine_watch {
	unsigned accesses; /* ENGINE_FETCH, or else the others */
	bool real; /* they are real addresses, not effective ones */
	uint64_t first, last;
};
#define ENGINE_MAX_WATCHES 24

#define ENGINE_NO_WATCH 1ull /* no instruction has an odd address */
#define ENGINE_NO_STOP	UINT64_MAX

struct engine;

struct engine_ops {
	const char *name;

	/**
	 * available() - can this host run the engine? If not, @err gets the reason. NULL: always.
	 */
	bool (*available)(char *err, size_t err_size);
	/**
	 * create() - make an engine with its vCPUs stopped at reset state. On failure returns NULL
	 * with the reason in @err.
	 */
	struct engine *(*create)(const struct engine_config *config, char *err, size_t err_size);
	void (*destroy)(struct engine *engine);
	void (*describe)(const struct engine *engine, struct engine_description *description);

	/**
	 * reset() - put every vCPU in its reset state (registers zero, MSR = SF|ME), empty caches.
	 */
	void (*reset)(struct engine *engine);

	/**
	 * run() - execute guest instructions of one vCPU until an exit.
	 * @max_insns: stop with ENGINE_EXIT_BUDGET after about this many (a basic block is never
	 * split; 1 runs one block)
	 *
	 * It may stop earlier if the instructions have cost the host some milliseconds; insns()
	 * tells how many were executed.
	 *
	 * With ENGINE_CAP_THREADS it only starts the vCPU and returns ENGINE_EXIT_RUNNING, or an
	 * exit that has happened since. It never waits, unless @max_insns is 1: then the vCPU runs
	 * for a moment and is stopped again.
	 */
	void (*run)(struct engine *engine, unsigned vcpu, uint64_t max_insns,
		    struct engine_exit *exit);

	/**
	 * stop() - ENGINE_CAP_THREADS: stop every vCPU until its next run(). NULL: they are always
	 * stopped outside run().
	 */
	void (*stop)(struct engine *engine);
	/**
	 * run_beside() - true: from now on vCPUs run beside the machine, as with
	 * ENGINE_CAP_THREADS, but their time base is the clock's. false, as at first: they run
	 * inside run() only
	 *
	 * Stops every vCPU if that is a change. Beside the machine no run() is bounded, stop_at(),
	 * set_watches() and note_executed() must not be in use, and set_patience() does nothing.
	 * returns: what they do now. With a CIABR set, or an error planted in a guest with hash
	 * translation, they don't run beside the machine. NULL: the engine has no such choice.
	 */
	bool (*run_beside)(struct engine *engine, bool beside);

	/*
	 * The vCPU must not be running for these. With ENGINE_CAP_THREADS they stop it until its
	 * next run().
	 */
	void (*get_regs)(struct engine *engine, unsigned vcpu, struct engine_regs *regs);
	void (*set_regs)(struct engine *engine, unsigned vcpu, const struct engine_regs *regs);
	/* The same for more of them. NULL: the engine can't. */
	void (*get_program_regs)(struct engine *engine, unsigned vcpu,
				 struct engine_program_regs *regs);
	void (*set_program_regs)(struct engine *engine, unsigned vcpu,
				 const struct engine_program_regs *regs);
	/**
	 * look_up() - the real address that a load of the vCPU's kernel would use, without a trace
	 *
	 * returns: false if nothing translates @ea. NULL: the engine can't
	 */
	bool (*look_up)(struct engine *engine, unsigned vcpu, uint64_t ea, uint64_t *ra);
	/**
	 * set_external() - set the level of the vCPU's external interrupt input. 0x500 is taken
	 * when MSR[EE] allows.
	 */
	void (*set_external)(struct engine *engine, unsigned vcpu, bool level);
	/**
	 * ring_doorbell() - have the vCPU take a directed privileged doorbell interrupt, once, as
	 * soon as MSR[EE] allows. NULL: without ENGINE_CAP_DOORBELL.
	 */
	void (*ring_doorbell)(struct engine *engine, unsigned vcpu);
	void (*set_partition)(struct engine *engine, const struct engine_partition *partition);
	/**
	 * flush_tlb() - drop every vCPU's cached translations, and end the errors that are planted
	 * in TLBs and ERATs
	 * @slb: those in SLBs, too
	 */
	void (*flush_tlb)(struct engine *engine, bool slb);
	/**
	 * flush_process() - forget what is cached of [first, last] of a process of a radix guest,
	 * and of its directories and its tree
	 * @planted: end the errors that are planted there in TLBs and ERATs, too
	 *
	 * Addresses of process 0 are those of quadrant 3, or of quadrant 0 for both.
	 */
	void (*flush_process)(struct engine *engine, uint32_t pid, uint64_t first, uint64_t last,
			      bool planted);
	/**
	 * flush_hpte() - forget what comes from entry @index of the hash table. It was valid, with
	 * the doublewords @v and @r in host order, and now it isn't, or has lost a permission, R or
	 * C. On return no vCPU uses it any more, or sets its R or C.
	 *
	 * A new entry needs no such call, and set_partition() forgets everything. NULL: without
	 * ENGINE_CAP_HASH_TABLE.
	 */
	void (*flush_hpte)(struct engine *engine, uint64_t index, uint64_t v, uint64_t r);
	/**
	 * get_slb() - the SLB_ENTRIES entries of the vCPU's SLB. set_slb() writes all of them,
	 * which ends errors planted in the old ones. NULL: the engine can't.
	 */
	void (*get_slb)(const struct engine *engine, unsigned vcpu,
			struct engine_slb_entry *entries);
	void (*set_slb)(struct engine *engine, unsigned vcpu,
			const struct engine_slb_entry *entries);
	/**
	 * set_debug_register() - write a debug register of the vCPU
	 * @extension: DAWRX
	 *
	 * NULL: the engine can't, or the guest's calls do not reach the machine.
	 */
	void (*set_debug_register)(struct engine *engine, unsigned vcpu,
				   enum engine_debug_register which, uint64_t value,
				   uint64_t extension);
	/**
	 * plant() - make cached translations bad; @planted is as the struct says
	 *
	 * returns: false, with nothing changed, if there are ENGINE_MAX_PLANTED, or it is for the
	 * SLB of a radix guest. NULL: without ENGINE_CAP_PLANT
	 */
	bool (*plant)(struct engine *engine, const struct engine_planted *planted);
	/** planted() - what is planted: returns how many, the first of them in *@list */
	unsigned (*planted)(const struct engine *engine, const struct engine_planted **list);
	/** unplant() - end it for [first, last] of @vcpu, or of all if there is no such vCPU */
	void (*unplant)(struct engine *engine, unsigned vcpu, uint64_t first, uint64_t last);

	/** interrupt_pending() - would an external, decrementer or doorbell interrupt be taken
	 * with MSR[EE]=1? */
	bool (*interrupt_pending)(struct engine *engine, unsigned vcpu);
	/** deadline() - time base value at which this vCPU's decrementer interrupts. */
	uint64_t (*deadline)(struct engine *engine, unsigned vcpu);
	uint64_t (*insns)(const struct engine *engine,
			  unsigned vcpu); /* executed so far by this vCPU */

	/**
	 * watch_return() - have run() return ENGINE_EXIT_DEBUG, once, when a return from interrupt
	 * has brought the vCPU to the instruction at @ea, before it is executed. ENGINE_NO_WATCH:
	 * stop watching. Waiting costs nothing.
	 */
	void (*watch_return)(struct engine *engine, unsigned vcpu, uint64_t ea);

	/**
	 * want_machine_checks() - from now on the machine reports machine checks to the guest
	 *
	 * Before this call they need not be exits, whatever ENGINE_CAP_MC_EXIT says. NULL: they
	 * always are.
	 * returns: true, or false if they can't be after all
	 */
	bool (*want_machine_checks)(struct engine *engine);

	/**
	 * set_patience() - how long a vCPU may wait for others in a loop
	 *
	 * Waiting code announces itself by a low thread priority (`or 1,1,1` and the like), or by
	 * `wait`. Once the vCPU has executed @insns more instructions, such a hint ends a run()
	 * with ENGINE_EXIT_YIELD. UINT64_MAX, as after reset(): it never does.
	 * @others_wait: nobody else has anything to do but to see time pass. With CLOCK_INSN it
	 * does so at once, and ends the run() in the same way, when such code reads the time base.
	 * NULL: vCPUs don't take turns.
	 */
	void (*set_patience)(struct engine *engine, unsigned vcpu, uint64_t insns,
			     bool others_wait);
	/** waits() - has it a low thread priority? Called if set_patience() is not NULL. */
	bool (*waits)(struct engine *engine, unsigned vcpu);

	/**
	 * stop_at() - have run() return ENGINE_EXIT_STOPPED, once, when insns() is exactly @insns,
	 * which it has not passed yet; ENGINE_NO_STOP: don't
	 *
	 * What is executed, and when interrupts are taken, is the same as without. NULL: the engine
	 * can't.
	 */
	void (*stop_at)(struct engine *engine, unsigned vcpu, uint64_t insns);

	/**
	 * set_watches() - have run() return ENGINE_EXIT_WATCHED before each instruction of the
	 * vCPU that is about to make such an access; @count 0: no longer
	 *
	 * The next run() executes that instruction. What is executed, and when interrupts are
	 * taken, is the same as without; an access that faults does not count. reset() and
	 * loaded() forget the watches. NULL: the engine can't.
	 */
	void (*set_watches)(struct engine *engine, unsigned vcpu,
			    const struct engine_watch *watches, unsigned count);
	/**
	 * watch_state() - have run() return ENGINE_EXIT_WATCHED before the first instruction after
	 * each change of one of the MSR's @msr_bits, or of PIDR if @pid; 0 and false: no longer
	 *
	 * What is executed, and when interrupts are taken, is the same as without, and waiting
	 * costs nothing. reset() and loaded() forget it. NULL: the engine can't.
	 */
	void (*watch_state)(struct engine *engine, unsigned vcpu, uint64_t msr_bits, bool pid);
	/**
	 * note_executed() - set @words[(ra - @first) / 4] to 1 for each instruction word in
	 * [@first, @last] of real memory that a vCPU executes from now on; @words NULL: no longer
	 *
	 * Exact to the basic block: of one that an interrupt leaves, all may be set. NULL: the
	 * engine can't.
	 */
	void (*note_executed)(struct engine *engine, uint8_t *words, uint64_t first, uint64_t last);
	/** pid() - the vCPU's process ID register (PIDR). NULL: the engine can't tell. */
	uint32_t (*pid)(const struct engine *engine, unsigned vcpu);

	/**
	 * forked() - this process is a child of fork()
	 * @number: below config.nr_children. No other process of this number calls run() at the
	 * same time.
	 *
	 * A child may run() without, but more slowly. NULL: there is no difference.
	 */
	void (*forked)(struct engine *engine, unsigned number);

	/**
	 * kick() - make run() return soon. The only call allowed from another thread or a signal
	 * handler.
	 */
	void (*kick)(struct engine *engine, unsigned vcpu);

	/**
	 * parts() - the architected state of vCPUs and engine, to be saved or loaded outside of
	 * run()
	 * @parts: room for ENGINE_MAX_PARTS
	 *
	 * An engine that goes on from this state and the same memory executes the same
	 * instructions, if neither has translations cached: call saving() before saving.
	 * returns: how many. NULL: the engine can't be saved
	 */
	unsigned (*parts)(struct engine *engine, struct record_part *parts);
	/** saving() - forget what is cached and is no part of the state. */
	void (*saving)(struct engine *engine);
	/** loaded() - the parts were loaded: forget what was cached, and watches. */
	void (*loaded)(struct engine *engine);
};

extern const struct engine_ops engine_power; /* the embedded processors */
extern const struct engine_ops engine_kvm; /* /dev/kvm of a POWER host */

#endif
