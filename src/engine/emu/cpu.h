/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One vCPU of the embedded engine: its architected state, what else it needs to run, and the few
 * functions that instruction semantics (insn/) may call. Power ISA 2.07 to 3.1B, without hypervisor
 * state.
 */
#ifndef FWNMI_ENGINE_EMU_CPU_H
#define FWNMI_ENGINE_EMU_CPU_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/emu/mmu/tlb.h"
#include "engine/engine.h"
#include "isa/srr1.h"

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

typedef unsigned __int128 u128;

/*
 * A vector-scalar register, kept as one host-order 128-bit number so that whole-register operations
 * are plain host operations. VSR_* number elements from the left, as the Power ISA does. FPR n is
 * doubleword 0 of VSR n, VR n is VSR 32+n.
 */
union vsr {
	u128 q;
	uint64_t d[2];
	uint32_t w[4];
	uint16_t h[8];
	uint8_t b[16];
	int64_t sd[2];
	int32_t sw[4];
	int16_t sh[8];
	int8_t sb[16];
	double f64[2];
	float f32[4];
};
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define VSR_INDEX(n, i) ((n)-1 - (i))
#else
#define VSR_INDEX(n, i) (i)
#endif
#define VSR_D(v, i)   ((v).d[VSR_INDEX(2, i)])
#define VSR_W(v, i)   ((v).w[VSR_INDEX(4, i)])
#define VSR_H(v, i)   ((v).h[VSR_INDEX(8, i)])
#define VSR_B(v, i)   ((v).b[VSR_INDEX(16, i)])
#define VSR_SD(v, i)  ((v).sd[VSR_INDEX(2, i)])
#define VSR_SW(v, i)  ((v).sw[VSR_INDEX(4, i)])
#define VSR_SH(v, i)  ((v).sh[VSR_INDEX(8, i)])
#define VSR_SB(v, i)  ((v).sb[VSR_INDEX(16, i)])
#define VSR_F64(v, i) ((v).f64[VSR_INDEX(2, i)])
#define VSR_F32(v, i) ((v).f32[VSR_INDEX(4, i)])

/* CR field bits. */
#define CR_LT 8
#define CR_GT 4
#define CR_EQ 2
#define CR_SO 1

/* The thread's priority in PPR. */
#define PPR_PRI_SHIFT 50
#define PRIORITY_LOW  2u
#define PPR_PRI	      (7ull << PPR_PRI_SHIFT)

struct uop;
struct cpu;
struct power_engine;
/*
 * An instruction's semantics. Returns 0, or EXCEPTION after cpu_raise() or a failed access, with
 * the architected state unchanged.
 */
typedef int sem_fn(struct cpu *cpu, uint32_t insn);
#define EXCEPTION 1

enum pending_exception_flags {
	EXCEPTION_DAR = 1,
	EXCEPTION_DSISR = 2,
	EXCEPTION_NEXT = 4, /* SRR0 = next instruction */
	EXCEPTION_PLANTED = 8, /* a planted error: machine_check_planted */
	EXCEPTION_NO_RA = 16, /* a machine check that has no real address */
	EXCEPTION_PREFIXED = 32, /* the instruction has a prefix */
};

/* Not interrupts: the machine's thread is to execute the running instruction. cpu->exception */
#define EXCEPTION_ALONE	 2 /* while all other vCPUs stand still */
#define EXCEPTION_DEVICE 3 /* since the devices are that thread's */

/* How instructions are decoded: cpu.mode */
#define CODE_LE		1 /* instructions and data are little-endian */
#define CODE_32		2 /* MSR[SF]=0: addresses have 32 bits, results are compared as 32 bits */
/* How data is addressed, an enum tlb_mode: decoding ignores it, but translated code does not. */
#define CODE_DATA(mode) ((unsigned)(mode) << 2)
#define DATA_MODE(mode) ((enum tlb_mode)((mode) >> 2))
#define CODE_MODES	(TLB_MODES << 2)

/* How entries of the soft TLB depend on AMR, or on IAMR, where pages have storage keys */
struct key_dependence {
	uint32_t kernel; /* a bit for each key of pages in TLB_KERNEL; maybe others */
	uint64_t user; /* the register's value that entries in TLB_USER were made with */
};

