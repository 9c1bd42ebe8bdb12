/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entry to RTAS. The argument buffer is checked here, once; handlers see only cells in host byte
 * order. They and their tables are in the other files of this directory by family. LoPAR chapter
 * "Run-Time Abstraction Services".
 */
#include <inttypes.h>

#include "pseries/private.h"

/* The entry point: r3 is the argument buffer; big-endian code, 32-bit mode, translation off. */
bool rtas_write_entry(struct papr *papr)
{
	static const uint32_t code[] = {
		0x7c641b78, /* mr    r4,r3 */
		0x3c600000, /* lis   r3,0 */
		0x60630000 | H_RTAS, /* ori   r3,r3,H_RTAS */
		0x44000022, /* sc    1 */
		0x4e800020, /* blr */
	};

	_Static_assert(sizeof(code) <= RTAS_CODE_SIZE,
		       "the entry point fits before libfwnmi's area");
	for (unsigned i = 0; i < ARRAY_SIZE(code); i++)
		if (!memory_write_be32(papr->memory, papr->rtas_base + 4 * i, code[i]))
			return false;
	return true;
}

void papr_rtas_code(const struct papr *papr, uint64_t *first, uint64_t *last)
{
	*first = papr->rtas_base;
	*last = papr->rtas_base + RTAS_CODE_SIZE - 1;
}

const struct rtas_entry *const rtas_tables[] = {
	system_functions, cpu_functions,	 interrupt_functions, nmi_functions,
	nvram_functions,  time_of_day_functions, errinjct_functions,  NULL,
};

static const struct rtas_entry *find(uint32_t token)
{
	for (unsigned i = 0; rtas_tables[i]; i++)
		for (const struct rtas_entry *entry = rtas_tables[i]; entry->handler; entry++)
			if (entry->token == token)
				return entry;
	return NULL;
}

const char *rtas_function(uint32_t token)
{
	const struct rtas_entry *entry = find(token);

	return entry ? entry->name : NULL;
}

bool rtas_offered(const struct papr *papr, uint32_t token)
{
	const struct rtas_entry *entry = find(token);

	return entry && (errinjct_offered(papr) || !errinjct_has(entry)) &&
	       !(papr->has_xive && interrupt_source_has(entry));
}

static int32_t carry_out(struct rtas_call *call, uint32_t token)
{
	const struct rtas_entry *function = find(token);
	struct papr *papr = call->papr;

	if (!rtas_offered(papr, token)) {
		papr_debug(papr, "cpu %u: RTAS token 0x%" PRIx32 " is unknown, answered %d",
			   call->vcpu, token, RTAS_PARAMETER_ERROR);
		return RTAS_PARAMETER_ERROR;
	}
	if (call->nr_args != function->nr_args || call->nr_rets < function->nr_rets) {
		papr_debug(papr, "cpu %u: RTAS %s called with %u inputs, %u outputs, answered %d",
			   call->vcpu, function->name, call->nr_args, call->nr_rets + 1,
			   RTAS_PARAMETER_ERROR);
		return RTAS_PARAMETER_ERROR;
	}
	return function->handler(call);
}

/*
 * r4: real address of the argument buffer, 32-bit cells (R1-7.2.7-2). If the buffer is not in
 * memory or its counts are absurd, there is no status word to write; H_PARAMETER in r3 is then the
 * only answer, and H_HARDWARE if the buffer is poisoned. A function that met poison elsewhere
 * answers with a hardware error.
 */
static int64_t h_rtas(struct hcall *hcall)
{
	struct papr *papr = hcall->papr;
	uint64_t buffer = hcall->args[0];
	struct rtas_call call = { .hcall = hcall, .papr = papr, .vcpu = hcall->vcpu };
	uint32_t token, nr_args, nr_rets, status;
	uint64_t cells, rets;
	uint8_t head[12];

	if (buffer % 4 || !memory_read(papr->memory, buffer, head, sizeof(head))) {
		papr_debug(papr, "cpu %u: RTAS argument buffer 0x%" PRIx64 " is not in memory",
			   hcall->vcpu, buffer);
		return H_PARAMETER;
	}
	token = get_be32(head);
	nr_args = get_be32(head + 4);
	nr_rets = get_be32(head + 8);
	if (nr_args > ARRAY_SIZE(call.args) || !nr_rets || nr_rets > ARRAY_SIZE(call.rets)) {
		papr_debug(papr,
			   "cpu %u: RTAS token 0x%" PRIx32 " called with %" PRIu32
			   " inputs, %" PRIu32 " outputs",
			   hcall->vcpu, token, nr_args, nr_rets);
		return H_PARAMETER;
	}
	cells = buffer + sizeof(head);
	rets = cells + 4ull * nr_args;
	if (!memory_contains(papr->memory, cells, 4ull * (nr_args + nr_rets))) {
		papr_debug(papr, "cpu %u: RTAS argument buffer 0x%" PRIx64 " ends outside memory",
			   hcall->vcpu, buffer);
		return H_PARAMETER;
	}
	if (!memory_is_ram(papr->memory, cells, 4ull * (nr_args + nr_rets)))
		return H_HARDWARE;
	call.nr_args = nr_args;
	call.nr_rets = nr_rets - 1;
	for (unsigned i = 0; i < nr_args; i++)
		memory_read_be32(papr->memory, cells + 4 * i, &call.args[i]);

	status = (uint32_t)carry_out(&call, token);
	if (papr->memory->met_poison)
		status = (uint32_t)RTAS_HARDWARE_ERROR;
	papr->memory->met_poison = false;
	memory_write_be32(papr->memory, rets, status);
	for (unsigned i = 0; i < call.nr_rets; i++)
		memory_write_be32(papr->memory, rets + 4 + 4 * i, call.rets[i]);
	return H_SUCCESS;
}

const struct hcall_entry rtas_hcalls[] = {
	{ H_RTAS, .handler = h_rtas }, /* made by the code at rtas-base */
	{ 0 },
};
