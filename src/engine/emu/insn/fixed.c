/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Semantics of the fixed-point instructions that are not translated to micro-operations: overflow
 * forms, the wide and rare arithmetic, traps, condition register logic, string and multiple
 * accesses, reservations, atomics. Power ISA 3.0B, Book I chapter 3, Book II chapter 4.
 */
#include <string.h>
#include <sys/random.h>

#include "engine/emu/insn/insn.h"
#include "engine/emu/mmu/mmu.h"
#include "engine/emu/private.h"

#define RT cpu->gpr[F_RT(insn)]
#define RA cpu->gpr[F_RA(insn)]
#define RB cpu->gpr[F_RB(insn)]

static void record(struct cpu *cpu, uint32_t insn, uint64_t result)
{
	if (F_REC(insn))
		set_cr0(cpu, result);
}

static void set_overflow(struct cpu *cpu, bool ov, bool ov32)
{
	if (!(cpu->msr & MSR_SF))
		ov = ov32;
	cpu->ov = ov;
	cpu->ov32 = ov32;
	cpu->so |= ov;
}

/* ---- addition and subtraction with OE: RT = x + y + carry ---- */

static int add_overflow(struct cpu *cpu, uint32_t insn, uint64_t x, uint64_t y, unsigned carry,
			bool set_carry)
{
	uint64_t sum = x + y + carry, v = (x ^ sum) & (y ^ sum);

	if (set_carry) {
		cpu->ca = sum < x || (carry && sum == x);
		cpu->ca32 = (sum ^ x ^ y) >> 32 & 1;
		if (!(cpu->msr & MSR_SF))
			cpu->ca = cpu->ca32;
	}
	set_overflow(cpu, v >> 63, v >> 31 & 1);
	RT = sum;
	record(cpu, insn, sum);
	return 0;
}

#define ADD_OVERFLOW(name, x, y, carry, set_carry)                      \
	SEM(name)                                                       \
	{                                                               \
		return add_overflow(cpu, insn, x, y, carry, set_carry); \
	}
ADD_OVERFLOW(addo, RA, RB, 0, false)
ADD_OVERFLOW(subfo, ~RA, RB, 1, false)
ADD_OVERFLOW(nego, ~RA, 0, 1, false)
ADD_OVERFLOW(addco, RA, RB, 0, true)
ADD_OVERFLOW(addeo, RA, RB, cpu->ca, true)
ADD_OVERFLOW(addzeo, RA, 0, cpu->ca, true)
ADD_OVERFLOW(addmeo, RA, ~0ull, cpu->ca, true)
ADD_OVERFLOW(subfco, ~RA, RB, 1, true)
ADD_OVERFLOW(subfeo, ~RA, RB, cpu->ca, true)
ADD_OVERFLOW(subfzeo, ~RA, 0, cpu->ca, true)
ADD_OVERFLOW(subfmeo, ~RA, ~0ull, cpu->ca, true)

/* addex: OV is the carry; only CY = 0 is defined. */
SEM(addex)
{
	uint64_t sum;
	unsigned carry = cpu->ov;

	if (FIELD(insn, 21, 22))
		return cpu_illegal(cpu);
	sum = RA + RB + carry;
	cpu->ov32 = (sum ^ RA ^ RB) >> 32 & 1;
	cpu->ov = sum < RA || (carry && sum == RA);
	RT = sum;
	return 0;
}

/* ---- multiplication and division ---- */

static int result(struct cpu *cpu, uint32_t insn, uint64_t value)
{
	RT = value;
	record(cpu, insn, value);
	return 0;
}

static int result_overflow(struct cpu *cpu, uint32_t insn, uint64_t value, bool overflow)
{
	set_overflow(cpu, overflow, overflow);
	return result(cpu, insn, value);
}

SEM(mulhd)
{
	return result(cpu, insn, (uint64_t)((__int128)(int64_t)RA * (int64_t)RB >> 64));
}

SEM(mulhw)
{
	return result(cpu, insn, (uint32_t)((int64_t)(int32_t)RA * (int32_t)RB >> 32));
}

SEM(mulhwu)
{
	return result(cpu, insn, (RA & 0xffffffff) * (RB & 0xffffffff) >> 32);
}

SEM(mulldo)
{
	int64_t product;
	bool overflow = __builtin_mul_overflow((int64_t)RA, (int64_t)RB, &product);

	return result_overflow(cpu, insn, (uint64_t)product, overflow);
}

SEM(mullwo)
{
	int64_t product = (int64_t)(int32_t)RA * (int32_t)RB;

	return result_overflow(cpu, insn, (uint64_t)product, product != (int32_t)product);
}

