/* SPDX-License-Identifier: BSD-2-Clause */
/* Declares the semantics of prefixed instructions, from their table. */
#ifndef FWNMI_ENGINE_EMU_INSN_PREFIXED_H
#define FWNMI_ENGINE_EMU_INSN_PREFIXED_H

#include "engine/emu/cpu.h"

#define P_INSN(name, form, value, mask, gen)
#define P_ACCESS(name, form, value, mask, facility, sem) sem_fn sem;
#define P_CALL(name, form, value, mask, facility, sem)	 sem_fn sem;
#include "engine/emu/insn/prefixed.def"
#undef P_INSN
#undef P_ACCESS
#undef P_CALL

/* Parts of instructions that decode.c translates. The second finds its address in scratch[1]. */
sem_fn sem_need_prefix, sem_prefix_alignment;

/* A word that begins an instruction of two words, from this version of the ISA on. */
#define PREFIX_ISA	       310
#define IS_PREFIX(word)	       ((word) >> 26 == 1)
/* Such an instruction must not cross a boundary of so many bytes. */
#define PREFIX_BOUNDARY	       64
#define PREFIX_CROSSES(offset) ((offset) % PREFIX_BOUNDARY == PREFIX_BOUNDARY - 4)
/* Forms of the prefix: value and mask. */
#define PREFIX_8LS	       0x04000000, 0xff800000
#define PREFIX_MLS	       0x06000000, 0xff800000
#define PREFIX_8RR	       0x05000000, 0xfff00000
#define PREFIX_MRR	       0x07000000, 0xfff3ffff
#define PREFIX_MMIRR	       0x07900000, 0xfff00000
/* The R bit, which only 8LS and MLS have: the address is relative to the instruction's. */
#define PREFIX_R(prefix)       ((prefix) >> 20 & ~(prefix) >> 24 & 1)
#define PREFIX_SI(prefix, suffix) \
	((int64_t)((uint64_t)(prefix) << 46 | (uint64_t)((suffix)&0xffff) << 30) >> 30)

/* Does this word at address @at, on a processor of this version, belong together with the next? */
static inline bool prefix_has_suffix(uint32_t word, unsigned isa, uint64_t at)
{
	return IS_PREFIX(word) && isa >= PREFIX_ISA && !PREFIX_CROSSES(at);
}

#endif
