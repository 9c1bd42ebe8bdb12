/* SPDX-License-Identifier: BSD-2-Clause */
/* The rows of uop.def as data, and the check of micro-operations against them. */
#include <stddef.h>

#include "engine/emu/uop/uop.h"

const struct uop_info uop_info[UOP_KINDS] = {
#define UOP(name, d, a, b, imm, effects) \
	[UOP_##name] = { #name, OPERAND_##d, OPERAND_##a, OPERAND_##b, IMM_##imm, effects },
#include "engine/emu/uop/uop.def"
#undef UOP
};

#define CHECK(condition, what)       \
	do {                         \
		if (!(condition))    \
			return what; \
	} while (0)

/* GPRs, the zero register, scratch, and SPRs that are storage stand side by side. */
static bool is_register(unsigned offset)
{
	return !(offset % 8) && offset < offsetof(struct cpu, cr);
}

static bool is_cr_field(unsigned offset)
{
	return offset >= offsetof(struct cpu, cr) && offset < offsetof(struct cpu, cr) + 8;
}

static bool operand_fits(unsigned value, enum uop_operand role)
{
	switch (role) {
	case OPERAND_NONE:
		return !value;
	case OPERAND_R:
		return is_register(value);
	case OPERAND_W:
	case OPERAND_RW:
		return is_register(value) && value != offsetof(struct cpu, zero);
	case OPERAND_R_CR:
	case OPERAND_W_CR:
		return is_cr_field(value);
	case OPERAND_NUMBER:
		return true;
	}
	return false;
}

static bool is_cr_bit(uint64_t value)
{
	return value && value <= 8 && !(value & (value - 1));
}

static bool is_target(uint64_t value)
{
	return value < PAGE_BYTES && !(value % 4);
}

static bool imm_fits(uint64_t value, enum uop_imm role)
{
	switch (role) {
	case IMM_NONE:
		return !value;
	case IMM_VALUE:
		return true;
	case IMM_CR_BIT:
		return value >> 8 <= UINT16_MAX && is_cr_field((unsigned)(value >> 8)) &&
		       is_cr_bit(value & 0xff);
	case IMM_TARGET:
		return is_target(value);
	case IMM_VALUE_TARGET:
		return is_target(value & 0xffff);
	case IMM_BIT_TARGET:
		return is_target(value & 0xffff) && is_cr_bit(value >> 16);
	case IMM_SEM:
		return value;
	case IMM_POINTER:
		return !(value % 8);
	}
	return false;
}

static const char *check_operands(const struct uop *u)
{
	const struct uop_info *info;

	CHECK(u->kind < UOP_KINDS, "a micro-operation has no valid kind");
	info = &uop_info[u->kind];
	CHECK(operand_fits(u->d, info->d) && operand_fits(u->a, info->a) &&
		      operand_fits(u->b, info->b) && imm_fits(u->imm, info->imm),
	      "an operand of a micro-operation is not what its row says");
	return NULL;
}

const char *uop_check(const struct uop *u)
{
	const char *wrong = check_operands(u);

	CHECK(wrong || u->fn == uop_body[u->kind], "a micro-operation has the wrong body");
	return wrong;
}

static bool writes(unsigned offset, enum uop_operand role)
{
	bool scratch = offset >= offsetof(struct cpu, scratch) &&
		       offset < offsetof(struct cpu, scratch) + sizeof(((struct cpu *)0)->scratch);

	return role == OPERAND_W_CR || ((role == OPERAND_W || role == OPERAND_RW) && !scratch);
}

/* Does it change anything that the guest can see? */
static bool changes_state(const struct uop *u)
{
	const struct uop_info *info = &uop_info[u->kind];

	return writes(u->d, info->d) ||
	       info->effects & (EFFECT_WRITES_CA | EFFECT_WRITES_CR0 | EFFECT_WRITES_CTR |
				EFFECT_WRITES_PPR | EFFECT_STORES);
}

static const char *check_order(const struct uop *uops, unsigned n, unsigned nr_insns)
{
	bool changed = false;

	for (unsigned i = 0; i < n; i++) {
		const struct uop *u = &uops[i];
		const uint16_t effects = uop_info[u->kind].effects;

		if (i && u->index != u[-1].index) {
			CHECK(u->index > u[-1].index,
			      "the instructions of a block are out of order");
			changed = false;
		}
		CHECK(!(effects & EFFECT_MARKS), "a block has a link or a trailer inside");
		CHECK(!(effects & EFFECT_ENDS) == (i + 1 < n),
		      "a block's ending is not its last micro-operation");
		CHECK(!changed || !(effects & EFFECT_FAULTS),
		      "an instruction may fault after it has changed a register");
		changed |= changes_state(u);
	}
	CHECK(uops[n - 1].index + 1u == nr_insns, "a block's count of instructions is wrong");
	return NULL;
}

const char *uop_check_block(const struct uop *uops, unsigned nr_uops, unsigned nr_insns)
{
	const char *wrong = NULL;

	CHECK(nr_uops > 3 && uops[nr_uops - 3].kind == UOP_link &&
		      uops[nr_uops - 2].kind == UOP_link && uops[nr_uops - 1].kind == UOP_trailer,
	      "a block has no links or no trailer");
	for (unsigned i = 0; i < nr_uops && !wrong; i++)
		wrong = i ? uop_check(&uops[i]) : check_operands(&uops[i]);
	return wrong ? wrong : check_order(uops, nr_uops - 3, nr_insns);
}
