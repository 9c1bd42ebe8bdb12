/* SPDX-License-Identifier: BSD-2-Clause */
/* Which calls of semantics functions have code of their own, and what memory they access. */
#include "engine/emu/insn/insn.h"
#include "engine/emu/jit/host_emitter.h"

#define NR_SLOTS 2048 /* a power of two, far more than recipes */

static const struct sem_recipe *slots[NR_SLOTS];
static unsigned host_has;

static unsigned slot_of(sem_fn *sem)
{
	return (unsigned)((uintptr_t)sem * 0x9e3779b97f4a7c15ull >> 32) & (NR_SLOTS - 1);
}

void recipes_init(void)
{
	if (host_has & HOST_KNOWN)
		return;
	host_has = look_at_host() | HOST_KNOWN;
	for (unsigned i = 0; host_recipes[i]; i++) {
		for (const struct sem_recipe *r = host_recipes[i]; r->sem; r++) {
			unsigned slot = slot_of(r->sem);

			while (slots[slot])
				slot = (slot + 1) & (NR_SLOTS - 1);
			slots[slot] = r;
		}
	}
}

static bool is_sem_call(const struct uop *u)
{
	return uop_info[u->kind].imm == IMM_SEM;
}

/* With MSR[SF]=0, addresses are cut to 32 bits: these calls stay calls. */
const struct sem_recipe *recipe_of(const struct uop *u, unsigned mode)
{
	const struct sem_recipe *r;
	unsigned slot;

	if (!is_sem_call(u))
		return NULL;
	slot = slot_of((sem_fn *)(uintptr_t)u->imm);
	while ((r = slots[slot]) && r->sem != (sem_fn *)(uintptr_t)u->imm)
		slot = (slot + 1) & (NR_SLOTS - 1);
	if (!r || (r->needs & ~host_has) || (r->form != NO_ACCESS && mode & CODE_32))
		return NULL;
	return r;
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
