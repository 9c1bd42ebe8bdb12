/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ibm,open-errinjct, ibm,errinjct and ibm,close-errinjct: a guest asks for errors of its own. LoPAR
 * section "Error Injection Option". What the guest may ask for, and in which form, is here; whoever
 * injects does the rest, and is asked by PAPR_EVENT_ERRINJCT.
 */
#include "pseries/private.h"

#define WORK_BUFFER	 1024u /* bytes, and its alignment */
#define ALREADY_OPEN	 -4
#define NOT_OPENED_BY_IT -4 /* or not open */

/*
 * Tokens as PowerVM has them. translator-failure, 6, is not offered: LoPAR leaves its work buffer
 * undefined, and errinjct of powerpc-utils never calls it.
 */
static const struct {
	const char *name;
	uint32_t token;
	enum papr_errinjct_error error;
	bool end; /* of what a "-start" has begun: there is nothing left to do */
} functions[] = {
	{ "fatal", 1, PAPR_ERRINJCT_FATAL, false },
	{ "recovered-random-event", 2, PAPR_ERRINJCT_RECOVERED, false },
	{ "recovered-special-event", 3, PAPR_ERRINJCT_SPECIAL, false },
	{ "corrupted-page", 4, PAPR_ERRINJCT_PAGE, false },
	{ "corrupted-slb", 5, PAPR_ERRINJCT_SLB, false },
	{ "corrupted-dcache-start", 9, PAPR_ERRINJCT_DCACHE, false },
	{ "corrupted-dcache-end", 10, PAPR_ERRINJCT_DCACHE, true },
	{ "corrupted-icache-start", 11, PAPR_ERRINJCT_ICACHE, false },
	{ "corrupted-icache-end", 12, PAPR_ERRINJCT_ICACHE, true },
	{ "corrupted-tlb-start", 13, PAPR_ERRINJCT_TLB, false },
	{ "corrupted-tlb-end", 14, PAPR_ERRINJCT_TLB, true },
};

static bool can_inject(const struct papr *papr, enum papr_errinjct_error error)
{
	return error != PAPR_ERRINJCT_PAGE || papr_engine_can(papr, ENGINE_CAP_POISON);
}

size_t errinjct_tokens(const struct papr *papr, char *value, size_t size)
{
	size_t len = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(functions); i++) {
		const size_t name = strlen(functions[i].name) + 1;

		if (!can_inject(papr, functions[i].error))
			continue;
		if (size - len < name + 4)
			return 0;
		memcpy(value + len, functions[i].name, name);
		put_be32(value + len + name, functions[i].token);
		len += name + 4;
	}
	return len;
}

bool errinjct_offered(const struct papr *papr)
{
	return papr->config.options.errinjct;
}

/* Its outputs are the token, and only then the status. */
static int32_t rtas_open_errinjct(struct rtas_call *call)
{
	struct papr_errinjct_session *session = &call->papr->errinjct;

	call->rets[0] = (uint32_t)ALREADY_OPEN;
	if (session->open)
		return 0;
	session->open = true;
	session->token = session->token % INT32_MAX + 1;
	call->rets[0] = RTAS_SUCCESS;
	return (int32_t)session->token;
}

static bool is_opener(const struct rtas_call *call, uint32_t token)
{
	return call->papr->errinjct.open && call->papr->errinjct.token == token;
}

static int32_t rtas_close_errinjct(struct rtas_call *call)
{
	if (!is_opener(call, call->args[0]))
		return NOT_OPENED_BY_IT;
	call->papr->errinjct.open = false;
	return RTAS_SUCCESS;
}

