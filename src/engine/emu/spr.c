/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Special purpose registers as mfspr and mtspr access them. Power ISA 3.0B, Book III section 4.4.4.
 * pmu.h says what the performance monitor's registers do.
 */
#include "engine/emu/mmu/mmu.h"
#include "engine/emu/private.h"
#include "isa/spr.h"

#define WAIT_TICKS 8192u /* 16 us: what code of low priority waits at a time */

#define U_R 1 /* readable with MSR[PR]=1 */
#define U_W 2
#define P_R 4
#define P_W 8
#define U   (U_R | U_W | P_R | P_W)
#define P   (P_R | P_W)
#define UR  (U_R | P_R)

/* What counters count depends on it, or on them what is read. */
enum monitor_register {
	NO_MONITOR,
	MONITOR, /* of privileged state, or of event-based branches */
	/* For problem state, by MMCR0[PMCC]: */
	MONITOR_A,
	MONITOR_A_PMC56,
	MONITOR_B, /* to read only */
};

/* @index: of the instruction in its block */
typedef uint64_t read_fn(struct cpu *cpu, unsigned spr, unsigned index);
typedef void write_fn(struct cpu *cpu, unsigned spr, unsigned index, uint64_t v);

struct spr_entry {
	uint8_t access; /* 0: no such register */
	uint8_t facility; /* FSCR bit that problem state needs; 0: none */
	uint8_t monitor; /* enum monitor_register */
	/* Plain storage: a member of struct cpu and its size. 0: the functions do it. */
	uint8_t size;
	uint16_t offset;
	uint64_t bits; /* implemented bits; the others read as zero */
	uint64_t problem_bits; /* those that problem state knows, and changes; 0: all */
	read_fn *read;
	write_fn *write;
};

int cpu_facility_unavailable(struct cpu *cpu, unsigned bit)
{
	cpu->fscr = (cpu->fscr & ~(255ull << 56)) | (uint64_t)bit << 56;
	return cpu_raise(cpu, VECTOR_FACILITY_UNAVAILABLE, 0);
}

int cpu_need_facility(struct cpu *cpu, unsigned bit)
{
	if (!(cpu->msr & MSR_PR) || cpu->fscr >> bit & 1)
		return 0;
	return cpu_facility_unavailable(cpu, bit);
}

/* ---- registers that are not plain storage ---- */

static uint64_t read_xer(struct cpu *cpu, unsigned spr, unsigned index)
{
	return cpu_get_xer(cpu);
}

static void write_xer(struct cpu *cpu, unsigned spr, unsigned index, uint64_t v)
{
	cpu_set_xer(cpu, v);
}

/* Ticks that may pass before the next decrementer interrupt of any vCPU. */
static uint64_t ticks_to_spare(const struct power_engine *engine, uint64_t now)
{
	uint64_t spare = WAIT_TICKS;

	for (unsigned i = 0; i < engine->nr_vcpus; i++) {
		const int64_t left = (int64_t)(engine->cpus[i]->dec_expiry - now);

		if (left > 0 && (uint64_t)left < spare)
			spare = (uint64_t)left;
	}
	return spare;
}

/* What the vCPU has executed before instruction @index of the running block */
static uint64_t insns_before(const struct cpu *cpu, unsigned index)
{
	return cpu->insns + (uint64_t)(cpu->run_limit - cpu->budget) + index;
}

/*
 * A thread of low priority, or one that has paused, waits for the time that it looks at. If no
 * other vCPU has anything better to do, time that is counted in instructions passes at once
 * instead. Else the others get their turns.
 */
static void pass_time(struct cpu *cpu, unsigned index)
{
	struct guest_clock *clock = cpu->engine->clock;
	const bool waits = cpu_waits(cpu) || cpu->paused;

	cpu->paused = false;
	if (!waits)
		return;
	if (!cpu->may_pass_time || clock->mode != CLOCK_INSN) {
		cpu_relax(cpu, index);
		return;
	}
	clock->offset += ticks_to_spare(cpu->engine, cpu_timebase(cpu, index));
	/* Limits of this run, and of others' sleep, come from the old time. */
	cpu->yields = true;
	cpu_leave(cpu);
}

