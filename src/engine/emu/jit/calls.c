/* SPDX-License-Identifier: BSD-2-Clause */
/* Which calls of semantics functions have code of their own, and what memory they access. */
#include "engine/emu/insn/insn.h"
#include "engine/emu/jit/host_emitter.h"

#define NR_SLOTS 2048 /* a power of two, far more than recipes */

static const struct sem_recipe *slots[NR_SLOTS];
static bool host_known;

static unsigned slot_of(sem_fn *sem)
{
	return (unsigned)((uintptr_t)sem * 0x9e3779b97f4a7c15ull >> 32) & (NR_SLOTS - 1);
}

/* The slot of its recipe, or the free one where that would be */
static const struct sem_recipe **slot_for(sem_fn *sem)
{
	unsigned slot = slot_of(sem);

	while (slots[slot] && slots[slot]->sem != sem)
		slot = (slot + 1) & (NR_SLOTS - 1);
	return &slots[slot];
}

void recipes_for(unsigned host)
{
	memset(slots, 0, sizeof(slots));
	host_known = true;
	for (unsigned i = 0; host_recipes[i]; i++) {
		for (const struct sem_recipe *r = host_recipes[i]; r->sem; r++) {
			const struct sem_recipe **slot = slot_for(r->sem);

			if (!*slot && !(r->needs & ~host))
				*slot = r;
		}
	}
}

void recipes_init(void)
{
	if (!host_known)
		recipes_for(look_at_host());
}

static bool is_sem_call(const struct uop *u)
{
	return uop_info[u->kind].imm == IMM_SEM;
}

/* With MSR[SF]=0, addresses are cut to 32 bits: these calls stay calls. */
const struct sem_recipe *recipe_of(const struct uop *u, unsigned mode)
{
	const struct sem_recipe *r = NULL;

	if (is_sem_call(u))
		r = *slot_for((sem_fn *)(uintptr_t)u->imm);
	return r && r->form != NO_ACCESS && mode & CODE_32 ? NULL : r;
}

bool emitter_executes(const struct uop *u, unsigned mode)
{
	return recipe_of(u, mode);
}

uint64_t displacement(uint32_t insn, enum access_form form)
{
	switch (form) {
	case ACCESS_DS:
		return (uint64_t)F_SI(insn & ~3u);
	case ACCESS_DQ:
		return (uint64_t)F_SI(insn & ~15u);
	default:
		return (uint64_t)F_SI(insn);
	}
}

bool emitter_access(const struct cpu *cpu, const struct uop *u, struct emitter_access *access)
{
	const struct sem_recipe *r = recipe_of(u, cpu->mode);
	const uint32_t insn = called_insn(u);

	if (!r || r->form == NO_ACCESS)
		return false;
	access->ea = ra_or_0(cpu, insn) +
		     (r->form == ACCESS_X ? cpu->gpr[F_RB(insn)] : displacement(insn, r->form));
	if (r->aligned)
		access->ea &= -(uint64_t)r->bytes;
	access->bytes = r->bytes;
	access->stores = r->stores;
	return true;
}
