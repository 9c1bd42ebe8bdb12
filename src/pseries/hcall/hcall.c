/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dispatches hypervisor calls: number -> handler. Handlers and their tables are in the other files
 * of this directory by family, RTAS is in rtas/. LoPAR chapter "Logical Partitioning Option", table "Hypervisor Call
 * Function Table".
 */
#include <inttypes.h>

#include "pseries/private.h"

static int64_t trampoline(struct hcall *call, enum trampoline_vector vector)
{
	if (!trampolines_called(call->papr, &call->regs, vector))
		return H_FUNCTION;
	call->trampoline = true;
	call->vector = vector;
	return H_SUCCESS;
}

static int64_t h_trampoline_system_reset(struct hcall *call)
{
	return trampoline(call, TRAMPOLINE_SYSTEM_RESET);
}

static int64_t h_trampoline_machine_check(struct hcall *call)
{
	return trampoline(call, TRAMPOLINE_MACHINE_CHECK);
}

/* These are between our own code and us. No guest is told of them. */
static const struct hcall_entry trampoline_hcalls[] = {
	{ H_TRAMPOLINE_SYSTEM_RESET, .handler = h_trampoline_system_reset },
	{ H_TRAMPOLINE_MACHINE_CHECK, .handler = h_trampoline_machine_check },
	{ 0 },
};

/* One table for each file of handlers. A call that is in none of them gets H_FUNCTION. */
const struct hcall_entry *const hcall_tables[] = {
	mode_hcalls,	     vio_hcalls,	interrupt_hcalls,
	exploitation_hcalls, splpar_hcalls,	hash_table_hcalls,
	rtas_hcalls,	     trampoline_hcalls, NULL,
};

static bool exists(const struct papr *papr, const struct hcall_entry *entry)
{
	return papr_engine_can(papr, entry->needs) &&
	       (entry->interrupts == HCALL_EITHER ||
		papr->has_xive == (entry->interrupts == HCALL_XIVE));
}

static const struct hcall_entry *find(const struct papr *papr, uint64_t number)
{
	for (unsigned i = 0; hcall_tables[i]; i++)
		for (const struct hcall_entry *entry = hcall_tables[i]; entry->handler; entry++)
			if (entry->number == number)
				return exists(papr, entry) ? entry : NULL;
	return NULL;
}

/* Is the call for a guest that may choose these ways of translation? */
static bool is_for(const struct hcall_entry *entry, bool radix, bool hash)
{
	return entry->translation == HCALL_ANY ||
	       (entry->translation == HCALL_RADIX ? radix : hash);
}

static bool has_name(const char *names, size_t len, const char *name)
{
	for (size_t at = 0; at < len; at += strlen(names + at) + 1)
		if (!strcmp(names + at, name))
			return true;
	return false;
}

/* Append @name unless @names has it. False if there is no room. */
static bool add_name(char *names, size_t *len, size_t size, const char *name)
{
	size_t bytes = strlen(name) + 1;

	if (has_name(names, *len, name))
		return true;
	if (bytes > size - *len)
		return false;
	memcpy(names + *len, name, bytes);
	*len += bytes;
	return true;
}

size_t hcall_function_sets(const struct papr *papr, char *names, size_t size)
{
	size_t len = 0;
	bool fits = true;

	for (unsigned number = 0; number < HCALL_PRIVATE && fits; number += 4) {
		const struct hcall_entry *entry = find(papr, number);

		if (entry && entry->function_set &&
		    is_for(entry, papr->offers_radix, papr->offers_hash))
			fits = add_name(names, &len, size, entry->function_set);
	}
	/* An engine with a table of its own handles H_ENTER and its family itself. */
	if (papr->offers_hash)
		fits = fits && add_name(names, &len, size, "hcall-pft");
	return fits ? len : 0;
}

static int64_t carry_out(struct hcall *call)
{
	const bool radix = call->papr->partition.radix;
	uint64_t number = call->regs.gpr[3];
	const struct hcall_entry *entry;

	if (call->regs.msr & MSR_PR)
		return H_PRIVILEGE;
	entry = find(call->papr, number);
	if (!entry || !is_for(entry, radix, !radix)) {
		papr_debug(call->papr,
			   "cpu %u: hcall 0x%" PRIx64
			   " is unknown, answered H_FUNCTION (nip 0x%" PRIx64 ")",
			   call->vcpu, number, call->regs.nip);
		return H_FUNCTION;
	}
	return entry->handler(call);
}

/*
 * A call for which memory was read or written that is poisoned answers H_HARDWARE, whatever its
 * handler made of it. (An RTAS call has its own answer for that.)
 */
enum papr_action papr_hcall(struct papr *papr, unsigned vcpu, struct papr_outcome *outcome)
{
	const struct engine_ops *ops = papr->config.engine_ops;
	struct hcall call = { .papr = papr, .vcpu = vcpu, .action = PAPR_RESUME };

	ops->get_regs(papr->config.engine, vcpu, &call.regs);
	call.args = &call.regs.gpr[4];
	papr->memory->met_poison = false;
	call.regs.gpr[3] = (uint64_t)carry_out(&call);
	if (call.trampoline) {
		papr_trampoline(papr, vcpu, &call.regs, call.vector, outcome);
		return PAPR_FWNMI;
	}
	if (papr->memory->met_poison)
		call.regs.gpr[3] = (uint64_t)H_HARDWARE;
	ops->set_regs(papr->config.engine, vcpu, &call.regs);
	return call.action;
}

/* The trampolines' calls, made by the engine's trap_code. */
bool papr_trap(struct papr *papr, unsigned vcpu, uint64_t number, struct papr_outcome *outcome)
{
	enum trampoline_vector vector;
	struct engine_regs regs;

	if (number == H_TRAMPOLINE_SYSTEM_RESET)
		vector = TRAMPOLINE_SYSTEM_RESET;
	else if (number == H_TRAMPOLINE_MACHINE_CHECK)
		vector = TRAMPOLINE_MACHINE_CHECK;
	else
		return false;
	papr->config.engine_ops->get_regs(papr->config.engine, vcpu, &regs);
	regs.nip += 4;
	if (!trampolines_called(papr, &regs, vector))
		return false;
	papr_trampoline(papr, vcpu, &regs, vector, outcome);
	return true;
}