static uint64_t read_timebase(struct cpu *cpu, unsigned spr, unsigned index)
{
	pass_time(cpu, index);
	return cpu_timebase(cpu, index);
}

static uint64_t read_timebase_upper(struct cpu *cpu, unsigned spr, unsigned index)
{
	return cpu_timebase(cpu, index) >> 32;
}

/*
 * VTB, PURR and SPURR count with the time base while the hypervisor lets the vCPU run. Here it
 * always does.
 */
static uint64_t read_own_time(struct cpu *cpu, unsigned spr, unsigned index)
{
	return cpu_timebase(cpu, index);
}

static uint64_t read_instruction_count(struct cpu *cpu, unsigned spr, unsigned index)
{
	return insns_before(cpu, index);
}

/* 32 bits, from ISA 3.0 on sign-extended like the low part of a large decrementer */
static uint64_t read_decrementer(struct cpu *cpu, unsigned spr, unsigned index)
{
	const uint64_t left = cpu->dec_expiry - cpu_timebase(cpu, index) - 1;

	return cpu->engine->model->isa < 300 ? (uint32_t)left : (uint64_t)(int64_t)(int32_t)left;
}

static void write_decrementer(struct cpu *cpu, unsigned spr, unsigned index, uint64_t v)
{
	cpu->dec_expiry = cpu_timebase(cpu, index) + (uint64_t)(int64_t)(int32_t)v + 1;
	cpu_leave(cpu); /* the run loop's limit comes from the old decrementer */
}

static uint64_t read_amr(struct cpu *cpu, unsigned spr, unsigned index)
{
	return cpu->amr;
}

static void write_amr(struct cpu *cpu, unsigned spr, unsigned index, uint64_t v)
{
	const uint64_t before = cpu->amr;

	if (cpu->msr & MSR_PR)
		v = (before & ~cpu->uamor) | (v & cpu->uamor);
	if (v == before)
		return;
	cpu->amr = v;
	mmu_amr_changed(cpu, before);
}

static uint64_t read_iamr(struct cpu *cpu, unsigned spr, unsigned index)
{
	return cpu->iamr;
}

static void write_iamr(struct cpu *cpu, unsigned spr, unsigned index, uint64_t v)
{
	const uint64_t before = cpu->iamr;

	if (v == before)
		return;
	cpu->iamr = v;
	mmu_iamr_changed(cpu, before);
}

static uint64_t read_pid(struct cpu *cpu, unsigned spr, unsigned index)
{
	return cpu->pidr;
}

static void write_pid(struct cpu *cpu, unsigned spr, unsigned index, uint64_t v)
{
	if ((uint32_t)v == (uint32_t)cpu->pidr)
		return;
	cpu->pidr = (uint32_t)v;
	mmu_pid_changed(cpu);
	if (cpu->pid_watched)
		cpu_state_changed(cpu);
}

/* Single-threaded: TS follows RUN. */
static uint64_t read_ctrl(struct cpu *cpu, unsigned spr, unsigned index)
{
	return cpu->ctrl & 1 ? 0x8001 : 0;
}

static uint64_t read_pvr(struct cpu *cpu, unsigned spr, unsigned index)
{
	return cpu->engine->model->pvr;
}

/* BESCRS, BESCRSU, BESCRR, BESCRRU: set and reset parts of BESCR */
static uint64_t read_bescr_part(struct cpu *cpu, unsigned spr, unsigned index)
{
	return spr & 1 ? cpu->bescr >> 32 : cpu->bescr;
}

static void write_bescr_part(struct cpu *cpu, unsigned spr, unsigned index, uint64_t v)
{
	v = spr & 1 ? v << 32 : v;
	cpu->bescr = spr < SPR_BESCRR ? cpu->bescr | v : cpu->bescr & ~v;
}

