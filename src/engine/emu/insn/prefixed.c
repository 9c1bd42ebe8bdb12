/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prefixed instructions that decode.c does not crack. Power ISA 3.1, Book I sections 1.6.3, 3.3,
 * 4.6 and 7.6. A semantics function gets the suffix; scratch[1] has the effective address of a
 * storage access, or else the prefix.
 */
#include "engine/emu/fp/fpu.h"
#include "engine/emu/insn/fpr.h"
#include "engine/emu/insn/prefixed.h"
#include "engine/emu/insn/vector_operands.h"
#include "engine/emu/private.h"

#define EA     (cpu->scratch[1])
#define PREFIX ((uint32_t)cpu->scratch[1])

/* PCR and FSCR: problem state may have no prefixed instructions, whatever their suffix. */
SEM(need_prefix)
{
	(void)insn;
	return cpu_need_facility(cpu, FSCR_PREFIX);
}

/* Book III 7.5.8. The address is the instruction's. */
SEM(prefix_alignment)
{
	(void)insn;
	cpu_raise(cpu, VECTOR_ALIGNMENT, SRR1_PREFIXED | SRR1_BOUNDARY);
	cpu->exception_flags = EXCEPTION_DAR | EXCEPTION_DSISR;
	cpu->exception_dar = EA;
	cpu->exception_dsisr = 0;
	return EXCEPTION;
}

/* ---- storage ---- */

/* Unlike those of lq, the registers are in the order of storage in either byte order. */
SEM(plq)
{
	const unsigned t = F_RT(insn);
	uint64_t first, second;

	if (t == F_RA(insn))
		return cpu_illegal(cpu);
	if (!cpu_load64(cpu, EA, &first) ||
	    !cpu_load64(cpu, effective_address(cpu, EA + 8), &second))
		return EXCEPTION;
	cpu->gpr[t] = first;
	cpu->gpr[t + 1] = second;
	return 0;
}

SEM(pstq)
{
	const unsigned s = F_RT(insn);
	const bool little = cpu->msr & MSR_LE;
	const u128 v = (u128)cpu->gpr[little ? s + 1 : s] << 64 | cpu->gpr[little ? s : s + 1];

	return cpu_store128(cpu, EA, v) ? 0 : EXCEPTION;
}

#define LOAD(name, bits, set)                     \
	SEM(name)                                 \
	{                                         \
		uint64_t v;                       \
                                                  \
		if (!cpu_load##bits(cpu, EA, &v)) \
			return EXCEPTION;         \
		set;                              \
		return 0;                         \
	}
#define STORE(name, bits, value)                                        \
	SEM(name)                                                       \
	{                                                               \
		return cpu_store##bits(cpu, EA, value) ? 0 : EXCEPTION; \
	}

LOAD(plfs, 32, set_fpr(cpu, F_RT(insn), fp_single_to_double((uint32_t)v)))
LOAD(plfd, 64, set_fpr(cpu, F_RT(insn), v))
STORE(pstfs, 32, fp_double_to_single(fpr(cpu, F_RT(insn))))
STORE(pstfd, 64, fpr(cpu, F_RT(insn)))
LOAD(plxsd, 64, VRT(cpu, insn) = vsr_of_doublewords(v, 0))
LOAD(plxssp, 32, VRT(cpu, insn) = vsr_of_doublewords(fp_single_to_double((uint32_t)v), 0))
STORE(pstxsd, 64, VSR_D(VRT(cpu, insn), 0))
STORE(pstxssp, 32, fp_double_to_single(VSR_D(VRT(cpu, insn), 0)))

/* TX is bit 5 of the suffix. */
#define XT_8LS(insn) (F_RT(insn) | ((insn) >> 26 & 1) << 5)

SEM(plxv)
{
	const unsigned t = XT_8LS(insn);

	if (need_vsx_or_vec(cpu, t))
		return EXCEPTION;
	return cpu_load128(cpu, EA, &cpu->vsr[t].q) ? 0 : EXCEPTION;
}

SEM(pstxv)
{
	const unsigned s = XT_8LS(insn);

	if (need_vsx_or_vec(cpu, s))
		return EXCEPTION;
	return cpu_store128(cpu, EA, cpu->vsr[s].q) ? 0 : EXCEPTION;
}

SEM(plxvp)
{
	return vsx_load_pair(cpu, insn, EA);
}

SEM(pstxvp)
{
	return vsx_store_pair(cpu, insn, EA);
}

/* ---- vectors ---- */

/* 8RR:D: TX is bit 15. */
#define XT_8RR(cpu, insn) ((cpu)->vsr[F_RT(insn) | ((insn) >> 16 & 1) << 5])
#define IMM32		  (PREFIX << 16 | (insn & 0xffff))

static uint64_t both_words(uint32_t v)
{
	return (uint64_t)v << 32 | v;
}

SEM(xxspltiw)
{
	const uint64_t v = both_words(IMM32);

	XT_8RR(cpu, insn) = vsr_of_doublewords(v, v);
	return 0;
}

SEM(xxspltidp)
{
	const uint64_t v = fp_single_to_double(IMM32);

	XT_8RR(cpu, insn) = vsr_of_doublewords(v, v);
	return 0;
}

SEM(xxsplti32dx)
{
	const unsigned word = insn >> 17 & 1;

	VSR_W(XT_8RR(cpu, insn), word) = IMM32;
	VSR_W(XT_8RR(cpu, insn), 2 + word) = IMM32;
	return 0;
}

/* Elements of B where those of C are negative, else of A. */
#define BLEND(name, count, member)                                                                \
	SEM(name)                                                                                 \
	{                                                                                         \
		const union vsr a = XA(cpu, insn), b = XB(cpu, insn), c = XC(cpu, insn);          \
                                                                                                  \
		for (unsigned i = 0; i < (count); i++)                                            \
			XT(cpu, insn).member[i] = c.s##member[i] < 0 ? b.member[i] : a.member[i]; \
		return 0;                                                                         \
	}
BLEND(xxblendvb, 16, b)
BLEND(xxblendvh, 8, h)
BLEND(xxblendvw, 4, w)
BLEND(xxblendvd, 2, d)

/* Bytes of A || B, where the left three bits of C's are UIM, else zeros. */
SEM(xxpermx)
{
	const union vsr a = XA(cpu, insn), b = XB(cpu, insn), c = XC(cpu, insn);
	const unsigned section = PREFIX & 7;
	union vsr t;

	for (unsigned i = 0; i < 16; i++) {
		const unsigned index = VSR_B(c, i), at = index & 15;
		const uint8_t byte = index & 16 ? VSR_B(b, at) : VSR_B(a, at);

		VSR_B(t, i) = index >> 5 == section ? byte : 0;
	}
	XT(cpu, insn) = t;
	return 0;
}

/* Each bit is that of the table IMM for the bits of A, B and C. */
SEM(xxeval)
{
	const u128 a = XA(cpu, insn).q, b = XB(cpu, insn).q, c = XC(cpu, insn).q;
	u128 t = 0;

	for (unsigned i = 0; i < 8; i++)
		if (PREFIX & 0x80 >> i)
			t |= (i & 4 ? a : ~a) & (i & 2 ? b : ~b) & (i & 1 ? c : ~c);
	XT(cpu, insn).q = t;
	return 0;
}
