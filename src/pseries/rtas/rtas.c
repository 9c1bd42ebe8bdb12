/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entry to RTAS. The argument buffer is checked here, once; handlers see only cells in host byte
 * order. Short calls are handled here, families of calls in the other files of this directory.
 * LoPAR chapter "Run-Time Abstraction Services".
 */
#include <inttypes.h>
#include <stdio.h>

#include "pseries/private.h"

struct rtas_entry {
	const char *name; /* as in the device tree */
	rtas_fn *handler;
	uint8_t nr_args, nr_rets; /* without the status word; the guest may offer room for more */
};

static rtas_fn display_character, power_off, system_reboot, os_term, get_system_parameter,
	set_system_parameter;

/* A function's token is RTAS_TOKEN_BASE + its index here. */
static const struct rtas_entry functions[] = {
	{ "display-character", display_character, 1, 0 },
	{ "get-time-of-day", rtas_get_time_of_day, 0, 7 },
	{ "set-time-of-day", rtas_set_time_of_day, 7, 0 },
	{ "power-off", power_off, 2, 0 },
	{ "system-reboot", system_reboot, 0, 0 },
	{ "query-cpu-stopped-state", rtas_query_cpu_stopped_state, 1, 1 },
	{ "start-cpu", rtas_start_cpu, 3, 0 },
	{ "stop-self", rtas_stop_self, 0, 0 },
	{ "ibm,get-system-parameter", get_system_parameter, 3, 0 },
	{ "ibm,set-system-parameter", set_system_parameter, 2, 0 },
	{ "ibm,set-xive", rtas_set_xive, 3, 0 },
	{ "ibm,get-xive", rtas_get_xive, 1, 2 },
	{ "ibm,int-off", rtas_int_off, 1, 0 },
	{ "ibm,int-on", rtas_int_on, 1, 0 },
	{ "check-exception", rtas_check_exception, 6, 0 },
	{ "event-scan", rtas_event_scan, 4, 0 },
	{ "nvram-fetch", rtas_nvram_fetch, 3, 1 },
	{ "nvram-store", rtas_nvram_store, 3, 1 },
	{ "ibm,os-term", os_term, 1, 0 },
	{ "ibm,nmi-register", rtas_nmi_register, 2, 0 },
	{ "ibm,nmi-interlock", rtas_nmi_interlock, 0, 0 },
	{ "ibm,nmi-register-2", rtas_nmi_register_2, 2, 0 },
};

const char *rtas_function(uint32_t token)
{
	if (token < RTAS_TOKEN_BASE || token - RTAS_TOKEN_BASE >= ARRAY_SIZE(functions))
		return NULL;
	return functions[token - RTAS_TOKEN_BASE].name;
}

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

static int32_t carry_out(struct rtas_call *call, uint32_t token)
{
	const struct rtas_entry *function;
	struct papr *papr = call->papr;

	if (!rtas_function(token)) {
		papr_debug(papr, "cpu %u: RTAS token 0x%" PRIx32 " is unknown, answered %d",
			   call->vcpu, token, RTAS_PARAMETER_ERROR);
		return RTAS_PARAMETER_ERROR;
	}
	function = &functions[token - RTAS_TOKEN_BASE];
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
 * only answer.
 */
int64_t h_rtas(struct hcall *hcall)
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
	call.nr_args = nr_args;
	call.nr_rets = nr_rets - 1;
	for (unsigned i = 0; i < nr_args; i++)
		memory_read_be32(papr->memory, cells + 4 * i, &call.args[i]);

	status = (uint32_t)carry_out(&call, token);
	memory_write_be32(papr->memory, rets, status);
	for (unsigned i = 0; i < call.nr_rets; i++)
		memory_write_be32(papr->memory, rets + 4 + 4 * i, call.rets[i]);
	return H_SUCCESS;
}

