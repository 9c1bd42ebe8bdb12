/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The classic floating-point instructions on FPRs (doubleword 0 of VSRs 0 to 31): loads, stores,
 * moves, arithmetic, conversions, FPSCR. The arithmetic itself is in fp/, VSX in vsx_fp.c. Power
 * ISA 3.0B, book I, chapter 4. Writing an FPR clears doubleword 1 of its VSR. The ISA leaves it
 * undefined; processors clear it.
 */
#include "engine/emu/insn/fpr.h"

/* ---- loads and stores ---- */

typedef bool load_fn(struct cpu *cpu, uint64_t ea, uint64_t *v);
typedef bool store_fn(struct cpu *cpu, uint64_t ea, uint64_t v);

static bool load_single(struct cpu *cpu, uint64_t ea, uint64_t *v)
{
	if (!cpu_load32(cpu, ea, v))
		return false;
	*v = fp_single_to_double((uint32_t)*v);
	return true;
}

static bool load_signed_word(struct cpu *cpu, uint64_t ea, uint64_t *v)
{
	if (!cpu_load32(cpu, ea, v))
		return false;
	*v = (uint64_t)(int64_t)(int32_t)*v;
	return true;
}

static bool store_single(struct cpu *cpu, uint64_t ea, uint64_t v)
{
	return cpu_store32(cpu, ea, fp_double_to_single(v));
}

static int load(struct cpu *cpu, uint32_t insn, uint64_t ea, load_fn *fn)
{
	uint64_t v;

	if (!fn(cpu, ea, &v))
		return EXCEPTION;
	set_fpr(cpu, F_RT(insn), v);
	return 0;
}

static int store(struct cpu *cpu, uint32_t insn, uint64_t ea, store_fn *fn)
{
	return fn(cpu, ea, fpr(cpu, F_RT(insn))) ? 0 : EXCEPTION;
}

/* RA gets all 64 bits of the address of an access without exception, even in 32-bit mode. */
static int update(struct cpu *cpu, uint32_t insn, uint64_t ea, int outcome)
{
	if (!outcome)
		cpu->gpr[F_RA(insn)] = ea;
	return outcome;
}

