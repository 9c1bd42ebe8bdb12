/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interpreter: one body per micro-operation, each continuing to the next by a tail call. A body
 * that cannot finish sets cpu->stop_uop and returns NULL; the run loop works out the instruction's
 * address from it. Block endings count the block's instructions. They follow the links inside a
 * page or look the target up.
 */
#include <string.h>

#include "engine/emu/code/cache.h"
#include "engine/emu/private.h"
#include "engine/emu/uop/uop.h"

#define REG(offset)  (*(uint64_t *)((char *)cpu + (offset)))
#define BYTE(offset) (*((uint8_t *)cpu + (offset)))
#define D	     REG(u->d)
#define A	     REG(u->a)
#define B	     REG(u->b)

#ifdef FWNMI_LOOP_DISPATCH /* builds whose tail calls are not jumps (sanitizers): the run loop \
			      calls each body */
#define GO(next) return (next)
#else
#define GO(next)                               \
	do {                                   \
		const struct uop *go = (next); \
		return go->fn(cpu, go);        \
	} while (0)
#endif
#define NEXT	   GO(u + 1)
#define BODY(name) static const struct uop *uop_##name(struct cpu *cpu, const struct uop *u)

static const struct uop *stop(struct cpu *cpu, const struct uop *u)
{
	cpu->stop_uop = u;
	return NULL;
}

/* ---- memory ---- */

#define ENTRY(table, ea) (&cpu->tlb->table[TLB_INDEX(ea)])

/*
 * The accessors of mmu.c use the mode's byte order; the byte-reversed instructions need the other
 * one.
 */
static inline bool reversed(const struct cpu *cpu, bool little_endian)
{
	return !(cpu->mode & CODE_LE) == little_endian;
}