/* Quotients that do not fit, and division by zero, are undefined. Here they give zero. */
SEM(divdo)
{
	bool bad = !RB || (RA == 1ull << 63 && RB == ~0ull);

	return result_overflow(cpu, insn, bad ? 0 : (uint64_t)((int64_t)RA / (int64_t)RB), bad);
}

SEM(divduo)
{
	return result_overflow(cpu, insn, RB ? RA / RB : 0, !RB);
}

SEM(divwo)
{
	int32_t a = (int32_t)RA, b = (int32_t)RB;
	bool bad = !b || (a == INT32_MIN && b == -1);

	return result_overflow(cpu, insn, bad ? 0 : (uint32_t)(a / b), bad);
}

SEM(divwuo)
{
	uint32_t a = (uint32_t)RA, b = (uint32_t)RB;

	return result_overflow(cpu, insn, b ? a / b : 0, !b);
}

static uint64_t divide_extended(uint64_t a, uint64_t b, bool *bad)
{
	__int128 dividend = (__int128)((u128)a << 64);
	int64_t divisor = (int64_t)b;
	__int128 quotient;

	/* Only the most negative dividend by -1 gives a quotient that does not fit in 128 bits. */
	*bad = !divisor || (a == 1ull << 63 && divisor == -1);
	if (*bad)
		return 0;
	quotient = dividend / divisor;
	*bad = quotient != (int64_t)quotient;
	return *bad ? 0 : (uint64_t)quotient;
}

static uint64_t divide_extended_unsigned(uint64_t a, uint64_t b, bool *bad)
{
	*bad = a >= b;
	return *bad ? 0 : (uint64_t)(((u128)a << 64) / b);
}

static uint64_t divide_word_extended(uint64_t a, uint64_t b, bool *bad)
{
	int64_t dividend = (int64_t)((uint64_t)(uint32_t)a << 32), quotient;
	int32_t divisor = (int32_t)b;

	*bad = !divisor || (dividend == INT64_MIN && divisor == -1);
	if (*bad)
		return 0;
	quotient = dividend / divisor;
	*bad = quotient != (int32_t)quotient;
	return *bad ? 0 : (uint32_t)quotient;
}

static uint64_t divide_word_extended_unsigned(uint64_t a, uint64_t b, bool *bad)
{
	*bad = (uint32_t)a >= (uint32_t)b;
	return *bad ? 0 : (uint32_t)(((uint64_t)(uint32_t)a << 32) / (uint32_t)b);
}