struct cpu {
	/* Hot: micro-operations reach these by byte offset. */
	uint64_t gpr[32];
	uint64_t zero; /* always reads 0: the RA|0 operand */
	uint64_t scratch[4];
	uint64_t lr, ctr, tar, srr0, srr1, dar, sprg[4], ppr;
	uint8_t cr[8]; /* one field per byte, 0..15 */
	uint8_t so, ov, ca, ov32, ca32;
	uint8_t xer_count; /* XER[57:63], string length */
	uint64_t xer_other; /* other writable bits of XER */
	int64_t budget; /* instructions left in this run; see run_loop.c */
	uint64_t page_ea; /* effective address of the page of the running block */
	struct tlb_set *tlb; /* for data, of the current mode */
	struct fetch_set *fetch; /* for instructions, of the current mode */
	uint64_t msr;
	const struct uop
		*stop_uop; /* where run_block() stopped: NULL = at nip, between instructions */
	uint64_t nip;

	union vsr vsr[64];
	uint64_t fpscr;
	uint32_t vscr; /* NJ 0x10000, SAT 1 */
	uint32_t vrsave;

	/* Exception that the running instruction raised. */
	unsigned exception; /* vector, 0: none */
	unsigned exception_flags;
	uint64_t exception_srr1, exception_dar;
	uint32_t exception_dsisr;
	uint64_t machine_check_ra; /* of exception 0x200 */
	uint64_t machine_check_ea; /* the same with EXCEPTION_PLANTED */
	struct engine_planted machine_check_planted;

	/* Reservation (lwarx ...). */
	bool reserved;
	uint8_t reserve_size;
	uint64_t reserve_ra; /* real address */
	u128 reserve_value; /* with threads: what was there, as the mode's byte order has it */

	/* What copy has read and paste. is to write. */
	bool has_copied;
	uint64_t copied[16];

	uint32_t dsisr;
	uint64_t cfar, pidr, amr, iamr, uamor, fscr, ctrl, dscr, tidr, psscr, ebbhr, ebbrr, bescr,
		dexcr, hashkeyr;
	uint64_t pspb, wort, mmcr[4], mmcra, siar, sdar, sier[3];
	uint64_t pmc[6]; /* as of pmc_counted; pmu.h has the functions */
	uint64_t ciabr, dawr[2], dawrx[2]; /* changed by debug_registers.c alone */
	struct engine_slb_entry slb[SLB_ENTRIES]; /* changed by mmu/segments.h alone */

	uint64_t dec_expiry; /* time base value at which DEC becomes negative */
	uint64_t insns; /* executed before this run() */
	uint64_t pmc_counted; /* instructions executed that pmc[] takes account of */
	uint64_t pmc_due; /* pmu_update() is due when this many are executed */
	uint64_t pmc_msr; /* the MSR with which those since pmc_counted were executed */
	uint64_t pmc_msr_matters; /* the bits of it that decide what counts */
	uint64_t patience_ends; /* value of insns from which a wait hint ends a run() */
	bool may_pass_time; /* see set_patience() */
	bool paused; /* by `wait 2,0`, since it last looked at the time */
	uint64_t stop_at; /* value of insns given to stop_at() */
	int64_t run_limit; /* executed in this run() = run_limit - budget, at block boundaries */
	unsigned external; /* level of the external interrupt input */
	unsigned rings; /* ENGINE_EXIT_DOORBELL: which vCPU */
	bool doorbell; /* a directed privileged doorbell interrupt waits for MSR[EE] */
	unsigned index; /* of this vCPU */
	volatile int kicked;
	int attention; /* ATTENTION_*, or-ed by other threads */
	unsigned drops_seen; /* power_engine.drops at the last isync */
	bool must_wait; /* shootdown_wait() is due before the next block */
	uint64_t watch; /* address given to watch_return() */
	int exit; /* enum engine_exit_reason wanted by the last micro-operation, or -1 */
	struct engine_watch watches[ENGINE_MAX_WATCHES];
	uint32_t watches_met; /* by the instruction at NIP: see engine_exit.watched */
	struct power_engine *engine;
	struct walk_cache *walks; /* its own, or shared by vCPUs that take turns */
	struct work *work; /* of this run(): the engine's, or its own */
	struct work own_work;
	struct vcpu_thread *thread; /* NULL: vCPUs only take turns */
	struct shootdown_queue *shootdowns; /* the thread's; NULL: it has none */
	bool reaches_devices; /* runs beside others, but in the machine's thread */

