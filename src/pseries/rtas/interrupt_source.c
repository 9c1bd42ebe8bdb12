/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RTAS calls of the interrupt source controller. LoPAR section "PowerPC External Interrupt Option
 * RTAS Calls".
 */
#include "pseries/private.h"

/* In: interrupt, server, priority. */
static int32_t rtas_set_xive(struct rtas_call *call)
{
	struct xics *xics = &call->papr->xics;
	struct xics_source *source = xics_source(xics, call->args[0]);

	if (!source || !papr_vcpu_exists(call->papr, call->args[1]) || call->args[2] > 0xff)
		return RTAS_PARAMETER_ERROR;
	xics_route(xics, source, (uint8_t)call->args[1], (uint8_t)call->args[2]);
	return RTAS_SUCCESS;
}

/* In: interrupt. Out: server, priority. */
static int32_t rtas_get_xive(struct rtas_call *call)
{
	const struct xics_source *source = xics_source(&call->papr->xics, call->args[0]);

	if (!source)
		return RTAS_PARAMETER_ERROR;
	call->rets[0] = source->server;
	call->rets[1] = source->priority;
	return RTAS_SUCCESS;
}

static int32_t rtas_int_off(struct rtas_call *call)
{
	struct xics *xics = &call->papr->xics;
	struct xics_source *source = xics_source(xics, call->args[0]);

	if (!source)
		return RTAS_PARAMETER_ERROR;
	xics_mask(xics, source);
	return RTAS_SUCCESS;
}

static int32_t rtas_int_on(struct rtas_call *call)
{
	struct xics *xics = &call->papr->xics;
	struct xics_source *source = xics_source(xics, call->args[0]);

	if (!source)
		return RTAS_PARAMETER_ERROR;
	xics_unmask(xics, source);
	return RTAS_SUCCESS;
}

const struct rtas_entry interrupt_functions[] = {
	{ 0x200a, "ibm,set-xive", rtas_set_xive, 3, 0 },
	{ 0x200b, "ibm,get-xive", rtas_get_xive, 1, 2 },
	{ 0x200c, "ibm,int-off", rtas_int_off, 1, 0 },
	{ 0x200d, "ibm,int-on", rtas_int_on, 1, 0 },
	{ 0 },
};

bool interrupt_source_has(const struct rtas_entry *entry)
{
	return entry >= interrupt_functions &&
	       entry < interrupt_functions + ARRAY_SIZE(interrupt_functions);
}
