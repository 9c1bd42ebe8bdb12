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

/* By the shift that is its size: reverses its bytes */
static const uint32_t reverse[] = { 0, OP_REV16, OP_REV, OP_REV_64 };

void put_load(struct translation *t, unsigned bytes, bool sign, bool big_endian, bool indexed)
{
	const unsigned size = (unsigned)__builtin_ctz(bytes);
	const unsigned r = target(t, t->u->d, T0);
	struct assembler *a = &t->a;

	address(t, indexed);
	look_up(t, false, bytes);
	op_at_index(a, sign && !big_endian ? OP_LOAD_SIGNED : OP_LOAD, size, r, T0, T4, false);
	if (big_endian)
		op_one(a, reverse[size], r, r);
	if (big_endian && sign)
		op_extend(a, r, r, 8 * bytes);
	done(t, t->u->d, r);
}

void put_store(struct translation *t, unsigned bytes, bool big_endian, bool indexed)
{
	const unsigned size = (unsigned)__builtin_ctz(bytes);
	struct assembler *a = &t->a;
	unsigned r;

	address(t, indexed);
	look_up(t, true, bytes);
	r = value(t, t->u->d, T1);
	if (big_endian) {
		op_one(a, reverse[size], T1, r);
		r = T1;
	}
	op_at_index(a, OP_STORE, size, r, T0, T4, false);
}