	bool pmc_sample; /* SIAR is to be the instruction at which the alert is seen */
	bool dec_pending; /* DEC was negative at the last look at the time base */
	uint8_t mode; /* CODE_*: how instructions are decoded now */
	uint8_t block_left; /* instructions left of the block that a stop has interrupted */
	/* run() is to end after the block: a device may have changed which vCPU is to run */
	bool met_device;
	bool yields; /* run() is to end with ENGINE_EXIT_YIELD when the block has ended */
	uint8_t marked_block; /* instructions of the block at NIP, which no page holds; 0: none */
	uint8_t nr_watches;
	bool watch_told; /* the instruction at NIP has led to ENGINE_EXIT_WATCHED already */
	bool pid_watched; /* see watch_state() */
	bool state_changed; /* watched state has; ENGINE_EXIT_WATCHED has yet to say so */
	uint64_t msr_watched; /* bits */
	struct key_dependence data_keys, fetch_keys;

	struct tlb_arrays arrays;
};

/* ---- functions for insn/ ---- */

/**
 * cpu_raise() - raise an interrupt for the running instruction. Always returns EXCEPTION, which the
 * semantics function must return at once.
 * @vector: e.g. 0x700; @srr1: reason bits.
 */
int cpu_raise(struct cpu *cpu, unsigned vector, uint64_t srr1);
/**
 * cpu_raise_machine_check() - the same for the machine check of an access: SRR1 tells the cause of
 * a fetch, and DSISR, with @ea in DAR, that of a load or store
 */
void cpu_raise_machine_check(struct cpu *cpu, uint64_t ea, bool fetch, uint32_t fetch_srr1,
			     uint32_t data_dsisr);

/** cpu_illegal() - raise an illegal instruction program interrupt. Returns EXCEPTION. */
static inline int cpu_illegal(struct cpu *cpu)
{
	return cpu_raise(cpu, VECTOR_PROGRAM, SRR1_ILLEGAL);
}

/** cpu_misaligned() - raise an alignment interrupt. Returns EXCEPTION. */
int cpu_misaligned(struct cpu *cpu, uint64_t ea);

/**
 * cpu_load*() / cpu_store*() - access data at an effective address in the current mode and byte
 * order (MSR[LE]). The value is in register order. Any alignment is fine. false: an interrupt was
 * raised, return EXCEPTION at once.
 */
bool cpu_load8(struct cpu *cpu, uint64_t ea, uint64_t *v);
bool cpu_load16(struct cpu *cpu, uint64_t ea, uint64_t *v);
bool cpu_load32(struct cpu *cpu, uint64_t ea, uint64_t *v); /* zero-extended */
bool cpu_load64(struct cpu *cpu, uint64_t ea, uint64_t *v);
bool cpu_load128(struct cpu *cpu, uint64_t ea,
		 u128 *v); /* as one 16-byte number: lvx, lxv in either byte order */
bool cpu_store8(struct cpu *cpu, uint64_t ea, uint64_t v);
bool cpu_store16(struct cpu *cpu, uint64_t ea, uint64_t v);
bool cpu_store32(struct cpu *cpu, uint64_t ea, uint64_t v);
bool cpu_store64(struct cpu *cpu, uint64_t ea, uint64_t v);
bool cpu_store128(struct cpu *cpu, uint64_t ea, u128 v);

/* The same for an aligned quadword, and as one access to other vCPUs. */
bool cpu_load_quad(struct cpu *cpu, uint64_t ea, u128 *v);
bool cpu_store_quad(struct cpu *cpu, uint64_t ea, u128 v);
/**
 * cpu_compare_and_swap() - store @v to aligned memory, @size bytes, if @expected is there; *@done
 * says whether it was. One access to other vCPUs.
 */
bool cpu_compare_and_swap(struct cpu *cpu, uint64_t ea, unsigned size, u128 expected, u128 v,
			  bool *done);

