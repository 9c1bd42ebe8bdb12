/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by the vector semantics (vmx*.c, vsx_move.c): operands, CR field 6, saturation. */
#ifndef FWNMI_ENGINE_EMU_INSN_VECTOR_OPERANDS_H
#define FWNMI_ENGINE_EMU_INSN_VECTOR_OPERANDS_H

#include "engine/emu/insn/insn.h"

/* VR* are vector registers, X* vector-scalar registers, each by its instruction field. */
#define VRT(cpu, insn) ((cpu)->vsr[32 + F_RT(insn)])
#define VRA(cpu, insn) ((cpu)->vsr[32 + F_RA(insn)])
#define VRB(cpu, insn) ((cpu)->vsr[32 + F_RB(insn)])
#define VRC(cpu, insn) ((cpu)->vsr[32 + F_RC(insn)])
#define XT(cpu, insn)  ((cpu)->vsr[F_XT(insn)])
#define XA(cpu, insn)  ((cpu)->vsr[F_XA(insn)])
#define XB(cpu, insn)  ((cpu)->vsr[F_XB(insn)])
#define XC(cpu, insn)  ((cpu)->vsr[F_XC(insn)])

/* UIM and SIM of VX-form instructions: the VRA field. */
#define F_UIM(insn) F_RA(insn)
#define F_SIM(insn) ((int)(F_RA(insn) ^ 16) - 16)

#define VSCR_NJ	 0x10000u
#define VSCR_SAT 1u

/* CR6 of a compare's record form, from its mask of all ones and zeros. */
static inline void set_cr6_all_none(struct cpu *cpu, const union vsr *mask)
{
	cpu->cr[6] = (uint8_t)((mask->q == ~(u128)0 ? CR_LT : 0) | (mask->q == 0 ? CR_EQ : 0));
}

/*
 * The upper 32 of the 64 registers belong to the vector facility. Check the facility that an access
 * needs.
 */
static inline int need_vsx_or_vec(struct cpu *cpu, unsigned x)
{
	return x < 32 ? need_vsx(cpu) : need_vec(cpu);
}

static inline union vsr vsr_of_doublewords(uint64_t d0, uint64_t d1)
{
	union vsr v;

	VSR_D(v, 0) = d0;
	VSR_D(v, 1) = d1;
	return v;
}

/* Load and store the pair of registers that begins with TX || Tp || 0. In power10.c. */
int vsx_load_pair(struct cpu *cpu, uint32_t insn, uint64_t ea);
int vsx_store_pair(struct cpu *cpu, uint32_t insn, uint64_t ea);

#endif
