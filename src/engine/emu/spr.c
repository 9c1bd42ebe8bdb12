/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Special purpose registers as mfspr and mtspr access them. Power ISA 3.0B, Book III section 4.4.4.
 * Performance monitor registers keep what is written and count nothing.
 */
#include "engine/emu/private.h"

#define U_R 1 /* readable with MSR[PR]=1 */
#define U_W 2
#define P_R 4
#define P_W 8
#define U   (U_R | U_W | P_R | P_W)
#define P   (P_R | P_W)
#define UR  (U_R | P_R)

struct spr_entry {
	uint16_t number;
	uint8_t access;
	uint8_t size; /* bytes of the member that holds it */
	uint16_t offset;
	uint64_t bits; /* implemented bits; the others read as zero */
};

#define SPR_OF(number, access, member, bits)                                                     \
	{                                                                                        \
		number, access, sizeof(((struct cpu *)0)->member), offsetof(struct cpu, member), \
			bits                                                                     \
	}
#define SPR(number, access, member)	 SPR_OF(number, access, member, ~0ull)
#define SPR32(number, access, member)	 SPR_OF(number, access, member, 0xffffffff)
/* An instruction address: bits 62:63 are reserved. */
#define SPR_INSN(number, access, member) SPR_OF(number, access, member, ~3ull)
#define SPR_DSCR(number, access)	 SPR_OF(number, access, dscr, 0x1ffffff)

/* Plain storage. The switches below handle the others. */
static const struct spr_entry table[] = {
	SPR_DSCR(3, U),
	SPR(8, U, lr),
	SPR(9, U, ctr),
	SPR_DSCR(17, P),
	SPR32(18, P, dsisr),
	SPR(19, P, dar),
	SPR(26, P, srr0),
	SPR(27, P, srr1),
	SPR_INSN(28, P, cfar),
	SPR(144, P, tidr),
	SPR(153, P, fscr),
	SPR(157, P, uamor),
	SPR32(159, P, pspb),
	SPR32(256, U, vrsave),
	SPR(259, UR, sprg[3]),
	SPR(272, P, sprg[0]),
	SPR(273, P, sprg[1]),
	SPR(274, P, sprg[2]),
	SPR(275, P, sprg[3]),
	SPR_INSN(804, U, ebbhr),
	SPR_INSN(805, U, ebbrr),
	SPR(806, U, bescr),
	SPR(815, U, tar),
	SPR(823, P, psscr),
	SPR(896, U, ppr),
	/* performance monitor: privileged numbers, then those readable in problem state */
	SPR(784, P, sier),
	SPR(785, P, mmcr[2]),
	SPR(786, P, mmcra),
	SPR32(787, P, pmc[0]),
	SPR32(788, P, pmc[1]),
	SPR32(789, P, pmc[2]),
	SPR32(790, P, pmc[3]),
	SPR32(791, P, pmc[4]),
	SPR32(792, P, pmc[5]),
	SPR(795, P, mmcr[0]),
	SPR(796, P, siar),
	SPR(797, P, sdar),
	SPR(798, P, mmcr[1]),
	SPR(768, UR, sier),
	SPR(769, UR | P_W, mmcr[2]),
	SPR(770, UR | P_W, mmcra),
	SPR32(771, UR | P_W, pmc[0]),
	SPR32(772, UR | P_W, pmc[1]),
	SPR32(773, UR | P_W, pmc[2]),
	SPR32(774, UR | P_W, pmc[3]),
	SPR32(775, UR | P_W, pmc[4]),
	SPR32(776, UR | P_W, pmc[5]),
	SPR(779, UR | P_W, mmcr[0]),
	SPR(780, UR, siar),
	SPR(781, UR, sdar),
	SPR(782, UR, mmcr[1]),
};

static const struct spr_entry *look_up(unsigned number)
{
	for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].number == number)
			return &table[i];
	return NULL;
}

static uint64_t *member64(struct cpu *cpu, const struct spr_entry *entry)
{
	return (uint64_t *)((char *)cpu + entry->offset);
}

int cpu_need_facility(struct cpu *cpu, unsigned bit)
{
	if (!(cpu->msr & MSR_PR) || cpu->fscr >> bit & 1)
		return 0;
	cpu->fscr = (cpu->fscr & ~(255ull << 56)) | (uint64_t)bit << 56;
	return cpu_raise(cpu, VECTOR_FACILITY_UNAVAILABLE, 0);
}

static int facility_of(struct cpu *cpu, unsigned spr)
{
	switch (spr) {
	case 3:
		return cpu_need_facility(cpu, FSCR_DSCR);
	case 800 ... 806:
		return cpu_need_facility(cpu, FSCR_EBB);
	case 815:
		return cpu_need_facility(cpu, FSCR_TAR);
	default:
		return 0;
	}
}

/*
 * An SPR number that does not exist. Bit 0x10 marks privileged numbers. Privileged software gets a
 * no-operation, except for the few numbers that the ISA singles out.
 */
