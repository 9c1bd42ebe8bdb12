/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hcall-interrupt function set: the presentation controller. LoPAR section "Interrupt Support
 * hcall()s".
 */
#include "pseries/private.h"

/* r4: CPPR in the high byte of the low word, interrupt number in the rest. */
static int64_t h_eoi(struct hcall *call)
{
	xics_eoi(&call->papr->xics, call->vcpu, (uint32_t)call->args[0]);
	return H_SUCCESS;
}

static int64_t h_cppr(struct hcall *call)
{
	xics_set_cppr(&call->papr->xics, call->vcpu, (uint8_t)call->args[0]);
	return H_SUCCESS;
}

/* r4 server, r5 MFRR. */
static int64_t h_ipi(struct hcall *call)
{
	if (!papr_vcpu_exists(call->papr, call->args[0]))
		return H_PARAMETER;
	xics_set_mfrr(&call->papr->xics, (unsigned)call->args[0], (uint8_t)call->args[1]);
	return H_SUCCESS;
}

/* r4 server; out r4 XIRR, r5 MFRR. Nothing is accepted. */
static int64_t h_ipoll(struct hcall *call)
{
	struct xics *xics = &call->papr->xics;
	uint64_t server = call->args[0];

	if (!papr_vcpu_exists(call->papr, server))
		return H_PARAMETER;
	call->args[0] = xics_poll(xics, (unsigned)server);
	call->args[1] = xics->state.server[server].mfrr;
	return H_SUCCESS;
}

static int64_t h_xirr(struct hcall *call)
{
	call->args[0] = xics_accept(&call->papr->xics, call->vcpu);
	return H_SUCCESS;
}

/* Like H_XIRR, plus the time base at which the interrupt was presented: here, that of the call. */
static int64_t h_xirr_x(struct hcall *call)
{
	call->args[0] = xics_accept(&call->papr->xics, call->vcpu);
	call->args[1] = papr_timebase(call->papr);
	return H_SUCCESS;
}

const struct hcall_entry interrupt_hcalls[] = {
	{ 0x064, h_eoi, .function_set = "hcall-interrupt", .interrupts = HCALL_XICS },
	{ 0x068, h_cppr, .function_set = "hcall-interrupt", .interrupts = HCALL_XICS },
	{ 0x06c, h_ipi, .function_set = "hcall-interrupt", .interrupts = HCALL_XICS },
	{ 0x070, h_ipoll, .function_set = "hcall-interrupt", .interrupts = HCALL_XICS },
	{ 0x074, h_xirr, .function_set = "hcall-interrupt", .interrupts = HCALL_XICS },
	{ 0x2fc, h_xirr_x, .function_set = "hcall-interrupt", .interrupts = HCALL_XICS },
	{ 0 },
};
