/* SPDX-License-Identifier: BSD-2-Clause */
/* The emitter for x86-64: loads and stores. A miss in the soft TLB is the interpreter's. */
#include "engine/emu/jit/x86_64.h"

/* RAX = the effective address of an access, with an index register or a displacement */
static void address(struct translation *t, bool indexed)
{
	const struct uop *u = t->u;
	struct assembler *a = &t->a;
	unsigned base = value(t, u->a, RAX);

	if (indexed) {
		op(a, WIDE, OP_LEA, RAX, at_index(base, value(t, u->b, RCX), 0, 0));
	} else if ((int64_t)u->imm == (int32_t)u->imm) {
		op(a, WIDE, OP_LEA, RAX, at_base(base, (int32_t)u->imm));
	} else {
		op_constant(a, RCX, u->imm);
		op(a, WIDE, OP_LEA, RAX, at_index(base, RCX, 0, 0));
	}
}

/* RAX: an effective address; then the host's. A miss is the interpreter's. */
static void look_up(struct translation *t, bool write, unsigned size)
{
	struct assembler *a = &t->a;
	const int32_t table =
		(int32_t)(write ? offsetof(struct tlb_set, write) : offsetof(struct tlb_set, read));

	_Static_assert(sizeof(struct tlb_entry) == 16, "the shift below");
	op(a, 0, OP_MOV, RCX, in_register(RAX));
	op_imm8(a, 0, OP_SHIFT, SHIFT_RIGHT, in_register(RCX), PAGE_BITS - 4);
	op_imm(a, 0, OP_AND, in_register(RCX), (TLB_ENTRIES - 1) << 4);
	op(a, WIDE, OP_ADD, RCX, AT_CPU(tlb));
	op(a, WIDE, OP_LEA, RDX, at_base(RAX, (int32_t)size - 1));
	op_imm(a, WIDE, OP_AND, in_register(RDX), -(int32_t)PAGE_BYTES);
	op(a, WIDE, OP_CMP, RDX, at_base(RCX, table + (int32_t)offsetof(struct tlb_entry, tag)));
	interpret_if(t, IF_NOT_EQUAL);
	op(a, WIDE, OP_ADD, RAX, at_base(RCX, table + (int32_t)offsetof(struct tlb_entry, addend)));
}

static void put_load(struct translation *t, unsigned size, bool sign, bool big_endian, bool indexed)
{
	const struct operand from = at_base(RAX, 0);
	unsigned r = target(t, t->u->d, RAX), wide = size == 8 ? WIDE : 0;
	struct assembler *a = &t->a;

	address(t, indexed);
	look_up(t, false, size);
	if (size == 1) {
		op(a, 0, OP_MOVZX_BYTE, r, from);
	} else if (size == 2 && big_endian) {
		op(a, 0, OP_MOVZX_HALF, r, from);
		op_imm8(a, PREFIX_66, OP_SHIFT, SHIFT_ROL, in_register(r), 8);
		if (sign)
			op(a, WIDE, OP_MOVSX_HALF, r, in_register(r));
	} else if (size == 2) {
		op(a, sign ? WIDE : 0, sign ? OP_MOVSX_HALF : OP_MOVZX_HALF, r, from);
	} else if (size == 4 && sign && !big_endian) {
		op(a, WIDE, OP_MOVSXD, r, from);
	} else {
		op(a, wide, OP_MOV, r, from);
		if (big_endian)
			op_bswap(a, wide, r);
		if (sign)
			op(a, WIDE, OP_MOVSXD, r, in_register(r));
	}
	done(t, t->u->d, r);
}

static void put_store(struct translation *t, unsigned size, bool big_endian, bool indexed)
{
	const struct operand to = at_base(RAX, 0);
	struct assembler *a = &t->a;
	unsigned r;

	address(t, indexed);
	look_up(t, true, size);
	r = value(t, t->u->d, RDX);
	if (big_endian && size > 1) {
		op_mov(a, RDX, r);
		r = RDX;
		if (size == 2)
			op_imm8(a, PREFIX_66, OP_SHIFT, SHIFT_ROL, in_register(r), 8);
		else
			op_bswap(a, size == 8 ? WIDE : 0, r);
	}
	if (size == 1)
		op(a, BYTE_WIDE, OP_STORE_BYTE, r, to);
	else
		op(a, size == 8 ? WIDE : size == 2 ? PREFIX_66 : 0, OP_STORE, r, to);
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
		RECIPE(lbz, put_load(t, 1, false, false, false));
		RECIPE(lbzx, put_load(t, 1, false, false, true));
		ORDERED(lhz, 2, false);
		ORDERED(lha, 2, true);
		ORDERED(lwz, 4, false);
		ORDERED(lwa, 4, true);
		ORDERED(ld, 8, false);
		RECIPE(stb, put_store(t, 1, false, false));
		RECIPE(stbx, put_store(t, 1, false, true));
		ORDERED_STORE(sth, 2);
		ORDERED_STORE(stw, 4);
		ORDERED_STORE(std, 8);
	default:
		return false;
	}
}