/* In: character. */
static int32_t display_character(struct rtas_call *call)
{
	const struct papr_host *host = &call->papr->config.host;
	uint8_t character = (uint8_t)call->args[0];

	if (papr_console_busy(call->papr))
		return RTAS_BUSY;
	if (host->console_write)
		host->console_write(host->opaque, &character, 1);
	return RTAS_SUCCESS;
}

/* In: power-on mask, two cells. None of those events can happen here. */
static int32_t power_off(struct rtas_call *call)
{
	call->hcall->action = PAPR_POWER_OFF;
	return RTAS_SUCCESS;
}

static int32_t system_reboot(struct rtas_call *call)
{
	call->hcall->action = PAPR_REBOOT;
	return RTAS_SUCCESS;
}

/*
 * In: real address of a NUL-terminated string. The call returns a status and the guest can run on,
 * as ibm,extended-os-term promises. Whether it does is the machine's policy.
 */
static int32_t os_term(struct rtas_call *call)
{
	struct papr *papr = call->papr;
	const struct papr_host *host = &papr->config.host;
	struct papr_event event = { .type = PAPR_EVENT_PANIC, .cpu = call->vcpu };
	char text[256];
	unsigned len = 0;

	while (len < sizeof(text) - 1 &&
	       memory_read(papr->memory, call->args[0] + (uint64_t)len, text + len, 1) && text[len])
		len++;
	/* The text goes to terminals and logs: printable ASCII only. */
	for (unsigned i = 0; i < len; i++)
		if (text[i] < ' ' || text[i] > '~')
			text[i] = ' ';
	text[len] = '\0';
	event.text = text;
	if (host->event)
		host->event(host->opaque, &event);
	call->hcall->action = PAPR_CRASHED;
	return RTAS_SUCCESS;
}

/* LoPAR table "Defined Parameters" of ibm,get-system-parameter. */
#define PARAMETER_SPLPAR_CHARACTERISTICS 20
#define PARAMETER_LPAR_NAME		 55
#define PARAMETER_NOT_SUPPORTED		 -3
#define PARAMETER_ERROR			 -9999

/*
 * In: parameter, buffer, length. The buffer gets a 16-bit length and as much of the data as fits.
 */
static int32_t get_system_parameter(struct rtas_call *call)
{
	struct papr *papr = call->papr;
	unsigned n = papr->config.nr_vcpus;
	uint64_t buffer = call->args[1], room = call->args[2];
	uint8_t head[2];
	char text[256];
	unsigned len;

	switch (call->args[0]) {
	case PARAMETER_SPLPAR_CHARACTERISTICS:
		snprintf(text, sizeof(text),
			 "MinEntCap=%u,MaxEntCap=%u,DesEntCap=%u,MinMem=%" PRIu64 ",DesMem=%" PRIu64
			 ",MinProcs=%u,DesProcs=%u,MaxPlatProcs=%u",
			 100 * n, 100 * n, 100 * n, papr->memory->size >> 20,
			 papr->memory->size >> 20, n, n, n);
		break;
	case PARAMETER_LPAR_NAME:
		snprintf(text, sizeof(text), "fwnmi");
		break;
	default:
		return PARAMETER_NOT_SUPPORTED;
	}
	len = (unsigned)strlen(text) + 1;
	if (room < sizeof(head) || !memory_contains(papr->memory, buffer, room))
		return PARAMETER_ERROR;
	head[0] = (uint8_t)(len >> 8);
	head[1] = (uint8_t)len;
	memory_write(papr->memory, buffer, head, sizeof(head));
	room -= sizeof(head);
	memory_write(papr->memory, buffer + sizeof(head), text, len < room ? len : room);
	return RTAS_SUCCESS;
}

/* In: parameter, buffer. None of ours can be set. */
static int32_t set_system_parameter(struct rtas_call *call)
{
	switch (call->args[0]) {
	case PARAMETER_SPLPAR_CHARACTERISTICS:
	case PARAMETER_LPAR_NAME:
		return RTAS_NOT_AUTHORIZED;
	default:
		return PARAMETER_NOT_SUPPORTED;
	}
}