#define MEMORY(name, kind, fn)                                                   \
	SEM(name)                                                                \
	{                                                                        \
		return kind(cpu, insn, displaced_ea(cpu, insn, F_SI(insn)), fn); \
	}                                                                        \
	MEMORY_UPDATE(name##u, kind, fn, (uint64_t)F_SI(insn))                   \
	MEMORY_UPDATE(name##ux, kind, fn, cpu->gpr[F_RB(insn)])                  \
	MEMORY_X(name##x, kind, fn)
#define MEMORY_UPDATE(name, kind, fn, offset)                          \
	SEM(name)                                                      \
	{                                                              \
		const uint64_t ea = cpu->gpr[F_RA(insn)] + (offset);   \
                                                                       \
		if (!F_RA(insn))                                       \
			return cpu_illegal(cpu);                       \
		return update(cpu, insn, ea, kind(cpu, insn, ea, fn)); \
	}
#define MEMORY_X(name, kind, fn)                                   \
	SEM(name)                                                  \
	{                                                          \
		return kind(cpu, insn, indexed_ea(cpu, insn), fn); \
	}

MEMORY(lfs, load, load_single)
MEMORY(lfd, load, cpu_load64)
MEMORY(stfs, store, store_single)
MEMORY(stfd, store, cpu_store64)
MEMORY_X(lfiwax, load, load_signed_word)
MEMORY_X(lfiwzx, load, cpu_load32)
MEMORY_X(stfiwx, store, cpu_store32)

/*
 * The even register is the doubleword at the lower address, or at the higher in little-endian mode.
 */
static int load_pair(struct cpu *cpu, uint32_t insn, uint64_t ea)
{
	unsigned t = F_RT(insn) & ~1u, little = !!(cpu->msr & MSR_LE);
	uint64_t first, second;

	if (!cpu_load64(cpu, ea, &first) || !cpu_load64(cpu, ea + 8, &second))
		return EXCEPTION;
	set_fpr(cpu, t | little, first);
	set_fpr(cpu, t | !little, second);
	return 0;
}

static int store_pair(struct cpu *cpu, uint32_t insn, uint64_t ea)
{
	unsigned t = F_RT(insn) & ~1u, little = !!(cpu->msr & MSR_LE);

	if (!cpu_store64(cpu, ea, fpr(cpu, t | little)) ||
	    !cpu_store64(cpu, ea + 8, fpr(cpu, t | !little)))
		return EXCEPTION;
	return 0;
}

SEM(lfdp)
{
	return load_pair(cpu, insn, displaced_ea(cpu, insn, F_SI(insn & ~3u)));
}

SEM(lfdpx)
{
	return load_pair(cpu, insn, indexed_ea(cpu, insn));
}

SEM(stfdp)
{
	return store_pair(cpu, insn, displaced_ea(cpu, insn, F_SI(insn & ~3u)));
}

SEM(stfdpx)
{
	return store_pair(cpu, insn, indexed_ea(cpu, insn));
}

/* ---- moves ---- */

#define SIGN (1ull << 63)

#define MOVE(name, value)                                                    \
	SEM(name)                                                            \
	{                                                                    \
		uint64_t a = fpr(cpu, F_RA(insn)), b = fpr(cpu, F_RB(insn)); \
                                                                             \
		(void)a;                                                     \
		set_fpr(cpu, F_RT(insn), value);                             \
		return record(cpu, insn, 0);                                 \
	}

MOVE(fmr, b)
MOVE(fneg, b ^ SIGN)
MOVE(fabs, b & ~SIGN)
MOVE(fnabs, b | SIGN)
MOVE(fcpsgn, (a & SIGN) | (b & ~SIGN))

/* These two have no record form. */
SEM(fmrgew)
{
	set_fpr(cpu, F_RT(insn), (fpr(cpu, F_RA(insn)) >> 32 << 32) | fpr(cpu, F_RB(insn)) >> 32);
	return 0;
}

SEM(fmrgow)
{
	set_fpr(cpu, F_RT(insn), fpr(cpu, F_RA(insn)) << 32 | (uint32_t)fpr(cpu, F_RB(insn)));
	return 0;
}

SEM(fsel)
{
	struct fp a = fp_unpack64(fpr(cpu, F_RA(insn)));
	bool not_below_zero = !fp_is_nan(&a) && (!a.sign || a.class == CLASS_ZERO);

	set_fpr(cpu, F_RT(insn), fpr(cpu, not_below_zero ? F_RC(insn) : F_RB(insn)));
	return record(cpu, insn, 0);
}

/* ---- arithmetic ---- */

#define BINARY(name, op, second)                                                               \
	SEM(name)                                                                              \
	{                                                                                      \
		return record(cpu, insn,                                                       \
			      fpu_scalar_binary(cpu, F_RT(insn), F_RA(insn), second(insn), op, \
						&fp_double));                                  \
	}                                                                                      \
	SEM(name##s)                                                                           \
	{                                                                                      \
		return record(cpu, insn,                                                       \
			      fpu_scalar_binary(cpu, F_RT(insn), F_RA(insn), second(insn), op, \
						&fp_single));                                  \
	}

BINARY(fadd, fp_add, F_RB)
BINARY(fsub, fp_sub, F_RB)
BINARY(fmul, fp_mul, F_RC)
BINARY(fdiv, fp_div, F_RB)

#define FMA(name, flags)                                                                          \
	SEM(name)                                                                                 \
	{                                                                                         \
		return record(cpu, insn,                                                          \
			      fpu_scalar_fma(cpu, F_RT(insn), F_RA(insn), F_RC(insn), F_RB(insn), \
					     flags, &fp_double));                                 \
	}                                                                                         \
	SEM(name##s)                                                                              \
	{                                                                                         \
		return record(cpu, insn,                                                          \
			      fpu_scalar_fma(cpu, F_RT(insn), F_RA(insn), F_RC(insn), F_RB(insn), \
					     flags, &fp_single));                                 \
	}

FMA(fmadd, 0)
FMA(fmsub, FMA_SUBTRACT)
FMA(fnmadd, FMA_NEGATE)
FMA(fnmsub, FMA_SUBTRACT | FMA_NEGATE)

#define CALL2(name, call, ...)                                                            \
	SEM(name)                                                                         \
	{                                                                                 \
		return record(cpu, insn, call(cpu, F_RT(insn), F_RB(insn), __VA_ARGS__)); \
	}
#define CURRENT ((enum fp_rounding)(cpu->fpscr & FPSCR_RN))

CALL2(fsqrt, fpu_scalar_unary, fp_sqrt, &fp_double)
CALL2(fsqrts, fpu_scalar_unary, fp_sqrt, &fp_single)
CALL2(frsp, fpu_scalar_unary, fp_quiet, &fp_single)
CALL2(fre, fpu_scalar_reciprocal, &fp_double)
CALL2(fres, fpu_scalar_reciprocal, &fp_single)
CALL2(frsqrte, fpu_scalar_reciprocal_sqrt, &fp_double)
CALL2(frsqrtes, fpu_scalar_reciprocal_sqrt, &fp_single)
CALL2(frin, fpu_scalar_integral, FP_NEAREST_AWAY, false)
CALL2(friz, fpu_scalar_integral, FP_TO_ZERO, false)
CALL2(frip, fpu_scalar_integral, FP_UP, false)
CALL2(frim, fpu_scalar_integral, FP_DOWN, false)
CALL2(fctid, fpu_scalar_to_integer, CURRENT, 64, true)
CALL2(fctidz, fpu_scalar_to_integer, FP_TO_ZERO, 64, true)
CALL2(fctidu, fpu_scalar_to_integer, CURRENT, 64, false)
CALL2(fctiduz, fpu_scalar_to_integer, FP_TO_ZERO, 64, false)
CALL2(fctiw, fpu_scalar_to_integer, CURRENT, 32, true)
CALL2(fctiwz, fpu_scalar_to_integer, FP_TO_ZERO, 32, true)
CALL2(fctiwu, fpu_scalar_to_integer, CURRENT, 32, false)
CALL2(fctiwuz, fpu_scalar_to_integer, FP_TO_ZERO, 32, false)
CALL2(fcfid, fpu_scalar_from_integer, true, &fp_double)
CALL2(fcfidu, fpu_scalar_from_integer, false, &fp_double)
CALL2(fcfids, fpu_scalar_from_integer, true, &fp_single)
CALL2(fcfidus, fpu_scalar_from_integer, false, &fp_single)

/* ---- comparison ---- */

#define F_BFA(insn) FIELD(insn, 11, 13)

SEM(fcmpu)
{
	return fpu_scalar_compare(cpu, F_BF(insn), F_RA(insn), F_RB(insn), false);
}

SEM(fcmpo)
{
	return fpu_scalar_compare(cpu, F_BF(insn), F_RA(insn), F_RB(insn), true);
}

SEM(ftdiv)
{
	unsigned r = fp_test_divide(fpr(cpu, F_RA(insn)), fpr(cpu, F_RB(insn)), &fp_double);

	cpu->cr[F_BF(insn)] = (uint8_t)(CR_LT | r);
	return 0;
}

SEM(ftsqrt)
{
	unsigned r = fp_test_sqrt(fpr(cpu, F_RB(insn)), &fp_double);

	cpu->cr[F_BF(insn)] = (uint8_t)(CR_LT | r);
	return 0;
}

/* ---- FPSCR ---- */

/*
 * End an instruction that wrote the FPSCR. The program interrupt depends on the new FPSCR, not on
 * the exceptions that the instruction caused.
 */
static int fpscr_written(struct cpu *cpu, uint32_t insn)
{
	return record(cpu, insn, fpscr_trap(cpu, cpu->fpscr & FPSCR_EXCEPTIONS));
}

#define FPSCR_CONTROL (FPSCR_DRN | FPSCR_ENABLES | FPSCR_NI | FPSCR_RN)

SEM(mffs)
{
	set_fpr(cpu, F_RT(insn), cpu->fpscr);
	return record(cpu, insn, 0);
}

SEM(mffsce)
{
	set_fpr(cpu, F_RT(insn), cpu->fpscr);
	fpscr_write(cpu, 0, FPSCR_ENABLES);
	return 0;
}

SEM(mffsl)
{
	set_fpr(cpu, F_RT(insn), cpu->fpscr & (FPSCR_CONTROL | FPSCR_FR | FPSCR_FI | FPSCR_FPRF));
	return 0;
}

static int swap_control(struct cpu *cpu, uint32_t insn, uint64_t value, uint64_t mask)
{
	set_fpr(cpu, F_RT(insn), cpu->fpscr & FPSCR_CONTROL);
	fpscr_write(cpu, value, mask);
	return 0;
}

SEM(mffscrn)
{
	return swap_control(cpu, insn, fpr(cpu, F_RB(insn)), FPSCR_RN);
}

SEM(mffscrni)
{
	return swap_control(cpu, insn, FIELD(insn, 19, 20), FPSCR_RN);
}

SEM(mffscdrn)
{
	return swap_control(cpu, insn, fpr(cpu, F_RB(insn)), FPSCR_DRN);
}

SEM(mffscdrni)
{
	return swap_control(cpu, insn, (uint64_t)FIELD(insn, 18, 20) << 32, FPSCR_DRN);
}

SEM(mtfsf)
{
	unsigned fields = FIELD(insn, 7, 14), i;
	bool all = FIELD(insn, 6, 6), upper = FIELD(insn, 15, 15);
	uint64_t mask = 0;

	for (i = 0; i < 8; i++)
		if (fields & 1u << i)
			mask |= 15ull << (4 * i);
	if (upper)
		mask <<= 32;
	fpscr_write(cpu, fpr(cpu, F_RB(insn)), all ? ~0ull : mask);
	return fpscr_written(cpu, insn);
}

SEM(mtfsfi)
{
	bool upper = FIELD(insn, 15, 15);
	unsigned shift = 4 * (7 - F_BF(insn)) + (upper ? 32 : 0);

	fpscr_write(cpu, (uint64_t)FIELD(insn, 16, 19) << shift, 15ull << shift);
	return fpscr_written(cpu, insn);
}

SEM(mtfsb0)
{
	fpscr_write(cpu, 0, 1ull << (31 - F_RT(insn)));
	return record(cpu, insn, 0);
}

SEM(mtfsb1)
{
	uint64_t bit = 1ull << (31 - F_RT(insn));

	if (bit & FPSCR_EXCEPTIONS)
		fpscr_raise(cpu, bit);
	else
		fpscr_write(cpu, bit, bit);
	return fpscr_written(cpu, insn);
}

/* Copied exception bits are cleared; FR, FI, FPRF and the control bits stay. */
SEM(mcrfs)
{
	unsigned shift = 4 * (7 - F_BFA(insn));

	cpu->cr[F_BF(insn)] = cpu->fpscr >> shift & 15;
	fpscr_write(cpu, 0, 15ull << shift & (FPSCR_EXCEPTIONS | FPSCR_FX));
	return 0;
}
