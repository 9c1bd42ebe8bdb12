/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtual I/O hcalls: the terminal. LoPAR sections "H_GET_TERM_CHAR", "H_PUT_TERM_CHAR" and
 * "H_VIO_SIGNAL".
 */
#include "pseries/private.h"

/* Terminal number 0 is whatever terminal the partition has. */
static bool is_terminal(uint64_t unit)
{
	return unit == 0 || unit == VTY_UNIT;
}

/* LoPAR hcall-term: r4 terminal, r5 length, r6-r7 characters, the first in the high byte of r6. */
static int64_t h_put_term_char(struct hcall *call)
{
	uint64_t len = call->args[1];
	uint8_t buf[VTY_TRANSFER_MAX];

	if (!is_terminal(call->args[0]) || len > VTY_TRANSFER_MAX)
		return H_PARAMETER;
	put_be64(buf, call->args[2]);
	put_be64(buf + 8, call->args[3]);
	return vty_write(&call->papr->vty, buf, (unsigned)len) ? H_SUCCESS : H_BUSY;
}

/* LoPAR hcall-term: out r4 length, r5-r6 characters. */
static int64_t h_get_term_char(struct hcall *call)
{
	uint8_t buf[VTY_TRANSFER_MAX] = { 0 };

	if (!is_terminal(call->args[0]))
		return H_PARAMETER;
	call->args[0] = vty_read(&call->papr->vty, buf, sizeof(buf));
	call->args[1] = get_be64(buf);
	call->args[2] = get_be64(buf + 8);
	return H_SUCCESS;
}

/*
 * LoPAR hcall-vio: r4 unit address, r5 mode. Bit 63 is the vty's only interrupt; bits without an
 * interrupt are ignored.
 */
static int64_t h_vio_signal(struct hcall *call)
{
	if (call->args[0] != VTY_UNIT)
		return H_PARAMETER;
	vty_set_signal(&call->papr->vty, call->args[1] & 1);
	return H_SUCCESS;
}

const struct hcall_entry vio_hcalls[] = {
	{ 0x054, h_get_term_char, .function_set = "hcall-term" },
	{ 0x058, h_put_term_char, .function_set = "hcall-term" },
	{ 0x104, h_vio_signal, .function_set = "hcall-vio" },
	{ 0 },
};