/* The log that event-scan gives the guest: an anomaly that it need not care for. */
static int32_t report_recovered(struct papr *papr, bool special)
{
	const struct fwnmi_errlog log = {
		.severity = special ? FWNMI_SEVERITY_WARNING : FWNMI_SEVERITY_EVENT,
		.disposition = FWNMI_DISPOSITION_FULLY_RECOVERED,
		.initiator = FWNMI_INITIATOR_CPU,
		.type = FWNMI_EVENT_PLATFORM_ERROR,
	};
	uint8_t bytes[FWNMI_ERRLOG_FIXED_SIZE];
	int length = fwnmi_errlog_encode(&log, bytes, sizeof(bytes));

	/* The queue may be full: then the guest has yet to fetch what it has asked for. */
	if (length < 0 || papr_queue_event(papr, FWNMI_EVENT_SCAN, FWNMI_CLASS_INTERNAL_ERRORS,
					   bytes, (size_t)length) < 0)
		return RTAS_BUSY;
	return RTAS_SUCCESS;
}

static int32_t ask_to_inject(struct rtas_call *call, enum papr_errinjct_error error,
			     uint64_t address)
{
	struct papr_errinjct_request request = { .error = error, .address = address };

	papr_event(call->papr, &(struct papr_event){ .type = PAPR_EVENT_ERRINJCT,
						     .cpu = call->vcpu,
						     .errinjct = &request });
	return request.taken ? RTAS_SUCCESS : RTAS_BUSY;
}

/* @cells: the first two of the work buffer */
static int32_t inject(struct rtas_call *call, enum papr_errinjct_error error,
		      const uint32_t cells[2])
{
	struct papr *papr = call->papr;
	uint64_t address = (uint64_t)cells[0] << 32 | cells[1];

	switch (error) {
	case PAPR_ERRINJCT_RECOVERED:
		return report_recovered(papr, false);
	case PAPR_ERRINJCT_SPECIAL:
		return cells[0] == 1 || cells[0] == 2 ? report_recovered(papr, true) :
							RTAS_PARAMETER_ERROR;
	case PAPR_ERRINJCT_PAGE:
		if (!memory_contains(papr->memory, address, 1))
			return RTAS_PARAMETER_ERROR;
		break;
	case PAPR_ERRINJCT_SLB:
		address = cells[0];
		break;
	case PAPR_ERRINJCT_DCACHE:
	case PAPR_ERRINJCT_ICACHE:
		/* The action: a parity error in the cache, or in its ERAT. */
		if (cells[0] > 1)
			return RTAS_PARAMETER_ERROR;
		address = 0;
		if (cells[0] == 1)
			error = PAPR_ERRINJCT_ERAT;
		break;
	default:
		address = 0;
		break;
	}
	return ask_to_inject(call, error, address);
}

/* In: function, open token, work buffer. */
static int32_t rtas_errinjct(struct rtas_call *call)
{
	struct papr *papr = call->papr;
	uint64_t buffer = call->args[2];
	uint32_t cells[2];

	if (!is_opener(call, call->args[1]))
		return NOT_OPENED_BY_IT;
	if (buffer % WORK_BUFFER || !memory_contains(papr->memory, buffer, WORK_BUFFER))
		return RTAS_PARAMETER_ERROR;
	if (!memory_read_be32(papr->memory, buffer, &cells[0]) ||
	    !memory_read_be32(papr->memory, buffer + 4, &cells[1]))
		return RTAS_HARDWARE_ERROR;
	for (unsigned i = 0; i < ARRAY_SIZE(functions); i++)
		if (functions[i].token == call->args[0] && can_inject(papr, functions[i].error))
			return functions[i].end ? RTAS_SUCCESS :
						  inject(call, functions[i].error, cells);
	return RTAS_PARAMETER_ERROR;
}

const struct rtas_entry errinjct_functions[] = {
	{ 0x2016, "ibm,open-errinjct", rtas_open_errinjct, 0, 1 },
	{ 0x2017, "ibm,errinjct", rtas_errinjct, 3, 0 },
	{ 0x2018, "ibm,close-errinjct", rtas_close_errinjct, 1, 0 },
	{ 0 },
};

bool errinjct_has(const struct rtas_entry *entry)
{
	return entry >= errinjct_functions &&
	       entry < errinjct_functions + ARRAY_SIZE(errinjct_functions);
}