static int absent(struct cpu *cpu, unsigned spr)
{
	if (cpu->msr & MSR_PR)
		return cpu_raise(cpu, VECTOR_PROGRAM, spr & 0x10 ? SRR1_PRIVILEGED : SRR1_ILLEGAL);
	if (spr == 0 || spr == 4 || spr == 5 || spr == 6)
		return cpu_illegal(cpu);
	return 0;
}

static int privileged(struct cpu *cpu)
{
	return cpu_raise(cpu, VECTOR_PROGRAM, SRR1_PRIVILEGED);
}

static uint32_t decrementer(const struct cpu *cpu, unsigned index)
{
	return (uint32_t)(cpu->dec_expiry - cpu_timebase(cpu, index) - 1);
}

int spr_read(struct cpu *cpu, unsigned spr, unsigned index, uint64_t *v)
{
	bool user = cpu->msr & MSR_PR;
	const struct spr_entry *entry;

	if (user && spr & 0x10 && spr != 0)
		return privileged(cpu);
	switch (spr) {
	case 1:
		*v = cpu_get_xer(cpu);
		return 0;
	case 268:
		*v = cpu_timebase(cpu, index);
		return 0;
	case 269:
		*v = cpu_timebase(cpu, index) >> 32;
		return 0;
	case 22: /* 32 bits, sign-extended like the low part of a large decrementer */
		*v = (uint64_t)(int32_t)decrementer(cpu, index);
		return 0;
	case 13:
	case 29:
		*v = cpu->amr;
		return 0;
	case 61:
		*v = cpu->iamr;
		return 0;
	case 48:
		*v = cpu->pidr;
		return 0;
	case 136:
		*v = cpu->ctrl & 1 ? 0x8001 : 0; /* single-threaded: TS follows RUN */
		return 0;
	case 287:
		*v = POWER9_PVR;
		return 0;
	case 800 ... 803: /* BESCR, which BESCRS and the like set and reset parts of */
		if (facility_of(cpu, spr))
			return EXCEPTION;
		*v = spr & 1 ? cpu->bescr >> 32 : cpu->bescr;
		return 0;
	case 898:
		*v = cpu->ppr >> 32;
		return 0;
	case 1023:
		*v = cpu->index;
		return 0;
	case 446: /* TIR: one thread per core */
		*v = 0;
		return 0;
	}
	entry = look_up(spr);
	if (!entry) {
		/* Privileged read of a missing SPR: POWER9 keeps the target, QEMU gives 0 */
		*v = 0;
		return absent(cpu, spr);
	}
	if (!(entry->access & (user ? U_R : P_R)))
		return absent(cpu, spr);
	if (facility_of(cpu, spr))
		return EXCEPTION;
	*v = entry->size == 4 ? *(uint32_t *)((char *)cpu + entry->offset) : *member64(cpu, entry);
	return 0;
}

int spr_write(struct cpu *cpu, unsigned spr, unsigned index, uint64_t v)
{
	bool user = cpu->msr & MSR_PR;
	const struct spr_entry *entry;

	if (user && spr & 0x10)
		return privileged(cpu);
	switch (spr) {
	case 1:
		cpu_set_xer(cpu, v);
		return 0;
	case 22:
		cpu->dec_expiry = cpu_timebase(cpu, index) + (uint64_t)(int64_t)(int32_t)v + 1;
		cpu_leave(cpu); /* the run loop's limit comes from the old decrementer */
		return 0;
	case 13:
		if (user)
			v = (cpu->amr & ~cpu->uamor) | (v & cpu->uamor);
		/* fall through */
	case 29:
		if (v != cpu->amr) {
			cpu->amr = v;
			mmu_amr_changed(cpu);
		}
		return 0;
	case 61:
		cpu->iamr = v;
		mmu_pid_changed(cpu);
		return 0;
	case 48:
		if ((uint32_t)v != (uint32_t)cpu->pidr) {
			cpu->pidr = (uint32_t)v;
			mmu_pid_changed(cpu);
		}
		return 0;
	case 152:
		cpu->ctrl = v;
		return 0;
	case 800: /* BESCRS, BESCRSU, BESCRR, BESCRRU: set and reset parts of BESCR */
	case 801:
	case 802:
	case 803:
		if (facility_of(cpu, spr))
			return EXCEPTION;
		v = spr & 1 ? v << 32 : v;
		cpu->bescr = spr < 802 ? cpu->bescr | v : cpu->bescr & ~v;
		return 0;
	case 898:
		cpu->ppr = (cpu->ppr & 0xffffffff) | v << 32;
		return 0;
	}
	entry = look_up(spr);
	if (!entry)
		return absent(cpu, spr);
	if (!(entry->access & (user ? U_W : P_W)))
		return absent(cpu, spr);
	if (facility_of(cpu, spr))
		return EXCEPTION;
	v &= entry->bits;
	if (entry->size == 4)
		*(uint32_t *)((char *)cpu + entry->offset) = (uint32_t)v;
	else
		*member64(cpu, entry) = v;
	return 0;
}