#define DIVIDE_EXTENDED(name, divide)                             \
	SEM(name)                                                 \
	{                                                         \
		bool bad;                                         \
                                                                  \
		return result(cpu, insn, divide(RA, RB, &bad));   \
	}                                                         \
	SEM(name##o)                                              \
	{                                                         \
		bool bad;                                         \
		uint64_t quotient = divide(RA, RB, &bad);         \
                                                                  \
		return result_overflow(cpu, insn, quotient, bad); \
	}
DIVIDE_EXTENDED(divde, divide_extended)
DIVIDE_EXTENDED(divdeu, divide_extended_unsigned)
DIVIDE_EXTENDED(divwe, divide_word_extended)
DIVIDE_EXTENDED(divweu, divide_word_extended_unsigned)

SEM(modsd)
{
	int64_t a = (int64_t)RA, b = (int64_t)RB;

	RT = !b || (a == INT64_MIN && b == -1) ? 0 : (uint64_t)(a % b);
	return 0;
}

SEM(modud)
{
	RT = RB ? RA % RB : 0;
	return 0;
}

SEM(modsw)
{
	int32_t a = (int32_t)RA, b = (int32_t)RB;

	RT = !b || (a == INT32_MIN && b == -1) ? 0 : (uint64_t)(int64_t)(a % b);
	return 0;
}

SEM(moduw)
{
	RT = (uint32_t)RB ? (uint32_t)RA % (uint32_t)RB : 0;
	return 0;
}

/* Under CLOCK_INSN a run must be repeatable, so use a fixed sequence (xorshift64*). */
SEM(darn)
{
	struct power_engine *e = cpu->engine;
	unsigned l = F_RA(insn) & 3;
	uint64_t v;

	if (l == 3) {
		RT = ~0ull; /* reserved format: the error value */
		return 0;
	}
	if (e->clock->mode == CLOCK_INSN) {
		e->random ^= e->random >> 12;
		e->random ^= e->random << 25;
		e->random ^= e->random >> 27;
		v = e->random * 0x2545f4914f6cdd1dull;
	} else if (getrandom(&v, sizeof(v), 0) != sizeof(v)) {
		v = ~0ull;
	}
	RT = l ? v : v & 0xffffffff;
	return 0;
}

/* ---- logic and bits: RA = f(RS, RB) ---- */

#define LOGICAL(name, expression)        \
	SEM(name)                        \
	{                                \
		uint64_t s = RT, b = RB; \
                                         \
		(void)b;                 \
		RA = (expression);       \
		record(cpu, insn, RA);   \
		return 0;                \
	}
#define PLAIN(name, expression)          \
	SEM(name)                        \
	{                                \
		uint64_t s = RT, b = RB; \
                                         \
		(void)b;                 \
		RA = (expression);       \
		return 0;                \
	}

LOGICAL(cnttzw, (uint32_t)s ? (uint64_t)__builtin_ctz((uint32_t)s) : 32)
LOGICAL(cnttzd, s ? (uint64_t)__builtin_ctzll(s) : 64)

static uint64_t population(uint64_t s, unsigned bits)
{
	uint64_t counts = 0;

	for (unsigned at = 0; at < 64; at += bits)
		counts |= (uint64_t)__builtin_popcountll(s << (64 - at - bits) >> (64 - bits))
			  << at;
	return counts;
}
PLAIN(popcntb, population(s, 8))
PLAIN(popcntw, population(s, 32))
PLAIN(popcntd, (uint64_t)__builtin_popcountll(s))
PLAIN(prtyw, (uint64_t)__builtin_parityll(s & 0x01010101) |
		     (uint64_t)__builtin_parityll(s >> 32 & 0x01010101) << 32)
PLAIN(prtyd, (uint64_t)__builtin_parityll(s & 0x0101010101010101))

static uint64_t permute_bits(uint64_t indices, uint64_t from)
{
	uint64_t out = 0;

	for (unsigned i = 0; i < 8; i++) {
		unsigned index = indices >> (8 * i) & 255;

		if (index < 64)
			out |= (from >> (63 - index) & 1) << i;
	}
	return out;
}
PLAIN(bpermd, permute_bits(s, b))

static uint64_t compare_bytes(uint64_t s, uint64_t b)
{
	uint64_t out = 0;

	for (unsigned at = 0; at < 64; at += 8)
		if ((s >> at & 255) == (b >> at & 255))
			out |= 255ull << at;
	return out;
}
PLAIN(cmpb, compare_bytes(s, b))

static uint64_t rotl64(uint64_t v, unsigned n)
{
	return v << (n & 63) | v >> (-n & 63);
}

static uint64_t mask64(unsigned mb, unsigned me)
{
	uint64_t from = ~0ull >> mb, to = ~0ull << (63 - me);

	return mb <= me ? from & to : from | to;
}

#define MD_MB (FIELD(insn, 21, 25) | (insn >> 5 & 1) << 5)
LOGICAL(rlwnm, rotl64((uint64_t)(uint32_t)s << 32 | (uint32_t)s, b & 31) &
		       mask64(FIELD(insn, 21, 25) + 32, FIELD(insn, 26, 30) + 32))
LOGICAL(rldcl, rotl64(s, b & 63) & mask64(MD_MB, 63))
LOGICAL(rldcr, rotl64(s, b & 63) & mask64(0, MD_MB))

SEM(extswsli)
{
	RA = (uint64_t)(int32_t)RT << (F_RB(insn) | (insn >> 1 & 1) << 5);
	record(cpu, insn, RA);
	return 0;
}

/* ---- conditions ---- */

SEM(crlogic)
{
	unsigned a = cpu->cr[F_RA(insn) >> 2] >> (3 - (F_RA(insn) & 3)) & 1;
	unsigned b = cpu->cr[F_RB(insn) >> 2] >> (3 - (F_RB(insn) & 3)) & 1;
	unsigned bit = 8u >> (F_RT(insn) & 3), v;
	uint8_t *field = &cpu->cr[F_RT(insn) >> 2];

	switch (insn >> 1 & 1023) {
	case 257:
		v = a & b;
		break;
	case 129:
		v = a & !b;
		break;
	case 289:
		v = a == b;
		break;
	case 225:
		v = !(a & b);
		break;
	case 33:
		v = !(a | b);
		break;
	case 449:
		v = a | b;
		break;
	case 417:
		v = a | !b;
		break;
	default:
		v = a ^ b;
	}
	*field = (uint8_t)(v ? *field | bit : *field & ~bit);
	return 0;
}

SEM(mcrf)
{
	cpu->cr[F_RT(insn) >> 2] = cpu->cr[F_RA(insn) >> 2];
	return 0;
}

SEM(mcrxrx)
{
	cpu->cr[F_RT(insn) >> 2] =
		(uint8_t)(cpu->ov << 3 | cpu->ov32 << 2 | cpu->ca << 1 | cpu->ca32);
	return 0;
}

uint32_t cpu_get_cr(const struct cpu *cpu)
{
	uint32_t cr = 0;

	for (unsigned i = 0; i < 8; i++)
		cr = cr << 4 | cpu->cr[i];
	return cr;
}

void cpu_set_cr(struct cpu *cpu, uint32_t cr)
{
	for (unsigned i = 0; i < 8; i++)
		cpu->cr[i] = cr >> (28 - 4 * i) & 15;
}

/* mfcr and mfocrf. The fields that mfocrf leaves undefined read as zero. */
SEM(mfcr)
{
	uint32_t cr = cpu_get_cr(cpu);

	if (insn & 1 << 20) {
		unsigned fxm = insn >> 12 & 255, field = 0;

		if (!fxm || fxm & (fxm - 1)) {
			RT = 0;
			return 0;
		}
		while (!(fxm & 0x80 >> field))
			field++;
		cr &= 0xf0000000u >> (4 * field);
	}
	RT = cr;
	return 0;
}

SEM(mtcrf)
{
	uint32_t value = (uint32_t)RT;

	for (unsigned i = 0; i < 8; i++)
		if (insn >> 12 & 0x80 >> i)
			cpu->cr[i] = value >> (28 - 4 * i) & 15;
	return 0;
}

SEM(cmprb)
{
	uint8_t v = (uint8_t)RA, lo = (uint8_t)RB, hi = (uint8_t)(RB >> 8);
	bool in = v >= lo && v <= hi;

	if (insn & 1 << 21)
		in = in || (v >= (uint8_t)(RB >> 16) && v <= (uint8_t)(RB >> 24));
	cpu->cr[F_RT(insn) >> 2] = in ? CR_GT : 0;
	return 0;
}

SEM(cmpeqb)
{
	cpu->cr[F_RT(insn) >> 2] = compare_bytes(RB, (RA & 255) * 0x0101010101010101) ? CR_GT : 0;
	return 0;
}

SEM(setb)
{
	uint8_t field = cpu->cr[F_RA(insn) >> 2];

	RT = field & CR_LT ? ~0ull : field & CR_GT ? 1 : 0;
	return 0;
}

static int trap(struct cpu *cpu, uint32_t insn, int64_t a, int64_t b, uint64_t ua, uint64_t ub)
{
	unsigned to = F_RT(insn);

	if ((to & 16 && a < b) || (to & 8 && a > b) || (to & 4 && a == b) || (to & 2 && ua < ub) ||
	    (to & 1 && ua > ub))
		return cpu_raise(cpu, VECTOR_PROGRAM, SRR1_TRAP);
	return 0;
}

SEM(tw)
{
	return trap(cpu, insn, (int32_t)RA, (int32_t)RB, (uint32_t)RA, (uint32_t)RB);
}

SEM(td)
{
	return trap(cpu, insn, (int64_t)RA, (int64_t)RB, RA, RB);
}

SEM(twi)
{
	return trap(cpu, insn, (int32_t)RA, (int32_t)F_SI(insn), (uint32_t)RA,
		    (uint32_t)F_SI(insn));
}

SEM(tdi)
{
	return trap(cpu, insn, (int64_t)RA, F_SI(insn), RA, (uint64_t)F_SI(insn));
}

/* OV32 and CA32 are new in ISA 3.0: reserved bits of a POWER8. */
uint64_t cpu_get_xer(const struct cpu *cpu)
{
	uint64_t xer = cpu->xer_other | (uint64_t)cpu->so << 31 | (uint64_t)cpu->ov << 30 |
		       (uint64_t)cpu->ca << 29 | cpu->xer_count;

	if (cpu->engine->model->isa >= 300)
		xer |= (uint64_t)cpu->ov32 << 19 | (uint64_t)cpu->ca32 << 18;
	return xer;
}

void cpu_set_xer(struct cpu *cpu, uint64_t xer)
{
	cpu->so = xer >> 31 & 1;
	cpu->ov = xer >> 30 & 1;
	cpu->ca = xer >> 29 & 1;
	cpu->ov32 = xer >> 19 & 1;
	cpu->ca32 = xer >> 18 & 1;
	cpu->xer_count = xer & 127;
	cpu->xer_other = 0; /* the reserved bits read as zero on POWER9 */
}

/* ---- several registers at once ---- */

#define LITTLE_ENDIAN_MODE(cpu) ((cpu)->mode & CODE_LE)

SEM(lmw)
{
	uint64_t ea = displaced_ea(cpu, insn, F_SI(insn)), values[32];

	if (LITTLE_ENDIAN_MODE(cpu))
		return cpu_misaligned(cpu, ea);
	for (unsigned r = F_RT(insn); r < 32; r++, ea += 4)
		if (!cpu_load32(cpu, ea, &values[r]))
			return EXCEPTION;
	for (unsigned r = F_RT(insn); r < 32; r++)
		cpu->gpr[r] = values[r];
	return 0;
}

SEM(stmw)
{
	uint64_t ea = displaced_ea(cpu, insn, F_SI(insn));

	if (LITTLE_ENDIAN_MODE(cpu))
		return cpu_misaligned(cpu, ea);
	for (unsigned r = F_RT(insn); r < 32; r++, ea += 4)
		if (!cpu_store32(cpu, ea, cpu->gpr[r]))
			return EXCEPTION;
	return 0;
}

/* Does a string load of @count bytes write register @r? */
static bool string_loads(uint32_t insn, unsigned r, unsigned count)
{
	return ((r - F_RT(insn)) & 31) < (count + 3) / 4;
}

/* @invalid: the load would overwrite a register that forms its address. */
static int load_string(struct cpu *cpu, uint32_t insn, uint64_t ea, unsigned count, bool invalid)
{
	uint64_t bytes[128];

	if (LITTLE_ENDIAN_MODE(cpu))
		return cpu_misaligned(cpu, ea);
	if (invalid)
		return cpu_illegal(cpu);
	for (unsigned i = 0; i < count; i++)
		if (!cpu_load8(cpu, ea + i, &bytes[i]))
			return EXCEPTION;
	for (unsigned i = 0; i < count; i++) {
		uint64_t *reg = &cpu->gpr[(F_RT(insn) + i / 4) & 31];

		if (i % 4 == 0)
			*reg = 0;
		*reg |= bytes[i] << (24 - 8 * (i % 4));
	}
	return 0;
}

static int store_string(struct cpu *cpu, uint32_t insn, uint64_t ea, unsigned count)
{
	if (LITTLE_ENDIAN_MODE(cpu))
		return cpu_misaligned(cpu, ea);
	for (unsigned i = 0; i < count; i++)
		if (!cpu_store8(cpu, ea + i,
				cpu->gpr[(F_RT(insn) + i / 4) & 31] >> (24 - 8 * (i % 4))))
			return EXCEPTION;
	return 0;
}

SEM(lswi)
{
	unsigned count = F_RB(insn) ? F_RB(insn) : 32;

	/* RA counts here even if it is 0 and so not used. */
	return load_string(cpu, insn, displaced_ea(cpu, insn, 0), count,
			   string_loads(insn, F_RA(insn), count));
}

SEM(lswx)
{
	unsigned count = cpu->xer_count;

	return load_string(cpu, insn, indexed_ea(cpu, insn), count,
			   (F_RA(insn) && string_loads(insn, F_RA(insn), count)) ||
				   string_loads(insn, F_RB(insn), count));
}

SEM(stswi)
{
	return store_string(cpu, insn, displaced_ea(cpu, insn, 0), F_RB(insn) ? F_RB(insn) : 32);
}

SEM(stswx)
{
	return store_string(cpu, insn, indexed_ea(cpu, insn), cpu->xer_count);
}

/*
 * ---- what needs storage that is cached ----
 * Power ISA 3.0B, Book III, "Data Storage Interrupt", bit 37 of DSISR. Pages that are not have no
 * entry in the soft TLB.
 */

/* Real address of an aligned access that is about to be made. False: interrupt raised. */
static bool real_of(struct cpu *cpu, uint64_t ea, enum access access, uint64_t *ra)
{
	unsigned index = ea >> PAGE_BITS & (TLB_ENTRIES - 1);
	const struct tlb_entry *entry = access == ACCESS_WRITE ? &cpu->tlb->write[index] :
								 &cpu->tlb->read[index];

	if (unlikely(entry->tag != (ea & ~PAGE_MASK_LOW)))
		return mmu_translate_cached(cpu, ea, access, ra);
	*ra = ea + entry->addend - (uintptr_t)cpu->engine->memory->base;
	return true;
}

static bool is_cached(struct cpu *cpu, uint64_t ea, enum access access)
{
	uint64_t ra;

	return real_of(cpu, ea, access, &ra);
}

/* A quadword is in an even-odd pair of registers; the even one is the high half. */
SEM(lq)
{
	uint64_t ea = displaced_ea(cpu, insn, (int16_t)(insn & 0xfff0));
	unsigned rt = F_RT(insn);
	u128 v;

	if (rt & 1 || rt == F_RA(insn))
		return cpu_illegal(cpu);
	if (ea & 15)
		return cpu_misaligned(cpu, ea);
	if (!is_cached(cpu, ea, ACCESS_READ) || !cpu_load_quad(cpu, ea, &v))
		return EXCEPTION;
	cpu->gpr[rt] = (uint64_t)(v >> 64);
	cpu->gpr[rt + 1] = (uint64_t)v;
	return 0;
}

SEM(stq)
{
	uint64_t ea = displaced_ea(cpu, insn, (int16_t)(insn & 0xfffc));
	unsigned rs = F_RT(insn);

	if (rs & 1)
		return cpu_illegal(cpu);
	if (ea & 15)
		return cpu_misaligned(cpu, ea);
	if (!is_cached(cpu, ea, ACCESS_WRITE) ||
	    !cpu_store_quad(cpu, ea, (u128)cpu->gpr[rs] << 64 | cpu->gpr[rs + 1]))
		return EXCEPTION;
	return 0;
}

/*
 * ---- copy and paste ----
 * Book II, copy and paste. A POWER9 takes what is pasted to accelerators only, and there is none.
 * From POWER10 memory takes it, too.
 */

#define COPY_BYTES sizeof(((struct cpu *)0)->copied)

SEM(copy)
{
	const uint64_t ea = indexed_ea(cpu, insn);
	uint64_t data[COPY_BYTES / 8];

	if (ea % COPY_BYTES)
		return cpu_misaligned(cpu, ea);
	if (!is_cached(cpu, ea, ACCESS_READ))
		return EXCEPTION;
	for (unsigned i = 0; i < COPY_BYTES / 8; i++)
		if (!cpu_load64(cpu, ea + 8 * i, &data[i]))
			return EXCEPTION;
	memcpy(cpu->copied, data, sizeof(data));
	cpu->has_copied = cpu->engine->model->isa >= 310;
	return 0;
}

SEM(paste)
{
	const uint64_t ea = indexed_ea(cpu, insn);

	if (ea % COPY_BYTES)
		return cpu_misaligned(cpu, ea);
	if (cpu->has_copied && !is_cached(cpu, ea, ACCESS_WRITE))
		return EXCEPTION;
	for (unsigned i = 0; cpu->has_copied && i < COPY_BYTES / 8; i++)
		if (!cpu_store64(cpu, ea + 8 * i, cpu->copied[i]))
			return EXCEPTION;
	cpu->cr[0] = (cpu->has_copied ? CR_EQ : 0) | cpu->so;
	cpu->has_copied = false;
	return 0;
}

SEM(cp_abort)
{
	(void)insn;
	cpu->has_copied = false;
	return 0;
}

/*
 * ---- reservations ----
 * While vCPUs take turns on one host thread, run() drops the reservation when another vCPU had a
 * turn. So nobody else can have stored while a reservation is held, and it is just the real address
 * it was made for. With threads it also has the value that was loaded: the conditional store is a
 * compare and swap. It does not notice if others stored and the value is the old one again.
 */

#define RESERVE(name, size, bits)                                                        \
	SEM(name)                                                                        \
	{                                                                                \
		uint64_t ea = indexed_ea(cpu, insn), ra, v;                              \
                                                                                         \
		if (ea & ((size)-1))                                                     \
			return cpu_misaligned(cpu, ea);                                  \
		if (!real_of(cpu, ea, ACCESS_READ, &ra) || !cpu_load##bits(cpu, ea, &v)) \
			return EXCEPTION;                                                \
		cpu->reserved = true;                                                    \
		cpu->reserve_size = (size);                                              \
		cpu->reserve_ra = ra;                                                    \
		cpu->reserve_value = v;                                                  \
		RT = v;                                                                  \
		return 0;                                                                \
	}
RESERVE(lbarx, 1, 8)
RESERVE(lharx, 2, 16)
RESERVE(lwarx, 4, 32)
RESERVE(ldarx, 8, 64)

/* Store where the reservation is, if the value is the one that was loaded. */
static bool swap_reserved(struct cpu *cpu, uint64_t ea, u128 v, bool *done)
{
	return cpu_compare_and_swap(cpu, ea, cpu->reserve_size, cpu->reserve_value, v, done);
}

#define CONDITIONAL(name, size, bits)                                                            \
	SEM(name)                                                                                \
	{                                                                                        \
		uint64_t ea = indexed_ea(cpu, insn), ra;                                         \
		bool done = false;                                                               \
                                                                                                 \
		if (ea & ((size)-1))                                                             \
			return cpu_misaligned(cpu, ea);                                          \
		if (cpu->reserved) {                                                             \
			if (!real_of(cpu, ea, ACCESS_WRITE, &ra))                                \
				return EXCEPTION;                                                \
			done = ra == cpu->reserve_ra && cpu->reserve_size == (size);             \
			if (done && !(cpu->engine->threads ? swap_reserved(cpu, ea, RT, &done) : \
							     cpu_store##bits(cpu, ea, RT)))      \
				return EXCEPTION;                                                \
		}                                                                                \
		cpu->reserved = false;                                                           \
		cpu->cr[0] = (uint8_t)((done ? CR_EQ : 0) | cpu->so);                            \
		return 0;                                                                        \
	}
CONDITIONAL(stbcx, 1, 8)
CONDITIONAL(sthcx, 2, 16)
CONDITIONAL(stwcx, 4, 32)
CONDITIONAL(stdcx, 8, 64)

SEM(lqarx)
{
	uint64_t ea = indexed_ea(cpu, insn), ra;
	unsigned rt = F_RT(insn);
	u128 v;

	if (rt & 1 || rt == F_RA(insn) || rt == F_RB(insn))
		return cpu_illegal(cpu);
	if (ea & 15)
		return cpu_misaligned(cpu, ea);
	if (!real_of(cpu, ea, ACCESS_READ, &ra) || !cpu_load_quad(cpu, ea, &v))
		return EXCEPTION;
	cpu->reserved = true;
	cpu->reserve_size = 16;
	cpu->reserve_ra = ra;
	cpu->reserve_value = v;
	cpu->gpr[rt] = (uint64_t)(v >> 64);
	cpu->gpr[rt + 1] = (uint64_t)v;
	return 0;
}

SEM(stqcx)
{
	uint64_t ea = indexed_ea(cpu, insn), ra;
	unsigned rs = F_RT(insn);
	bool done = false;
	u128 v;

	if (rs & 1)
		return cpu_illegal(cpu);
	v = (u128)cpu->gpr[rs] << 64 | cpu->gpr[rs + 1];
	if (ea & 15)
		return cpu_misaligned(cpu, ea);
	if (cpu->reserved) {
		if (!real_of(cpu, ea, ACCESS_WRITE, &ra))
			return EXCEPTION;
		done = ra == cpu->reserve_ra && cpu->reserve_size == 16;
		if (done && !(cpu->engine->threads ? swap_reserved(cpu, ea, v, &done) :
						     cpu_store128(cpu, ea, v)))
			return EXCEPTION;
	}
	cpu->reserved = false;
	cpu->cr[0] = (uint8_t)((done ? CR_EQ : 0) | cpu->so);
	return 0;
}

/* ---- atomic memory operations ---- */

static bool load_sized(struct cpu *cpu, uint64_t ea, unsigned size, uint64_t *v)
{
	return size == 4 ? cpu_load32(cpu, ea, v) : cpu_load64(cpu, ea, v);
}

static bool store_sized(struct cpu *cpu, uint64_t ea, unsigned size, uint64_t v)
{
	return size == 4 ? cpu_store32(cpu, ea, v) : cpu_store64(cpu, ea, v);
}

static int64_t as_signed(uint64_t v, unsigned size)
{
	return size == 4 ? (int32_t)v : (int64_t)v;
}

/*
 * An undefined function code, or an operand that crosses its 32-byte block: data storage interrupt.
 */
static int atomic_refused(struct cpu *cpu, uint64_t ea)
{
	cpu_raise(cpu, VECTOR_DATA_STORAGE, 0);
	cpu->exception_flags = EXCEPTION_DAR | EXCEPTION_DSISR;
	cpu->exception_dar = ea;
	cpu->exception_dsisr = FAULT_ATOMIC;
	return EXCEPTION;
}

static bool atomic_value(unsigned fc, unsigned size, uint64_t old, uint64_t v, uint64_t *out)
{
	int64_t so = as_signed(old, size), sv = as_signed(v, size);

	switch (fc) {
	case 0:
		*out = old + v;
		return true;
	case 1:
		*out = old ^ v;
		return true;
	case 2:
		*out = old | v;
		return true;
	case 3:
		*out = old & v;
		return true;
	case 4:
		*out = old > v ? old : v;
		return true;
	case 5:
		*out = so > sv ? old : v;
		return true;
	case 6:
		*out = old < v ? old : v;
		return true;
	case 7:
		*out = so < sv ? old : v;
		return true;
	default:
		return false;
	}
}

static int atomic_load(struct cpu *cpu, uint32_t insn, unsigned size)
{
	uint64_t ea = displaced_ea(cpu, insn, 0), mask = size == 4 ? 0xffffffff : ~0ull;
	unsigned fc = F_RB(insn), rt = F_RT(insn);
	uint64_t old, next, out, v1 = cpu->gpr[(rt + 1) & 31] & mask,
				 v2 = cpu->gpr[(rt + 2) & 31] & mask;

	if (ea & (size - 1))
		return cpu_misaligned(cpu, ea);
	if (cpu_alone(cpu) || !is_cached(cpu, ea, ACCESS_WRITE) || !load_sized(cpu, ea, size, &old))
		return EXCEPTION;
	if (fc == 8) { /* swap */
		out = v1;
	} else if (fc == 16) { /* compare and swap not equal */
		out = old != v1 ? v2 : old;
	} else if (fc >= 24 && fc <= 28 && fc != 26 && fc != 27) {
		/* fetch and increment/decrement bounded or equal, compared with the neighbour */
		uint64_t near = fc == 28 ? ea - size : ea + size;

		if ((fc == 28 ? near ^ ea : (near + size - 1) ^ ea) & ~31ull)
			return atomic_refused(cpu, ea);
		if (!load_sized(cpu, near, size, &next))
			return EXCEPTION;
		if (fc == 24 ? old != next : fc == 25 ? old == next : old != next)
			out = fc == 28 ? old - 1 : old + 1;
		else
			out = old;
		if (out == old)
			old = size == 4 ? 1ull << 31 : 1ull << 63; /* the failing value */
		else if (!store_sized(cpu, ea, size, out))
			return EXCEPTION;
		cpu->gpr[rt] = old;
		return 0;
	} else if (!atomic_value(fc, size, old, v1, &out)) {
		return atomic_refused(cpu, ea);
	}
	if (!store_sized(cpu, ea, size, out))
		return EXCEPTION;
	cpu->gpr[rt] = old;
	return 0;
}

static int atomic_store(struct cpu *cpu, uint32_t insn, unsigned size)
{
	uint64_t ea = displaced_ea(cpu, insn, 0), old, next, out;
	uint64_t v = RT & (size == 4 ? 0xffffffff : ~0ull);
	unsigned fc = F_RB(insn);

	if (ea & (size - 1))
		return cpu_misaligned(cpu, ea);
	if (cpu_alone(cpu) || !is_cached(cpu, ea, ACCESS_WRITE) || !load_sized(cpu, ea, size, &old))
		return EXCEPTION;
	if (fc == 24) { /* store twin */
		if (((ea + 2 * size - 1) ^ ea) & ~31ull)
			return atomic_refused(cpu, ea);
		if (!load_sized(cpu, ea + size, size, &next))
			return EXCEPTION;
		if (old == next &&
		    (!store_sized(cpu, ea, size, v) || !store_sized(cpu, ea + size, size, v)))
			return EXCEPTION;
		return 0;
	}
	if (!atomic_value(fc, size, old, v, &out))
		return atomic_refused(cpu, ea);
	return store_sized(cpu, ea, size, out) ? 0 : EXCEPTION;
}

SEM(lwat)
{
	return atomic_load(cpu, insn, 4);
}

SEM(ldat)
{
	return atomic_load(cpu, insn, 8);
}

SEM(stwat)
{
	return atomic_store(cpu, insn, 4);
}

SEM(stdat)
{
	return atomic_store(cpu, insn, 8);
}

#define DCBZ_BYTES MEMORY_LINE

SEM(dcbz)
{
	uint64_t ea = indexed_ea(cpu, insn) & ~(uint64_t)(DCBZ_BYTES - 1);
	const struct tlb_entry *entry = &cpu->tlb->write[ea >> PAGE_BITS & (TLB_ENTRIES - 1)];
	uint8_t *p;
	uint64_t ra;

	if (entry->tag == (ea & ~PAGE_MASK_LOW)) {
		memset((uint8_t *)(ea + entry->addend), 0, DCBZ_BYTES);
		return 0;
	}
	p = mmu_host(cpu, ea, DCBZ_BYTES, ACCESS_WRITE, &ra);
	if (!p)
		return EXCEPTION;
	memset(p, 0, DCBZ_BYTES);
	mmu_wrote(cpu, ra, DCBZ_BYTES);
	return 0;
}