static uint64_t read_ppr32(struct cpu *cpu, unsigned spr, unsigned index)
{
	return cpu->ppr >> 32;
}

static void write_ppr32(struct cpu *cpu, unsigned spr, unsigned index, uint64_t v)
{
	cpu->ppr = (cpu->ppr & 0xffffffff) | v << 32;
}

/* The aspects of problem state. */
static uint64_t read_dexcr_user(struct cpu *cpu, unsigned spr, unsigned index)
{
	return (uint32_t)cpu->dexcr;
}

/* The hypervisor enforces none. */
static uint64_t read_hdexcr_user(struct cpu *cpu, unsigned spr, unsigned index)
{
	return 0;
}

static uint64_t read_pir(struct cpu *cpu, unsigned spr, unsigned index)
{
	return cpu->index;
}

static uint64_t read_tir(struct cpu *cpu, unsigned spr, unsigned index)
{
	return cpu->index % cpu->engine->core_threads;
}

/* A bit for each thread of the core. */
static uint64_t read_dpdes(struct cpu *cpu, unsigned spr, unsigned index)
{
	const struct power_engine *e = cpu->engine;
	const unsigned first = cpu->index - cpu->index % e->core_threads;
	uint64_t waiting = 0;

	for (unsigned i = 0; i < e->core_threads; i++)
		waiting |=
			(uint64_t)__atomic_load_n(&e->cpus[first + i]->doorbell, __ATOMIC_RELAXED)
			<< i;
	return waiting;
}

/* ---- the table ---- */

#define KEEPS_BUT(access, facility, monitor, member, bits, problem_bits)             \
	{                                                                            \
		access, facility, monitor, sizeof(((struct cpu *)0)->member),        \
			offsetof(struct cpu, member), bits, problem_bits, NULL, NULL \
	}
#define KEEPS(access, facility, member, bits) \
	KEEPS_BUT(access, facility, NO_MONITOR, member, bits, 0)
#define PLAIN(access, member)		  KEEPS(access, 0, member, ~0ull)
#define LOW_32(access, member)		  KEEPS(access, 0, member, 0xffffffff)
/* An instruction address: bits 62:63 are reserved. */
#define ADDRESS(access, facility, member) KEEPS(access, facility, member, ~3ull)
#define DSCR_BITS			  0x1ffffffull
#define CALLS(access, facility, read, write)                          \
	{                                                             \
		access, facility, NO_MONITOR, 0, 0, 0, 0, read, write \
	}
/* Registers of the performance monitor, and those that share their events. */
#define MONITORS(access, monitor, member)    KEEPS_BUT(access, 0, monitor, member, ~0ull, 0)
#define MONITORS_PART(access, member, known) KEEPS_BUT(access, 0, MONITOR_A, member, ~0ull, known)
#define COUNTER(access, monitor, i)	     KEEPS_BUT(access, 0, monitor, pmc[i], 0xffffffff, 0)
#define BESCR_PART                                                                  \
	{                                                                           \
		U, FSCR_EBB, MONITOR, 0, 0, 0, 0, read_bescr_part, write_bescr_part \
	}
#define MMCR0_PROBLEM_STATE 0x84000080ull /* FC, PMAE, PMAO */
#define MMCR2_PROBLEM_STATE 0x4020100804020000ull /* FCnP0 */

