/* SPDX-License-Identifier: BSD-2-Clause */
/* The emitter for AArch64: loads and stores. A miss in the soft TLB is the interpreter's. */
#include "engine/emu/jit/aarch64.h"

/* T0 = the effective address of an access, with an index register or a displacement */
static void address(struct translation *t, bool indexed)
{
	const struct uop *u = t->u;
	const unsigned base = value(t, u->a, T0);

	if (indexed)
		op(&t->a, WIDE | OP_ADD, T0, base, value(t, u->b, T1));
	else
		add_immediate(&t->a, T0, base, u->imm);
}

/* T4: what T0, an effective address, lacks of the host's. A miss is the interpreter's. */
static void look_up(struct translation *t, bool write, unsigned size)
{
	struct assembler *a = &t->a;
	const unsigned table = AT(arrays.data) +
			       DATA_MODE(t->mode) * (unsigned)sizeof(struct tlb_set) +
			       (unsigned)(write ? offsetof(struct tlb_set, write) :
						  offsetof(struct tlb_set, read));

	_Static_assert(sizeof(struct tlb_entry) == 16, "the shift below");
	op_extract(a, T1, T0, PAGE_BITS, __builtin_ctz(TLB_ENTRIES));
	op_shifted(a, WIDE | OP_ADD, T1, CPU, T1, LEFT, 4);
	op_add_high(a, WIDE | OP_ADD, T1, T1, table >> 12);
	op_at(a, OP_LOAD, 3, T3, T1, (table & 4095) + offsetof(struct tlb_entry, tag));
	op_at(a, OP_LOAD, 3, T4, T1, (table & 4095) + offsetof(struct tlb_entry, addend));
	if (size > 1)
		op_add_imm(a, WIDE | OP_ADD, T2, T0, size - 1);
	logic_immediate(a, OP_AND, T2, size > 1 ? T2 : T0, EPN(~0ull));
	op(a, WIDE | OP_SUBS, ZR, T3, T2);
	interpret_if(t, IF_NOT_EQUAL);
}

/* Sizes are shifts from here on. */
static void put_load(struct translation *t, unsigned size, bool sign, bool big_endian, bool indexed)
{
	static const uint32_t reverse[] = { 0, OP_REV16, OP_REV, OP_REV_64 };
	const unsigned r = target(t, t->u->d, T0);
	struct assembler *a = &t->a;

	address(t, indexed);
	look_up(t, false, 1u << size);
	op_at_index(a, sign && !big_endian ? OP_LOAD_SIGNED : OP_LOAD, size, r, T0, T4, false);
	if (big_endian)
		op_one(a, reverse[size], r, r);
	if (big_endian && sign)
		op_extend(a, r, r, 8u << size);
	done(t, t->u->d, r);
}

static void put_store(struct translation *t, unsigned size, bool big_endian, bool indexed)
{
	static const uint32_t reverse[] = { 0, OP_REV16, OP_REV, OP_REV_64 };
	struct assembler *a = &t->a;
	unsigned r;

	address(t, indexed);
	look_up(t, true, 1u << size);
	r = value(t, t->u->d, T1);
	if (big_endian) {
		op_one(a, reverse[size], T1, r);
		r = T1;
	}
	op_at_index(a, OP_STORE, size, r, T0, T4, false);
}

#define ORDERED(name, size, sign)                      \
	case UOP_##name##_le:                          \
		put_load(t, size, sign, false, false); \
		return true;                           \
	case UOP_##name##x_le:                         \
		put_load(t, size, sign, false, true);  \
		return true;                           \
	case UOP_##name##_be:                          \
		put_load(t, size, sign, true, false);  \
		return true;                           \
	case UOP_##name##x_be:                         \
		put_load(t, size, sign, true, true);   \
		return true
#define ORDERED_STORE(name, size)                 \
	case UOP_##name##_le:                     \
		put_store(t, size, false, false); \
		return true;                      \
	case UOP_##name##x_le:                    \
		put_store(t, size, false, true);  \
		return true;                      \
	case UOP_##name##_be:                     \
		put_store(t, size, true, false);  \
		return true;                      \
	case UOP_##name##x_be:                    \
		put_store(t, size, true, true);   \
		return true

bool recipe_memory(struct translation *t)
{
	switch (t->u->kind) {
		RECIPE(lbz, put_load(t, 0, false, false, false));
		RECIPE(lbzx, put_load(t, 0, false, false, true));
		ORDERED(lhz, 1, false);
		ORDERED(lha, 1, true);
		ORDERED(lwz, 2, false);
		ORDERED(lwa, 2, true);
		ORDERED(ld, 3, false);
		RECIPE(stb, put_store(t, 0, false, false));
		RECIPE(stbx, put_store(t, 0, false, true));
		ORDERED_STORE(sth, 1);
		ORDERED_STORE(stw, 2);
		ORDERED_STORE(std, 3);
	default:
		return false;
	}
}
