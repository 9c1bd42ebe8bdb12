/* SPDX-License-Identifier: BSD-2-Clause */
/* nvram-fetch and nvram-store. LoPAR section "NVRAM Access Functions". */
#include "pseries/private.h"

static bool in_range(const struct rtas_call *call)
{
	uint32_t offset = call->args[0], len = call->args[2];

	return offset < NVRAM_SIZE && len <= NVRAM_SIZE - offset &&
	       memory_contains(call->papr->memory, call->args[1], len);
}

/* In: offset, buffer, length. Out: bytes copied. */
static int32_t rtas_nvram_fetch(struct rtas_call *call)
{
	if (!in_range(call))
		return RTAS_PARAMETER_ERROR;
	memory_write(call->papr->memory, call->args[1],
		     call->papr->nvram.state.data + call->args[0], call->args[2]);
	call->rets[0] = call->args[2];
	return RTAS_SUCCESS;
}

static int32_t rtas_nvram_store(struct rtas_call *call)
{
	struct papr *papr = call->papr;
	uint8_t data[NVRAM_SIZE];

	if (!in_range(call))
		return RTAS_PARAMETER_ERROR;
	if (!memory_read(papr->memory, call->args[1], data, call->args[2]) ||
	    !nvram_write(&papr->nvram, call->args[0], data, call->args[2]))
		return RTAS_HARDWARE_ERROR;
	call->rets[0] = call->args[2];
	return RTAS_SUCCESS;
}

const struct rtas_entry nvram_functions[] = {
	{ 0x2010, "nvram-fetch", rtas_nvram_fetch, 3, 1 },
	{ 0x2011, "nvram-store", rtas_nvram_store, 3, 1 },
	{ 0 },
};