static const struct spr_entry table[NR_SPRS] = {
	[SPR_XER] = CALLS(U, 0, read_xer, write_xer),
	[SPR_DSCR_USER] = KEEPS(U, FSCR_DSCR, dscr, DSCR_BITS),
	[SPR_LR] = PLAIN(U, lr),
	[SPR_CTR] = PLAIN(U, ctr),
	[SPR_AMR_USER] = CALLS(U, 0, read_amr, write_amr),
	[SPR_DSCR] = KEEPS(P, 0, dscr, DSCR_BITS),
	[SPR_DSISR] = LOW_32(P, dsisr),
	[SPR_DAR] = PLAIN(P, dar),
	[SPR_DEC] = CALLS(P, 0, read_decrementer, write_decrementer),
	[SPR_SRR0] = PLAIN(P, srr0),
	[SPR_SRR1] = PLAIN(P, srr1),
	[SPR_CFAR] = ADDRESS(P, 0, cfar),
	[SPR_AMR] = CALLS(P, 0, read_amr, write_amr),
	[SPR_PIDR] = CALLS(P, 0, read_pid, write_pid),
	[SPR_IAMR] = CALLS(P, 0, read_iamr, write_iamr),
	[SPR_CTRL_READ] = CALLS(UR, 0, read_ctrl, NULL),
	[SPR_TIDR] = PLAIN(P, tidr),
	[SPR_CTRL] = MONITORS(P_W, MONITOR, ctrl),
	[SPR_FSCR] = PLAIN(P, fscr),
	[SPR_UAMOR] = PLAIN(P, uamor),
	[SPR_PSPB] = LOW_32(P, pspb),
	[SPR_VRSAVE] = LOW_32(U, vrsave),
	[SPR_SPRG3_USER] = PLAIN(UR, sprg[3]),
	[SPR_TB] = CALLS(UR, 0, read_timebase, NULL),
	[SPR_TBU] = CALLS(UR, 0, read_timebase_upper, NULL),
	[SPR_SPRG0] = PLAIN(P, sprg[0]),
	[SPR_SPRG1] = PLAIN(P, sprg[1]),
	[SPR_SPRG2] = PLAIN(P, sprg[2]),
	[SPR_SPRG3] = PLAIN(P, sprg[3]),
	[SPR_PVR] = CALLS(P_R, 0, read_pvr, NULL),
	[SPR_SPURR] = CALLS(P_R, 0, read_own_time, NULL),
	[SPR_PURR] = CALLS(P_R, 0, read_own_time, NULL),
	[SPR_DPDES] = CALLS(P_R, 0, read_dpdes, NULL),
	[SPR_TIR] = CALLS(P_R, 0, read_tir, NULL),
	[SPR_HDEXCR_USER] = CALLS(UR, 0, read_hdexcr_user, NULL),
	[SPR_HASHKEYR] = PLAIN(P, hashkeyr),
	[SPR_SIER2_USER] = MONITORS(UR, MONITOR_B, sier[1]),
	[SPR_SIER3_USER] = MONITORS(UR, MONITOR_B, sier[2]),
	[SPR_MMCR3_USER] = MONITORS(UR, MONITOR_B, mmcr[3]),
	[SPR_SIER2] = PLAIN(P, sier[1]),
	[SPR_SIER3] = PLAIN(P, sier[2]),
	[SPR_MMCR3] = PLAIN(P, mmcr[3]),
	[SPR_SIER_USER] = MONITORS(UR, MONITOR_B, sier[0]),
	[SPR_MMCR2_USER] = MONITORS_PART(U, mmcr[2], MMCR2_PROBLEM_STATE),
	[SPR_MMCRA_USER] = MONITORS(U, MONITOR_A, mmcra),
	[SPR_PMC1_USER] = COUNTER(U, MONITOR_A, 0),
	[SPR_PMC2_USER] = COUNTER(U, MONITOR_A, 1),
	[SPR_PMC3_USER] = COUNTER(U, MONITOR_A, 2),
	[SPR_PMC4_USER] = COUNTER(U, MONITOR_A, 3),
	[SPR_PMC5_USER] = COUNTER(U, MONITOR_A_PMC56, 4),
	[SPR_PMC6_USER] = COUNTER(U, MONITOR_A_PMC56, 5),
	[SPR_MMCR0_USER] = MONITORS_PART(U, mmcr[0], MMCR0_PROBLEM_STATE),
	[SPR_SIAR_USER] = MONITORS(UR, MONITOR_B, siar),
	[SPR_SDAR_USER] = MONITORS(UR, MONITOR_B, sdar),
	[SPR_MMCR1_USER] = MONITORS(UR, MONITOR_B, mmcr[1]),
	[SPR_SIER] = MONITORS(P, MONITOR, sier[0]),
	[SPR_MMCR2] = MONITORS(P, MONITOR, mmcr[2]),
	[SPR_MMCRA] = PLAIN(P, mmcra),
	[SPR_PMC1] = COUNTER(P, MONITOR, 0),
	[SPR_PMC2] = COUNTER(P, MONITOR, 1),
	[SPR_PMC3] = COUNTER(P, MONITOR, 2),
	[SPR_PMC4] = COUNTER(P, MONITOR, 3),
	[SPR_PMC5] = COUNTER(P, MONITOR, 4),
	[SPR_PMC6] = COUNTER(P, MONITOR, 5),
	[SPR_MMCR0] = MONITORS(P, MONITOR, mmcr[0]),
	[SPR_SIAR] = MONITORS(P, MONITOR, siar),
	[SPR_SDAR] = PLAIN(P, sdar),
	[SPR_MMCR1] = MONITORS(P, MONITOR, mmcr[1]),
	[SPR_BESCRS] = BESCR_PART,
	[SPR_BESCRSU] = BESCR_PART,
	[SPR_BESCRR] = BESCR_PART,
	[SPR_BESCRRU] = BESCR_PART,
	[SPR_EBBHR] = ADDRESS(U, FSCR_EBB, ebbhr),
	[SPR_EBBRR] = ADDRESS(U, FSCR_EBB, ebbrr),
	[SPR_BESCR] = KEEPS_BUT(U, FSCR_EBB, MONITOR, bescr, ~0ull, 0),
	[SPR_TAR] = KEEPS(U, FSCR_TAR, tar, ~0ull),
	[SPR_PSSCR] = PLAIN(P, psscr),
	[SPR_IC] = CALLS(P_R, 0, read_instruction_count, NULL),
	[SPR_VTB] = CALLS(P_R, 0, read_own_time, NULL),
	[SPR_DEXCR_USER] = CALLS(UR, 0, read_dexcr_user, NULL),
	[SPR_DEXCR] = PLAIN(P, dexcr),
	[SPR_WORT] = KEEPS(P, 0, wort, WORT_BITS),
	[SPR_PPR] = PLAIN(U, ppr),
	[SPR_PPR32] = CALLS(U, 0, read_ppr32, write_ppr32),
	[SPR_PIR] = CALLS(P_R, 0, read_pir, NULL),
};