/* 0, or EXCEPTION after raising 0x700, if problem state does what it may not */
static inline int need_priv(struct cpu *cpu)
{
	return likely(!(cpu->msr & MSR_PR)) ? 0 : cpu_raise(cpu, VECTOR_PROGRAM, SRR1_PRIVILEGED);
}

/* Facility checks: 0, or EXCEPTION after raising 0x800 (FP), 0xf20 (VEC) or 0xf40 (VSX). */
static inline int need_fp(struct cpu *cpu)
{
	return likely(cpu->msr & MSR_FP) ? 0 : cpu_raise(cpu, VECTOR_FP_UNAVAILABLE, 0);
}
static inline int need_vec(struct cpu *cpu)
{
	return likely(cpu->msr & MSR_VEC) ? 0 : cpu_raise(cpu, VECTOR_VEC_UNAVAILABLE, 0);
}
static inline int need_vsx(struct cpu *cpu)
{
	return likely(cpu->msr & MSR_VSX) ? 0 : cpu_raise(cpu, VECTOR_VSX_UNAVAILABLE, 0);
}

/*
 * Instruction fields. FIELD(insn, first, last) numbers the bits of the 32-bit word from the left,
 * as the ISA does.
 */
#define FIELD(insn, first, last) (((insn) >> (31 - (last))) & ((1u << ((last) - (first) + 1)) - 1))
#define F_BF(i)			 FIELD(i, 6, 8)
#define F_RT(i)			 FIELD(i, 6, 10)
#define F_RA(i)			 FIELD(i, 11, 15)
#define F_RB(i)			 FIELD(i, 16, 20)
#define F_RC(i)			 FIELD(i, 21, 25)
#define F_REC(i)		 ((i)&1) /* Rc of most forms */
#define F_XT(i)			 (F_RT(i) | ((i)&1) << 5) /* XX1, XX2, XX3: TX is bit 31 */
#define F_XA(i)			 (F_RA(i) | ((i) >> 2 & 1) << 5) /* AX is bit 29 */
#define F_XB(i)			 (F_RB(i) | ((i) >> 1 & 1) << 5) /* BX is bit 30 */
#define F_XC(i)			 (F_RC(i) | ((i) >> 3 & 1) << 5) /* XX4: CX is bit 28 */
#define F_SI(i)			 ((int64_t)(int16_t)(i))
/* Base register value for RA|0. */
static inline uint64_t ra_or_0(const struct cpu *cpu, uint32_t insn)
{
	return F_RA(insn) ? cpu->gpr[F_RA(insn)] : 0;
}

/*
 * The effective address in the current mode: its low 32 bits if MSR[SF]=0. Use this for addresses
 * that don't just go to cpu_load*() and cpu_store*().
 */
static inline uint64_t effective_address(const struct cpu *cpu, uint64_t ea)
{
	return likely(cpu->msr & MSR_SF) ? ea : (uint32_t)ea;
}

/* (RA|0) + displacement */
static inline uint64_t displaced_ea(const struct cpu *cpu, uint32_t insn, int64_t displacement)
{
	return effective_address(cpu, ra_or_0(cpu, insn) + (uint64_t)displacement);
}

/* (RA|0) + (RB) */
static inline uint64_t indexed_ea(const struct cpu *cpu, uint32_t insn)
{
	return effective_address(cpu, ra_or_0(cpu, insn) + cpu->gpr[F_RB(insn)]);
}

/*
 * CR0 of a fixed-point record form. CR1 of a floating-point form and CR6 of a vector form are
 * written elsewhere.
 */
static inline void set_cr0(struct cpu *cpu, uint64_t result)
{
	int64_t v = cpu->msr & MSR_SF ? (int64_t)result : (int32_t)result;

	cpu->cr[0] = (uint8_t)((v < 0 ? CR_LT : v > 0 ? CR_GT : CR_EQ) | cpu->so);
}
static inline void set_cr1(struct cpu *cpu)
{
	cpu->cr[1] = (uint8_t)(cpu->fpscr >> 28 & 15);
}

uint32_t cpu_get_cr(const struct cpu *cpu);
void cpu_set_cr(struct cpu *cpu, uint32_t cr);
uint64_t cpu_get_xer(const struct cpu *cpu);
void cpu_set_xer(struct cpu *cpu, uint64_t xer);

#endif