#define LOAD(name, bits, type, extend, swap, little_endian, EA)                                    \
	static __attribute__((noinline))                                                           \
	const struct uop *slow_##name(struct cpu *cpu, const struct uop *u)                        \
	{                                                                                          \
		if (!cpu_load##bits(cpu, EA, &cpu->scratch[3]))                                    \
			return stop(cpu, u);                                                       \
		D = (uint64_t)(extend)(reversed(cpu, little_endian) ?                              \
					       (uint64_t)SWAP##bits((type)cpu->scratch[3]) :       \
					       cpu->scratch[3]);                                   \
		NEXT;                                                                              \
	}                                                                                          \
	BODY(name)                                                                                 \
	{                                                                                          \
		uint64_t ea = EA;                                                                  \
		const struct tlb_entry *entry = ENTRY(read, ea);                                   \
                                                                                                   \
		if (unlikely(entry->tag != EPN(ea + sizeof(type) - 1)))                            \
			return slow_##name(cpu, u);                                                \
		D = (uint64_t)(extend)(type)swap(                                                  \
			((const struct __attribute__((packed)) { type v; } *)(ea + entry->addend)) \
				->v);                                                              \
		NEXT;                                                                              \
	}

#define STORE(name, bits, type, swap, little_endian, EA)                                       \
	static __attribute__((noinline))                                                       \
	const struct uop *slow_##name(struct cpu *cpu, const struct uop *u)                    \
	{                                                                                      \
		if (!cpu_store##bits(                                                          \
			    cpu, EA,                                                           \
			    reversed(cpu, little_endian) ? (uint64_t)SWAP##bits((type)D) : D)) \
			return stop(cpu, u);                                                   \
		NEXT;                                                                          \
	}                                                                                      \
	BODY(name)                                                                             \
	{                                                                                      \
		uint64_t ea = EA;                                                              \
		const struct tlb_entry *entry = ENTRY(write, ea);                              \
                                                                                               \
		if (unlikely(entry->tag != EPN(ea + sizeof(type) - 1)))                        \
			return slow_##name(cpu, u);                                            \
		((struct __attribute__((packed)) { type v; } *)(ea + entry->addend))->v =      \
			(type)swap((type)D);                                                   \
		NEXT;                                                                          \
	}

#define SAME(v) (v)
#define SWAP8	SAME
#define SWAP16	__builtin_bswap16
#define SWAP32	__builtin_bswap32
#define SWAP64	__builtin_bswap64
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define LE16 SAME
#define LE32 SAME
#define LE64 SAME
#define BE16 __builtin_bswap16
#define BE32 __builtin_bswap32
#define BE64 __builtin_bswap64
#else
#define BE16 SAME
#define BE32 SAME
#define BE64 SAME
#define LE16 __builtin_bswap16
#define LE32 __builtin_bswap32
#define LE64 __builtin_bswap64
#endif

#define EA_D (A + u->imm)
#define EA_X (A + B)
LOAD(lbz, 8, uint8_t, uint8_t, SAME, cpu->mode &CODE_LE, EA_D)
LOAD(lbzx, 8, uint8_t, uint8_t, SAME, cpu->mode &CODE_LE, EA_X)
STORE(stb, 8, uint8_t, SAME, cpu->mode &CODE_LE, EA_D)
STORE(stbx, 8, uint8_t, SAME, cpu->mode &CODE_LE, EA_X)
#define BOTH_FORMS(order, is_le, s16, s32, s64)                      \
	LOAD(lhz_##order, 16, uint16_t, uint16_t, s16, is_le, EA_D)  \
	LOAD(lha_##order, 16, uint16_t, int16_t, s16, is_le, EA_D)   \
	LOAD(lwz_##order, 32, uint32_t, uint32_t, s32, is_le, EA_D)  \
	LOAD(lwa_##order, 32, uint32_t, int32_t, s32, is_le, EA_D)   \
	LOAD(ld_##order, 64, uint64_t, uint64_t, s64, is_le, EA_D)   \
	LOAD(lhzx_##order, 16, uint16_t, uint16_t, s16, is_le, EA_X) \
	LOAD(lhax_##order, 16, uint16_t, int16_t, s16, is_le, EA_X)  \
	LOAD(lwzx_##order, 32, uint32_t, uint32_t, s32, is_le, EA_X) \
	LOAD(lwax_##order, 32, uint32_t, int32_t, s32, is_le, EA_X)  \
	LOAD(ldx_##order, 64, uint64_t, uint64_t, s64, is_le, EA_X)  \
	STORE(sth_##order, 16, uint16_t, s16, is_le, EA_D)           \
	STORE(stw_##order, 32, uint32_t, s32, is_le, EA_D)           \
	STORE(std_##order, 64, uint64_t, s64, is_le, EA_D)           \
	STORE(sthx_##order, 16, uint16_t, s16, is_le, EA_X)          \
	STORE(stwx_##order, 32, uint32_t, s32, is_le, EA_X)          \
	STORE(stdx_##order, 64, uint64_t, s64, is_le, EA_X)
BOTH_FORMS(le, true, LE16, LE32, LE64)
BOTH_FORMS(be, false, BE16, BE32, BE64)

/* ---- calls of semantics functions: the instruction is in d and a ---- */

#define INSN_WORD ((uint32_t)u->d | (uint32_t)u->a << 16)
#define CALL_SEM  ((sem_fn *)(uintptr_t)u->imm)(cpu, INSN_WORD)

BODY(call)
{
	if (unlikely(CALL_SEM))
		return stop(cpu, u);
	NEXT;
}

#define CALL_WITH(facility)                                               \
	BODY(call_##facility)                                             \
	{                                                                 \
		if (unlikely(need_##facility(cpu)) || unlikely(CALL_SEM)) \
			return stop(cpu, u);                              \
		NEXT;                                                     \
	}
CALL_WITH(priv)
CALL_WITH(fp)
CALL_WITH(vec)
CALL_WITH(vsx)

BODY(priv)
{
	if (unlikely(need_priv(cpu)))
		return stop(cpu, u);
	NEXT;
}

BODY(mfspr)
{
	cpu->scratch[3] = D;
	if (unlikely(spr_read(cpu, (unsigned)u->imm, u->index, &cpu->scratch[3])))
		return stop(cpu, u);
	D = cpu->scratch[3];
	NEXT;
}

BODY(mtspr)
{
	if (unlikely(spr_write(cpu, (unsigned)u->imm, u->index, D)))
		return stop(cpu, u);
	NEXT;
}

/* ---- fixed point ---- */

#define SIMPLE(name, expression)  \
	BODY(name)                \
	{                         \
		D = (expression); \
		NEXT;             \
	}

SIMPLE(li, u->imm)
SIMPLE(mr, A)
SIMPLE(pc, cpu->page_ea + u->imm)
SIMPLE(add, A + B)
SIMPLE(addi, A + u->imm)
SIMPLE(subf, B - A)
SIMPLE(neg, -A)
SIMPLE(mulli, A * u->imm)
SIMPLE(mulld, A *B)
SIMPLE(mullw, (uint64_t)((int64_t)(int32_t)A *(int32_t)B))
SIMPLE(mulhdu, (uint64_t)((u128)A *B >> 64))
/* Undefined quotients are zero, as on POWER9 and QEMU. */
SIMPLE(divdu, B ? A / B : 0)
SIMPLE(divd, B && !(A == 1ull << 63 && B == ~0ull) ? (uint64_t)((int64_t)A / (int64_t)B) : 0)
SIMPLE(divwu, (uint32_t)B ? (uint32_t)A / (uint32_t)B : 0)
SIMPLE(divw, (uint32_t)B && !((uint32_t)A == 1u << 31 && (uint32_t)B == ~0u) ?
		     (uint32_t)((int32_t)A / (int32_t)B) :
		     0)
SIMPLE(and, A &B)
SIMPLE(or, A | B)
SIMPLE(xor, A ^ B)
SIMPLE(nand, ~(A &B))
SIMPLE(nor, ~(A | B))
SIMPLE(eqv, ~(A ^ B))
SIMPLE(andc, A & ~B)
SIMPLE(orc, A | ~B)
SIMPLE(andi, A & u->imm)
SIMPLE(ori, A | u->imm)
SIMPLE(xori, A ^ u->imm)
SIMPLE(extsb, (uint64_t)(int8_t)A)
SIMPLE(extsh, (uint64_t)(int16_t)A)
SIMPLE(extsw, (uint64_t)(int32_t)A)
SIMPLE(cntlzd, A ? (uint64_t)__builtin_clzll(A) : 64)
SIMPLE(cntlzw, (uint32_t)A ? (uint64_t)__builtin_clz((uint32_t)A) : 32)
SIMPLE(sldi, A << u->b)
SIMPLE(srdi, A >> u->b)

static inline uint64_t rotl64(uint64_t v, unsigned n)
{
	return v << (n & 63) | v >> (-n & 63);
}
/* A word rotate works on the word doubled. */
static inline uint64_t rotw(uint64_t v, unsigned n)
{
	return rotl64((uint64_t)(uint32_t)v << 32 | (uint32_t)v, n);
}

SIMPLE(rotw_and, rotw(A, u->b) & u->imm)
SIMPLE(rotw_insert, (rotw(A, u->b) & u->imm) | (D & ~u->imm))
SIMPLE(rotd_and, rotl64(A, u->b) & u->imm)
SIMPLE(rotd_insert, (rotl64(A, u->b) & u->imm) | (D & ~u->imm))
SIMPLE(slw, B & 32 ? 0 : (uint32_t)(A << (B & 31)))
SIMPLE(srw, B & 32 ? 0 : (uint32_t)A >> (B & 31))
SIMPLE(sld, B & 64 ? 0 : A << (B & 63))
SIMPLE(srd, B & 64 ? 0 : A >> (B & 63))

static inline uint64_t shift_right_algebraic(struct cpu *cpu, int64_t v, unsigned n, unsigned bits)
{
	uint64_t lost;

	if (n >= bits) {
		cpu->ca = cpu->ca32 = v < 0;
		return (uint64_t)(v >> 63);
	}
	lost = (uint64_t)v & ((1ull << n) - 1);
	cpu->ca = cpu->ca32 = v < 0 && lost;
	return (uint64_t)(v >> n);
}
SIMPLE(sraw, shift_right_algebraic(cpu, (int32_t)A, B & 63, 32))
SIMPLE(srad, shift_right_algebraic(cpu, (int64_t)A, B & 127, 64))
SIMPLE(srawi, shift_right_algebraic(cpu, (int32_t)A, u->b, 32))
SIMPLE(sradi, shift_right_algebraic(cpu, (int64_t)A, u->b, 64))

/* x + y + carry, with CA and CA32. */
static inline uint64_t add_carry(struct cpu *cpu, uint64_t x, uint64_t y, unsigned carry)
{
	u128 wide = (u128)x + y + carry;
	uint64_t sum = (uint64_t)wide;

	cpu->ca = (uint8_t)(wide >> 64);
	cpu->ca32 = (sum ^ x ^ y) >> 32 & 1;
	return sum;
}
SIMPLE(addc, add_carry(cpu, A, B, 0))
SIMPLE(addic, add_carry(cpu, A, u->imm, 0))
SIMPLE(adde, add_carry(cpu, A, B, cpu->ca))
SIMPLE(addei, add_carry(cpu, A, u->imm, cpu->ca))
SIMPLE(subfc, add_carry(cpu, ~A, B, 1))
SIMPLE(subfic, add_carry(cpu, ~A, u->imm, 1))
SIMPLE(subfe, add_carry(cpu, ~A, B, cpu->ca))
SIMPLE(subfei, add_carry(cpu, ~A, u->imm, cpu->ca))

#define ORDER(type, x, y)                            \
	((uint8_t)(((type)(x) < (type)(y) ? CR_LT :  \
		    (type)(x) > (type)(y) ? CR_GT :  \
					    CR_EQ) | \
		   cpu->so))
#define COMPARE(name, type)                          \
	BODY(name)                                   \
	{                                            \
		BYTE(u->d) = ORDER(type, A, B);      \
		NEXT;                                \
	}                                            \
	BODY(name##i)                                \
	{                                            \
		BYTE(u->d) = ORDER(type, A, u->imm); \
		NEXT;                                \
	}
COMPARE(cmpd, int64_t)
COMPARE(cmpld, uint64_t)
COMPARE(cmpw, int32_t)
COMPARE(cmplw, uint32_t)

BODY(record)
{
	cpu->cr[0] = ORDER(int64_t, A, 0);
	NEXT;
}

/* Record forms and CA with MSR[SF]=0. */
BODY(record32)
{
	cpu->cr[0] = ORDER(int32_t, A, 0);
	NEXT;
}

BODY(carry32)
{
	cpu->ca = cpu->ca32;
	NEXT;
}

/* imm: CR field's offset << 8 | bit */
#define CR_BIT(imm) (BYTE((imm) >> 8) & (imm)&0xff)

SIMPLE(isel, CR_BIT(u->imm) ? A : B)

BODY(dec_ctr)
{
	cpu->ctr--;
	NEXT;
}

BODY(priority)
{
	cpu->ppr = (cpu->ppr & ~PPR_PRI) | u->imm;
	NEXT;
}

/* The block still runs to its end; the turn ends there. */
BODY(relax)
{
	cpu_relax(cpu, u->index);
	NEXT;
}

/*
 * A general branch condition: a = BO, imm = CR bit; the outcome goes to d. CTR has been
 * decremented.
 */
BODY(condition)
{
	unsigned bo = u->a;
	bool zero = cpu->mode & CODE_32 ? !(uint32_t)cpu->ctr : !cpu->ctr;
	bool ctr_ok = bo & 4 || zero == (bo >> 1 & 1);
	bool cr_ok = bo & 16 || (CR_BIT(u->imm) != 0) == (bo >> 3 & 1);

	D = ctr_ok && cr_ok;
	NEXT;
}

/* ---- block endings ---- */

/* The block that @u ends. Its trailer follows its two links. */
#define BLOCK ((const struct block *)(uintptr_t)u[3].imm)

static __attribute__((noinline)) const struct uop *leave_at(struct cpu *cpu, uint64_t nip)
{
	cpu->nip = nip;
	return NULL;
}

/*
 * The link is empty or the budget is spent. The run loop may fill in u[link].imm through link_uop.
 */
static __attribute__((noinline)) const struct uop *unlinked(struct cpu *cpu, const struct uop *u,
							    unsigned link, uint64_t offset)
{
	uint64_t target = cpu->page_ea + offset;

	if (cpu->budget > 0) {
		const struct uop *t = code_entry(BLOCK->page, offset);

		if (t) {
			__atomic_store_n(&((struct uop *)u)[link].imm, (uint64_t)(uintptr_t)t,
					 __ATOMIC_RELEASE);
			GO(t);
		}
	}
	return leave_at(cpu, target);
}

#define LINKED(link) \
	((const struct uop *)(uintptr_t)__atomic_load_n(&u[link].imm, __ATOMIC_ACQUIRE))
#define IN_PAGE(link, offset)                          \
	do {                                           \
		const struct uop *t = LINKED(link);    \
                                                       \
		if (likely(t && cpu->budget > 0))      \
			GO(t);                         \
		return unlinked(cpu, u, link, offset); \
	} while (0)
#define COUNT	   (cpu->budget -= u->index + 1)
#define LINK_TAKEN 1
#define LINK_NEXT  2

static inline const struct uop *find(struct cpu *cpu, uint64_t target)
{
	const struct fetch_entry *entry = &cpu->fetch->entry[FETCH_INDEX(target)];
	const struct uop *t;

	if (unlikely(entry->tag != EPN(target) || cpu->budget <= 0))
		return NULL;
	t = code_entry(entry->page, target & PAGE_MASK_LOW);
	if (likely(t))
		cpu->page_ea = EPN(target);
	return t;
}

#define OUT_OF_PAGE(target)                          \
	do {                                         \
		uint64_t to = (target);              \
		const struct uop *t = find(cpu, to); \
                                                     \
		if (likely(t))                       \
			GO(t);                       \
		return leave_at(cpu, to);            \
	} while (0)

BODY(b_in)
{
	COUNT;
	IN_PAGE(LINK_TAKEN, u->imm);
}

BODY(b_out)
{
	COUNT;
	OUT_OF_PAGE(cpu->page_ea + u->imm);
}

BODY(fall_in)
{
	COUNT;
	IN_PAGE(LINK_NEXT, u->imm);
}

BODY(fall_out)
{
	COUNT;
	OUT_OF_PAGE(cpu->page_ea + u->imm);
}

/* Not taken at the last instruction of a page: the run loop finds the next block. */
#define FALL                                                       \
	do {                                                       \
		unsigned next = block_end(BLOCK);                  \
                                                                   \
		if (unlikely(next == PAGE_BYTES))                  \
			return leave_at(cpu, cpu->page_ea + next); \
		return unlinked(cpu, u, LINK_NEXT, next);          \
	} while (0)
#define NOT_TAKEN                                        \
	do {                                             \
		const struct uop *n = LINKED(LINK_NEXT); \
                                                         \
		if (likely(n && cpu->budget > 0))        \
			GO(n);                           \
		FALL;                                    \
	} while (0)

#define CONDITIONAL(name, before, test)              \
	BODY(name##_in)                              \
	{                                            \
		COUNT;                               \
		before;                              \
		if (test)                            \
			IN_PAGE(LINK_TAKEN, u->imm); \
		NOT_TAKEN;                           \
	}
#define CONDITIONAL_BOTH(name, test)                        \
	CONDITIONAL(name, (void)0, test)                    \
	BODY(name##_out)                                    \
	{                                                   \
		COUNT;                                      \
		if (test)                                   \
			OUT_OF_PAGE(cpu->page_ea + u->imm); \
		NOT_TAKEN;                                  \
	}
/* a: CR field's offset, b: bit */
CONDITIONAL_BOTH(bc_set, BYTE(u->a) & u->b)
CONDITIONAL_BOTH(bc_clear, !(BYTE(u->a) & u->b))
CONDITIONAL_BOTH(bc_nz, A != 0)
CONDITIONAL_BOTH(bc_z, A == 0)

/*
 * Fused with the preceding comparison: imm = constant << 16 | target offset, or b = register and
 * the CR bit in imm.
 */
#define FUSED(name, type)                                                                      \
	CONDITIONAL_FUSED(name##i_bc_set, ORDER(type, A, (uint64_t)((int64_t)u->imm >> 16)),   \
			  (v & u->b))                                                          \
	CONDITIONAL_FUSED(name##i_bc_clear, ORDER(type, A, (uint64_t)((int64_t)u->imm >> 16)), \
			  !(v & u->b))                                                         \
	CONDITIONAL_FUSED(name##_bc_set, ORDER(type, A, B), (v & u->imm >> 16))                \
	CONDITIONAL_FUSED(name##_bc_clear, ORDER(type, A, B), !(v & u->imm >> 16))
#define CONDITIONAL_FUSED(name, order, test)                  \
	BODY(name##_in)                                       \
	{                                                     \
		uint8_t v = order;                            \
                                                              \
		BYTE(u->d) = v;                               \
		COUNT;                                        \
		if (test)                                     \
			IN_PAGE(LINK_TAKEN, u->imm & 0xffff); \
		NOT_TAKEN;                                    \
	}
FUSED(cmpd, int64_t)
FUSED(cmpld, uint64_t)
FUSED(cmpw, int32_t)
FUSED(cmplw, uint32_t)

/* Branches to a register: d is the target. */
BODY(br)
{
	COUNT;
	OUT_OF_PAGE(D & ~3ull);
}

#define TO_REGISTER(name, test)                 \
	BODY(name)                              \
	{                                       \
		COUNT;                          \
		if (test)                       \
			OUT_OF_PAGE(D & ~3ull); \
		NOT_TAKEN;                      \
	}
TO_REGISTER(br_nz, A != 0)
TO_REGISTER(br_set, BYTE(u->a) & u->b)
TO_REGISTER(br_clear, !(BYTE(u->a) & u->b))

/* The run loop must handle a change: continue at the next instruction, or where nip says. */
BODY(leave)
{
	COUNT;
	return leave_at(cpu, cpu->page_ea + u->imm);
}

BODY(leave_nip)
{
	COUNT;
	(void)cpu;
	return NULL;
}

BODY(illegal)
{
	if (cpu_warn_illegal(cpu, (uint32_t)u->imm, cpu->page_ea + block_offset(BLOCK, u->index)))
		cpu_illegal(cpu);
	return stop(cpu, u);
}

/* Never called: they stand behind an ending. */
BODY(link)
{
	(void)cpu;
	(void)u;
	__builtin_unreachable();
}

BODY(trailer)
{
	(void)cpu;
	(void)u;
	__builtin_unreachable();
}

uop_fn *const uop_body[UOP_KINDS] = {
#define UOP(name, d, a, b, imm, effects) [UOP_##name] = uop_##name,
#include "engine/emu/uop/uop.def"
#undef UOP
};
