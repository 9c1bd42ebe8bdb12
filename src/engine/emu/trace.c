/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a trace interrupt reports about the traced instruction: its address, the address of its
 * storage operand, and whether it was a load or a store. Power ISA 3.0B, Book III section 6.5.15.
 */
#include <string.h>

#include "engine/emu/debug_registers.h"
#include "engine/emu/decode/decode.h"
#include "engine/emu/insn/prefixed.h"
#include "engine/emu/private.h"
#include "engine/emu/trace.h"

#define EXTENDED(insn) ((insn) >> 1 & 1023)

enum form {
	FORM_NONE,
	FORM_D,
	FORM_DS,
	FORM_DQ,
	FORM_X,
	FORM_RA
};

static bool one_of(const char *name, const char *const *names)
{
	while (*names && strcmp(*names, name))
		names++;
	return *names;
}

/* How the instruction forms its effective address. */
static enum form form_of(uint32_t insn, const char *name)
{
	static const char *const ra_only[] = { "lswi", "stswi", "lxvl",	 "lxvll", "stxvl", "stxvll",
					       "lwat", "ldat",	"stwat", "stdat", NULL };

	switch (insn >> 26) {
	case 31:
		return one_of(name, ra_only) ? FORM_RA : FORM_X;
	case 32 ... 55:
		return FORM_D;
	case 56:
		return FORM_DQ;
	case 61: /* lxv and stxv, stxsd and the like */
		return (insn & 3) == 1 ? FORM_DQ : FORM_DS;
	case 57:
	case 58:
	case 62:
		return FORM_DS;
	default:
		return FORM_NONE;
	}
}

/* SRR1 bit for the instruction's storage access, by its name. 0: none. */
static uint64_t access_of(const char *name)
{
	/* Cache management counts as a load, unless it changes storage. */
	static const char *const loads[] = {
		"dcbst", "dcbf", "dcbt", "dcbtst", "icbi", "icbt", NULL
	};
	static const char *const no_access[] = { "lvsl", "lvsr", NULL };

	if (!strcmp(name, "dcbz") || !strncmp(name, "st", 2))
		return SRR1_TRACE_STORE;
	if (one_of(name, loads) || (name[0] == 'l' && !one_of(name, no_access)))
		return SRR1_TRACE_LOAD;
	return 0;
}

static int64_t displacement_of(uint32_t insn, enum form form)
{
	switch (form) {
	case FORM_D:
		return F_SI(insn);
	case FORM_DS:
		return F_SI(insn & ~3u);
	case FORM_DQ:
		return F_SI(insn & ~15u);
	default:
		return 0;
	}
}

/* b, bc; bclr, bcctr, bctar */
static bool is_branch(uint32_t insn)
{
	unsigned primary = insn >> 26, extended = EXTENDED(insn);

	return primary == 18 || primary == 16 ||
	       (primary == 19 && (extended == 16 || extended == 528 || extended == 560));
}

/* rfid, rfscv, hrfid are not traced; the instruction they return to is. */
static bool is_return(uint32_t insn)
{
	unsigned extended = EXTENDED(insn);

	return insn >> 26 == 19 && (extended == 18 || extended == 82 || extended == 274);
}

static void begin_prefixed(const struct cpu *cpu, uint32_t prefix, uint32_t suffix, bool by_ciabr,
			   struct traced *traced)
{
	const char *name = prefixed_name(prefix, suffix);
	const uint64_t access = name ? access_of(name + 1) : 0, si = PREFIX_SI(prefix, suffix);

	traced->wanted = by_ciabr || cpu->msr & MSR_SE;
	traced->siar = cpu->nip;
	traced->accesses = access;
	traced->srr1 = SRR1_TRACE | SRR1_PREFIXED | access | (by_ciabr ? SRR1_TRACE_CIABR : 0);
	traced->sdar = PREFIX_R(prefix) ? effective_address(cpu, cpu->nip + si) :
					  displaced_ea(cpu, suffix, si);
}

void trace_begin(const struct cpu *cpu, const uint8_t *code, struct traced *traced)
{
	const uint32_t insn = decode_word(code, cpu->mode);
	const char *name = insn_name(insn);
	enum form form = name ? form_of(insn, name) : FORM_NONE;
	uint64_t access = form != FORM_NONE ? access_of(name) : 0;
	const bool by_ciabr = debug_breaks_here(cpu);

	if (prefix_has_suffix(insn, cpu->engine->model->isa, cpu->nip)) {
		begin_prefixed(cpu, insn, decode_word(code + 4, cpu->mode), by_ciabr, traced);
		return;
	}
	traced->wanted = !is_return(insn) &&
			 (by_ciabr || cpu->msr & MSR_SE || (cpu->msr & MSR_BE && is_branch(insn)));
	traced->siar = cpu->nip;
	traced->accesses = access;
	traced->srr1 = SRR1_TRACE | access | (by_ciabr ? SRR1_TRACE_CIABR : 0);
	traced->sdar = form == FORM_X ? indexed_ea(cpu, insn) :
					displaced_ea(cpu, insn, displacement_of(insn, form));
}
