/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtual terminal's input side: a bounded queue between the console and H_GET_TERM_CHAR.
 * Output needs no state. LoPAR section "Client Vterm".
 */
#ifndef FWNMI_DEVICES_VTY_H
#define FWNMI_DEVICES_VTY_H

#include <stdbool.h>
#include <stdint.h>

#define VTY_TRANSFER_MAX 16u /* characters that one hcall carries */

struct vty {
	bool signal; /* input raises the interrupt, unless H_VIO_SIGNAL turned that off */
	uint8_t queue[256];
	unsigned head, count;
};

/* Where input comes from: up to @len bytes into @buf; returns the count. */
typedef unsigned vty_read_fn(void *opaque, void *buf, unsigned len);

void vty_reset(struct vty *vty);
/** vty_fill() - queue what @read has, as much as fits. @read may be NULL. */
void vty_fill(struct vty *vty, vty_read_fn *read, void *opaque);
/** vty_take() - up to @max queued characters into @buf; returns the count. */
unsigned vty_take(struct vty *vty, uint8_t *buf, unsigned max);

#endif