/* The first and the last version of the ISA with a register that not all since 2.07 have. */
static const struct {
	uint16_t first, last;
} versions[NR_SPRS] = {
	[SPR_TIDR] = { 300, 300 },
	[SPR_PSSCR] = { 300, UINT16_MAX },
	[SPR_MMCR3] = { 310, UINT16_MAX },
	[SPR_MMCR3_USER] = { 310, UINT16_MAX },
	[SPR_SIER2] = { 310, UINT16_MAX },
	[SPR_SIER2_USER] = { 310, UINT16_MAX },
	[SPR_SIER3] = { 310, UINT16_MAX },
	[SPR_SIER3_USER] = { 310, UINT16_MAX },
	[SPR_DEXCR] = { 310, UINT16_MAX },
	[SPR_DEXCR_USER] = { 310, UINT16_MAX },
	[SPR_HASHKEYR] = { 310, UINT16_MAX },
	[SPR_HDEXCR_USER] = { 310, UINT16_MAX },
};

/* ---- access ---- */

static bool exists(const struct cpu *cpu, unsigned spr)
{
	const unsigned isa = cpu_isa(cpu);

	return !versions[spr].first || (versions[spr].first <= isa && isa <= versions[spr].last);
}

/*
 * An SPR number that does not exist, or not for this access. Privileged software gets a
 * no-operation, except for the few numbers that the ISA singles out.
 */
static int absent(struct cpu *cpu, unsigned spr)
{
	if (spr >= SPR_RESERVED && spr < SPR_RESERVED + 4)
		return 0;
	if (cpu->msr & MSR_PR || spr == 0 || (spr >= 4 && spr <= 6))
		return cpu_illegal(cpu);
	return 0;
}

