/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Trampolines in the guest's interrupt vectors: installs them, and checks whether they are still
 * there. trampoline.c loads their code; payload/trampoline/README.md describes them.
 */
#include <string.h>

#include "pseries/private.h"

const unsigned trampoline_vectors[TRAMPOLINE_VECTORS] = {
	[TRAMPOLINE_SYSTEM_RESET] = VECTOR_SYSTEM_RESET,
	[TRAMPOLINE_MACHINE_CHECK] = VECTOR_MACHINE_CHECK,
};

static size_t copy(const struct papr *papr, enum trampoline_vector vector, uint8_t *code)
{
	return trampoline_copy(&papr->trampoline, vector, papr->trampolines_little_endian, code);
}

bool trampolines_intact(const struct papr *papr, enum trampoline_vector vector)
{
	uint8_t ours[TRAMPOLINE_MAX], there[TRAMPOLINE_MAX];
	size_t size = copy(papr, vector, ours);

	return memory_read(papr->memory, trampoline_vectors[vector], there, size) &&
	       !memcmp(ours, there, size);
}

static void write_trampoline(struct papr *papr, enum trampoline_vector vector)
{
	uint8_t code[TRAMPOLINE_MAX];
	size_t size = copy(papr, vector, code);

	memory_write(papr->memory, trampoline_vectors[vector], code, size);
}

bool trampolines_overlap(const struct papr *papr, uint64_t routine)
{
	if (!papr->by_trampoline)
		return false;
	for (unsigned i = 0; i < TRAMPOLINE_VECTORS; i++)
		if (routine >= trampoline_vectors[i] &&
		    routine < trampoline_vectors[i] + TRAMPOLINE_MAX)
			return true;
	return false;
}

/* R5: once registered, the guest has given up these bytes. */
void trampolines_install(struct papr *papr)
{
	if (!papr->by_trampoline)
		return;
	for (unsigned i = 0; i < TRAMPOLINE_VECTORS; i++) {
		/* Save the guest's bytes, to restore them if its routine goes away. */
		if (!papr->trampolines_installed || !trampolines_intact(papr, i))
			memory_read(papr->memory, trampoline_vectors[i], papr->guest_vectors[i],
				    papr->trampoline.size[i]);
	}
	papr->trampolines_installed = true;
	papr->trampolines_little_endian = papr->partition.interrupt_little_endian;
	for (unsigned i = 0; i < TRAMPOLINE_VECTORS; i++)
		write_trampoline(papr, i);
}

/* Rewrite only vectors that still hold our code: what the guest has overwritten stays. */
void trampolines_endian_changed(struct papr *papr)
{
	bool there[TRAMPOLINE_VECTORS];

	if (!papr->trampolines_installed ||
	    papr->trampolines_little_endian == papr->partition.interrupt_little_endian)
		return;
	for (unsigned i = 0; i < TRAMPOLINE_VECTORS; i++)
		there[i] = trampolines_intact(papr, i);
	papr->trampolines_little_endian = papr->partition.interrupt_little_endian;
	for (unsigned i = 0; i < TRAMPOLINE_VECTORS; i++)
		if (there[i])
			write_trampoline(papr, i);
}

void trampolines_remove(struct papr *papr)
{
	if (!papr->trampolines_installed)
		return;
	for (unsigned i = 0; i < TRAMPOLINE_VECTORS; i++)
		if (trampolines_intact(papr, i))
			memory_write(papr->memory, trampoline_vectors[i], papr->guest_vectors[i],
				     papr->trampoline.size[i]);
	papr->trampolines_installed = false;
}

void trampolines_repair(struct papr *papr, unsigned vcpu, enum trampoline_vector vector, bool stale)
{
	if (!papr->trampolines_installed || trampolines_intact(papr, vector))
		return;
	if (stale) {
		papr->trampolines_installed = false;
		return;
	}
	papr_warn(papr, "cpu %u: the guest has overwritten the trampoline at 0x%x: restored", vcpu,
		  trampoline_vectors[vector]);
	for (unsigned i = 0; i < TRAMPOLINE_VECTORS; i++)
		write_trampoline(papr, i);
}

bool trampolines_called(const struct papr *papr, const struct engine_regs *regs,
			enum trampoline_vector vector)
{
	const uint64_t start = trampoline_vectors[vector], call = regs->nip - 4;

	return papr->trampolines_installed && !(regs->msr & (MSR_IR | MSR_DR | MSR_PR)) &&
	       call >= start && call < start + papr->trampoline.size[vector];
}
