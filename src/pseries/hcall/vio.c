/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtual I/O hcalls: the terminal. LoPAR sections "H_GET_TERM_CHAR", "H_PUT_TERM_CHAR" and
 * "H_VIO_SIGNAL".
 */
#include "pseries/private.h"

/* Terminal number 0 is whatever terminal the partition has. */
static bool is_terminal(uint64_t unit)
{
	return unit == 0 || unit == PAPR_VTY_UNIT;
}

/* LoPAR hcall-term: r4 terminal, r5 length, r6-r7 characters, the first in the high byte of r6. */
static int64_t h_put_term_char(struct hcall *call)
{
	const struct papr_host *host = &call->papr->config.host;
	uint64_t len = call->args[1];
	uint8_t buf[VTY_TRANSFER_MAX];

	if (!is_terminal(call->args[0]) || len > VTY_TRANSFER_MAX)
		return H_PARAMETER;
	if (len && papr_console_busy(call->papr))
		return H_BUSY;
	put_be64(buf, call->args[2]);
	put_be64(buf + 8, call->args[3]);
	if (len && host->console_write)
		host->console_write(host->opaque, buf, (unsigned)len);
	return H_SUCCESS;
}

/* LoPAR hcall-term: out r4 length, r5-r6 characters. */
static int64_t h_get_term_char(struct hcall *call)
{
	struct papr *papr = call->papr;
	uint8_t buf[VTY_TRANSFER_MAX] = { 0 };

	if (!is_terminal(call->args[0]))
		return H_PARAMETER;
	papr_fill_vty(papr);
	call->args[0] = vty_take(&papr->vty, buf, sizeof(buf));
	call->args[1] = get_be64(buf);
	call->args[2] = get_be64(buf + 8);
	/* The guest may stop reading here, so raise the interrupt again for what is left. */
	if (papr->vty.count && papr->vty.signal)
		xics_raise(&papr->xics, XICS_VTY);
	return H_SUCCESS;
}

/*
 * LoPAR hcall-vio: r4 unit address, r5 mode. Bit 63 is the vty's only interrupt; bits without an
 * interrupt are ignored.
 */
static int64_t h_vio_signal(struct hcall *call)
{
	struct papr *papr = call->papr;

	if (call->args[0] != PAPR_VTY_UNIT)
		return H_PARAMETER;
	papr->vty.signal = call->args[1] & 1;
	if (papr->vty.signal) {
		papr_fill_vty(papr);
		if (papr->vty.count)
			xics_raise(&papr->xics, XICS_VTY);
	}
	return H_SUCCESS;
}

const struct hcall_entry vio_hcalls[] = {
	{ 0x054, h_get_term_char, .function_set = "hcall-term" },
	{ 0x058, h_put_term_char, .function_set = "hcall-term" },
	{ 0x104, h_vio_signal, .function_set = "hcall-vio" },
	{ 0 },
};