/* Does MMCR0[PMCC] refuse problem state a register of the performance monitor? Raises if so. */
static bool monitor_refuses(struct cpu *cpu, enum monitor_register monitor, bool write)
{
	const uint64_t mmcr0 = cpu->mmcr[0];
	bool unavailable = PMCC(mmcr0) == PMCC_NOTHING;

	if (monitor == MONITOR_A_PMC56)
		unavailable |= PMCC(mmcr0) == PMCC_WITHOUT_PMC56;
	if (monitor == MONITOR_B && cpu_isa(cpu) >= 310)
		unavailable |= PMCC(mmcr0) == PMCC_READ && mmcr0 & MMCR0_PMCCEXT;
	if (unavailable)
		cpu_facility_unavailable(cpu, FSCR_PMU);
	else if (write && PMCC(mmcr0) == PMCC_READ)
		cpu_illegal(cpu);
	else
		return false;
	return true;
}

/*
 * May the vCPU access the register? @problem_state, @privileged: accesses that it permits. If not,
 * @refused is the instruction's result.
 */
static bool allowed(struct cpu *cpu, unsigned spr, unsigned problem_state, unsigned privileged,
		    int *refused)
{
	const struct spr_entry *entry = &table[spr];
	const bool user = cpu->msr & MSR_PR;

	if (user && spr & SPR_PRIVILEGED)
		*refused = cpu_raise(cpu, VECTOR_PROGRAM, SRR1_PRIVILEGED);
	else if (!(entry->access & (user ? problem_state : privileged)) || !exists(cpu, spr))
		*refused = absent(cpu, spr);
	else if (entry->facility && cpu_need_facility(cpu, entry->facility))
		*refused = EXCEPTION;
	else if (user && entry->monitor > MONITOR &&
		 monitor_refuses(cpu, entry->monitor, problem_state == U_W))
		*refused = EXCEPTION;
	else
		return true;
	return false;
}

/* The bits of a register that the vCPU knows in its present state. */
static uint64_t bits_known(const struct cpu *cpu, const struct spr_entry *entry)
{
	return cpu->msr & MSR_PR && entry->problem_bits ? entry->problem_bits : entry->bits;
}

static void insert(uint64_t *member, uint64_t v, uint64_t bits)
{
	*member = (*member & ~bits) | (v & bits);
}

/* Lets the counters be those before instruction @index of the running block. */
static void settle_counters(struct cpu *cpu, unsigned index)
{
	pmu_settle(cpu, insns_before(cpu, index));
}

int spr_read(struct cpu *cpu, unsigned spr, unsigned index, uint64_t *v)
{
	const struct spr_entry *entry = &table[spr];
	const void *member = (const char *)cpu + entry->offset;
	int refused;

	if (!allowed(cpu, spr, U_R, P_R, &refused))
		return refused;
	if (entry->monitor)
		settle_counters(cpu, index);
	if (entry->read)
		*v = entry->read(cpu, spr, index);
	else
		*v = entry->size == 4 ? *(const uint32_t *)member :
					*(const uint64_t *)member & bits_known(cpu, entry);
	return 0;
}

int spr_write(struct cpu *cpu, unsigned spr, unsigned index, uint64_t v)
{
	const struct spr_entry *entry = &table[spr];
	void *member = (char *)cpu + entry->offset;
	int refused;

	if (!allowed(cpu, spr, U_W, P_W, &refused))
		return refused;
	/* The instruction itself is counted as before, and the next one by what it writes. */
	if (entry->monitor)
		settle_counters(cpu, index + 1);
	if (entry->write)
		entry->write(cpu, spr, index, v);
	else if (entry->size == 4)
		*(uint32_t *)member = (uint32_t)(v & entry->bits);
	else if (cpu->msr & MSR_PR && entry->problem_bits)
		insert(member, v, entry->problem_bits);
	else
		*(uint64_t *)member = v & entry->bits;
	if (entry->monitor)
		pmu_written(cpu);
	return 0;
}
